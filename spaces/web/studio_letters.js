/** The newsletter: drafts are written, looked at and sent; of what was sent it is told how much of it arrived. */
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton, field, form, refusal, tick, typed } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { button } from "./parts.js";
import { t, timeText } from "./text.js";

/**
 * @typedef {{id: string, subject: string, markdown: string, tiers: string[], state: "draft" | "sending" | "sent" | "stopped",
 *   created_at: string, sent_at: string | null, deliveries: Record<string, number>}} Issue
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function lettersPart({ api, me, acts, load: loadAll }) {
  const path = `/v1/creators/${me.creator}/newsletters`;
  /** @type {PagedList<Issue>} */
  const issues = new PagedList({ api, acts, path, what: "issues" });
  /** @type {import("./page_creator.js").Tier[]} */
  let tiers = [];
  /** @type {Issue | null} the draft in the form; null: a new one */
  let edited = null;
  /** @type {{issue: string, subject: string, html: string, audience: number} | null} */
  let preview = null;
  const find = (/** @type {HTMLElement} */ { dataset: { issue } }) => /** @type {Issue} */ (issues.rows.find(({ id }) => id === issue));

  async function look(/** @type {string} */ issue) {
    preview = { issue, ...await api.get(`${path}/${issue}/preview`) };
  }

  return {
    async load() {
      [{ tiers }] = await Promise.all([api.get(`/v1/creators/${me.creator}`), issues.load()]);
      tiers = tiers.filter(({ benefits }) => benefits.includes("newsletter"));
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "letters-title" },
      h("h2", { id: "letters-title" }, t("letter.title")),
      h("p.quiet", {}, t(tiers.length ? "letter.how" : "letter.no_tier")),
      refusal(acts, "look", "send", "stop-letter", "discard"),
      issues.empty ? h("p.none", {}, t("letter.none")) : issues.view((issue) => issueView(issue, acts)),
      preview && previewView(preview, acts),
      h("h3", { id: "letter-form" }, t(edited ? "letter.edit" : "letter.new")),
      form("letter", acts, t("letter.save"), (trouble) => [
        field("letter-subject", t("letter.subject"), { name: "subject", required: true, maxlength: 200, value: edited?.subject, trouble: trouble("subject") }),
        field("letter-text", t("letter.text"), {
          name: "markdown", required: true, rows: 12, maxlength: 20_000, value: edited?.markdown ?? "", hint: t("letter.text_hint"), trouble: trouble("markdown"),
        }),
        tiers.length > 1 && h(
          "fieldset.choices",
          { "data-key": "letter-tiers" },
          h("legend", {}, t("letter.to")),
          tiers.map(({ id, name }) => tick("tier", name, { value: id, checked: edited ? edited.tiers.includes(id) || !edited.tiers.length : true })),
        ),
      ], { kind: "primary", more: edited ? [button("new-letter", t("letter.another"))] : [] }),
    ),
    actions: {
      ...issues.actions,
      letter: (control) => acts.run("letter", async () => {
        const { subject, markdown } = typed(control);
        const chosen = new FormData(/** @type {HTMLFormElement} */ (control)).getAll("tier").map(String);
        const body = { subject, markdown, tiers: chosen.length === tiers.length ? [] : chosen };
        const saved = /** @type {Issue} */ (edited ? await api.patch(`${path}/${edited.id}`, body) : await api.post(path, body));
        edited = saved;
        await look(saved.id);
        await loadAll();
        toast(t("letter.saved"));
      }),
      "new-letter": () => {
        edited = preview = null;
        acts.draw();
        clearForm();
      },
      "edit-letter": async (control) => {
        edited = find(control);
        await acts.run("look", () => look(find(control).id));
        clearForm(); // to what it says now
        document.getElementById("letter-subject")?.focus();
      },
      "look-letter": (control) => acts.run("look", () => look(find(control).id)),
      "discard-letter": (control) => acts.run("discard", async () => {
        const { id } = find(control);
        await api.delete(`${path}/${id}`);
        if (edited?.id === id) edited = null;
        if (preview?.issue === id) preview = null;
        await loadAll();
      }),
      "send-letter": async () => {
        if (!preview || !(await sure(preview))) return;
        const { issue } = preview;
        await acts.run("send", async () => {
          await api.post(`${path}/${issue}/send`);
          if (edited?.id === issue) edited = null;
          preview = null;
          await loadAll();
          toast(t("letter.on_its_way"));
        });
      },
      "stop-letter": (control) => acts.run("stop-letter", async () => {
        await api.post(`${path}/${find(control).id}/stop`);
        await loadAll();
      }),
    },
  };
}

