/** Who acts for a creator: taking people in, changing what they may do, letting them go; oneself leaving. */
import { ROLES } from "./creator_roles.js";
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { accountOf, actButton, field, form, refusal, typed } from "./forms.js";
import { button, face } from "./parts.js";
import { t, timeText } from "./text.js";

/** @typedef {{account: import("./client.js").Account, role: string, since: string}} Member */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function teamPart({ api, me, acts, load: loadAll }) {
  const path = `/v1/creators/${me.creator}/members`;
  const owner = me.role === "owner";
  /** @type {Member[]} */
  let members = [];
  const one = (/** @type {HTMLElement} */ { dataset: { account } }) =>
    /** @type {Member} */ (members.find((member) => member.account.id === account));
  const setRole = (/** @type {string} */ account, /** @type {string} */ role) =>
    api.put(`${path}/${encodeURIComponent(account)}`, { role });

  return {
    async load() {
      ({ members } = await api.get(path));
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "team-title" },
      h("h2", { id: "team-title" }, t("team.title")),
      h("p.quiet", {}, t("team.how")),
      refusal(acts, "member"),
      h("ul.things", {}, members.map((member) => memberView(member, me, acts))),
      owner && h("h3", {}, t("team.add")),
      owner && form("add-member", acts, t("team.add_do"), (trouble) => [
        field("member-account", t("team.whom"), {
          name: "account", required: true, maxlength: 65, autocapitalize: "none", spellcheck: "false", hint: t("ticket.give_hint"),
          trouble: trouble("account"),
        }),
        rolesView("editor"),
      ], { kind: "" }),
    ),
    actions: {
      "add-member": (control) => acts.run("add-member", async () => {
        const { account, role } = typed(control);
        await setRole(accountOf(account), role);
        /** @type {HTMLFormElement} */ (control).reset();
        await loadAll();
      }),
      "change-member": async (control) => {
        const { account, role } = one(control);
        const answer = await ask(t("team.change_title", { name: account.name }), [
          rolesView(role),
          h("div.row", {}, button("cancel", t("app.cancel")), button("save", t("app.save"), { kind: "primary" })),
        ]);
        const chosen = /** @type {HTMLInputElement | null | undefined} */ (answer?.dialog.querySelector("input:checked"))?.value;
        if (!chosen || chosen === role) return;
        await acts.run("member", async () => {
          await setRole(account.id, chosen);
          if (account.id === me.id) return location.reload(); // what one may oneself is another now
          await loadAll();
        });
      },
      "remove-member": async (control) => {
        const { account } = one(control);
        const own = account.id === me.id;
        const sure = await ask(own ? t("team.leave_sure") : t("team.remove_sure", { name: account.name }), [
          h("p", {}, t("team.remove_what")),
          h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t(own ? "team.leave" : "team.remove"), { kind: "danger" })),
        ]);
        if (!sure) return;
        await acts.run("member", async () => {
          await api.delete(`${path}/${account.id}`);
          if (own) return location.assign("/studio");
          await loadAll();
        });
      },
    },
  };
}

/** Each with what it lets one do. @param {string} chosen */
function rolesView(chosen) {
  return h(
    "fieldset.choices",
    { "data-key": "roles" },
    h("legend", {}, t("team.role")),
    ROLES.map((role) => h(
      "label.radio",
      { "data-key": `role-${role}` },
      h("input", { type: "radio", name: "role", value: role, checked: role === chosen }),
      h("span", {}, t(`team.role.${role}`), h("span.quiet", {}, ` · ${t(`team.does.${role}`)}`)),
    )),
  );
}

/** @param {Member} member @param {import("./parts_page.js").PartOf["me"]} me @param {import("./acts.js").Acts} acts */
function memberView({ account, role, since }, me, acts) {
  const own = account.id === me.id;
  const owner = me.role === "owner";
  const act = (/** @type {string} */ action, /** @type {string} */ text, /** @type {string} */ label) => actButton(acts, "member", action, text, {
    "data-account": account.id, "aria-haspopup": "dialog", "aria-label": label,
  });
  return h(
    "li.thing",
    { "data-key": account.id, "data-role": role },
    face(account, "small"),
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, own ? t("team.you", { name: account.name }) : account.name),
      h("p.quiet", {}, `${t(`team.role.${role}`)} · ${t("comp.since", { time: timeText(since) })}`),
    ),
    h(
      "div.thing-acts",
      {},
      owner && act("change-member", t("team.change"), t("team.change_label", { name: account.name })),
      own
        ? act("remove-member", t("team.leave"), t("team.leave"))
        : owner && act("remove-member", t("team.remove"), t("team.remove_label", { name: account.name })),
    ),
  );
}

/** The way to a creator of several people. @type {(part: import("./parts_page.js").PartOf) => import("./parts_page.js").Part} */
export const publicationsPart = () => ({
  load: async () => {},
  view: () => h(
    "section.panel",
    { "aria-labelledby": "publications-title" },
    h("h2", { id: "publications-title" }, t("team.publications")),
    h("p.quiet", {}, t("team.found_how")),
    h("p.row.start", {}, h("a.button", { href: "/studio?new=publication" }, t("team.found"))),
  ),
  actions: {},
});
