/** Comps: a tier that somebody has for nothing. */
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { accountOf, actButton, field, form, refusal, typed } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { button, face } from "./parts.js";
import { t, timeText } from "./text.js";

/** @typedef {{id: string, account: import("./client.js").Account, tier: string, starts_at: string, ends_at: string | null, ended_at: string | null}} Comp */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function compsPart({ api, me, acts, load: loadAll }) {
  const path = `/v1/creators/${me.creator}/comps`;
  /** @type {PagedList<Comp>} */
  const comps = new PagedList({
    api, acts, path, what: "comps", keep: ({ ended_at: ended, ends_at: end }) => !ended && !(end && Date.parse(end) < Date.now()),
  });
  /** @type {import("./page_creator.js").Tier[]} */
  let tiers = [];
  return {
    async load() {
      [{ tiers }] = await Promise.all([api.get(`/v1/creators/${me.creator}`), comps.load()]);
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "comps-title" },
      h("h2", { id: "comps-title" }, t("comp.title")),
      h("p.quiet", {}, t("comp.how")),
      refusal(acts, "end-comp"),
      comps.empty ? h("p.none", {}, t("comp.none")) : comps.view((comp) => compView(comp, tiers, acts)),
      tiers.length > 0 && [
        h("h3", {}, t("comp.new")),
        form("new-comp", acts, t("comp.give"), (trouble) => [
          field("comp-account", t("comp.whom"), { name: "account", required: true, maxlength: 65, autocapitalize: "none", spellcheck: "false", hint: t("ticket.give_hint"), trouble: trouble("account") }),
          field("comp-tier", t("give.tier"), { name: "tier", choices: tiers.map(({ id, name }) => [id, name]), trouble: trouble("tier") }),
          field("comp-end", t("comp.end"), { name: "end", type: "date", hint: t("comp.end_hint"), trouble: trouble("ends_at") }),
        ], { kind: "" }),
      ],
    ),
    actions: {
      ...comps.actions,
      "new-comp": (control) => acts.run("new-comp", async () => {
        const { account, tier, end } = typed(control);
        const until = end && { ends_at: new Date(`${end}T23:59:59`).toISOString() };
        await api.post(path, { account: accountOf(account), tier, ...until });
        /** @type {HTMLFormElement} */ (control).reset();
        await loadAll();
      }),
      "end-comp": async ({ dataset: { comp } }) => {
        const { account } = /** @type {Comp} */ (comps.rows.find(({ id }) => id === comp));
        const sure = await ask(t("comp.sure", { name: account.name }), [
          h("p", {}, t("creator.end_what")),
          h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("comp.take_back"), { kind: "danger" })),
        ]);
        if (!sure) return;
        await acts.run("end-comp", async () => {
          await api.delete(`${path}/${comp}`);
          await loadAll();
        });
      },
    },
  };
}

/** @param {Comp} comp @param {import("./page_creator.js").Tier[]} tiers @param {import("./acts.js").Acts} acts */
function compView({ id, account, tier, starts_at: start, ends_at: end }, tiers, acts) {
  return h(
    "li.thing",
    { "data-key": id },
    face(account, "small"),
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, `${account.name} · ${tiers.find((one) => one.id === tier)?.name ?? ""}`),
      h("p.quiet", {}, end ? t("creator.until", { time: timeText(end) }) : t("comp.since", { time: timeText(start) })),
    ),
    h("div.thing-acts", {}, actButton(acts, "end-comp", "end-comp", t("comp.take_back"), {
      "data-comp": id, "aria-haspopup": "dialog", "aria-label": t("comp.take_back_label", { name: account.name }),
    })),
  );
}