/** What was typed is forgotten. */
const clearForm = () => /** @type {HTMLFormElement | null} */ (document.querySelector('[data-submit="letter"]'))?.reset();

/** @param {{subject: string, audience: number}} preview */
async function sure({ subject, audience }) {
  const answer = await ask(t("letter.sure", { subject }), [
    h("p", {}, t("letter.goes_to", { count: audience })),
    h("p", {}, t("letter.sure_what")),
    h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("letter.send"), { kind: "primary" })),
  ]);
  return answer !== null;
}

/** @param {Issue} issue @param {import("./acts.js").Acts} acts */
function issueView(issue, acts) {
  const { id, subject, state, created_at: made, sent_at: sent, deliveries } = issue;
  const which = { "data-issue": id };
  const label = (/** @type {string} */ text) => ({ ...which, "aria-label": t("stingers.label", { act: text, name: subject }) });
  const gone = (deliveries.refused ?? 0) + (deliveries.failed ?? 0) + (deliveries.unknown ?? 0);
  return h(
    "li.thing",
    { "data-key": id, "data-status": state },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, subject),
      h("p.quiet", {}, [
        t(`letter.state.${state}`),
        timeText(sent ?? made),
        state !== "draft" && t("letter.sent_to", { count: deliveries.sent ?? 0 }),
        (deliveries.queued ?? 0) > 0 && t("letter.waiting", { count: deliveries.queued }),
        gone > 0 && t("letter.failed", { count: gone }),
      ].filter(Boolean).join(" · ")),
    ),
    h(
      "div.thing-acts",
      {},
      state === "draft" && button("edit-letter", t("letter.open"), label(t("letter.open"))),
      state !== "draft" && actButton(acts, "look", "look-letter", t("letter.look"), label(t("letter.look"))),
      state === "draft" && actButton(acts, "discard", "discard-letter", t("letter.discard"), label(t("letter.discard"))),
      state === "sending" && actButton(acts, "stop-letter", "stop-letter", t("letter.stop"), label(t("letter.stop"))),
    ),
  );
}

/** @param {{issue: string, subject: string, html: string, audience: number}} preview @param {import("./acts.js").Acts} acts */
function previewView({ issue, subject, html, audience }, acts) {
  const body = h("div.letter-body", { "data-key": `body-${issue}-${html.length}`, "data-own": true, dir: "auto" });
  body.append(...plain(html).childNodes);
  return h(
    "div.letter",
    { "data-key": "preview" },
    h("h3", {}, t("letter.preview")),
    h("article.letter-paper", { "aria-label": subject }, h("h4", {}, subject), body),
    h("p.quiet", {}, t("letter.goes_to", { count: audience })),
    h("div.row.start", {}, actButton(acts, "send", "send-letter", t("letter.send"), { kind: "primary", "aria-haspopup": "dialog" })),
  );
}

/** The server has cleaned it; what would fetch anything from elsewhere is left out all the same. @param {string} html */
function plain(html) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  for (const one of body.querySelectorAll("script, style, link, meta, iframe, img, form")) one.remove();
  for (const one of body.querySelectorAll("[style]")) one.removeAttribute("style");
  for (const one of body.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const below = h(`h5.as-${one.localName}`); // below those of the page
    below.append(...one.childNodes);
    one.replaceWith(below);
  }
  for (const one of body.querySelectorAll("a")) Object.assign(one, { target: "_blank", rel: "noopener noreferrer nofollow" });
  return body;
}
