/** What admins set of a community: what it is, how one joins it, its rules, and its end. */
import { topicsOf } from "./about_fields.js";
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton, field, form, refusal, typed } from "./forms.js";
import { button } from "./parts.js";
import { joiningChoices, joiningOf } from "./studio_communities.js";
import { t } from "./text.js";

/** @param {import("./page_community.js").Known} known @param {import("./acts.js").Acts} acts */
export function governView({ community, tiers }, acts) {
  const { you, name, description, topics, joining, tier, rules, closed_at: closed } = community;
  if (you.role !== "admin" || closed) return null;
  return h(
    "section.panel",
    { "aria-labelledby": "govern-title", "data-key": "govern" },
    h("h2", { id: "govern-title" }, t("community.govern")),
    form("settings", acts, t("app.save"), (trouble) => [
      field("govern-name", t("community.name"), { name: "name", required: true, maxlength: 100, value: name, trouble: trouble("name") }),
      field("govern-description", t("community.description"), { name: "description", rows: 3, maxlength: 2_000, value: description, trouble: trouble("description") }),
      field("govern-topics", t("about.topics"), { name: "topics", maxlength: 160, value: topics.join(", "), hint: t("about.topics_hint"), trouble: trouble("topics") }),
      field("govern-joining", t("community.joining"), {
        name: "joining", choices: joiningChoices(tiers), value: tier ? `tier:${tier}` : joining, trouble: trouble("joining") || trouble("tier"),
      }),
    ], { kind: "" }),
    h("h3", {}, t("community.new_rules")),
    form("rules", acts, t("community.publish_rules"), (trouble) => [
      field("govern-rules", t("community.rules"), { name: "text", rows: 6, required: true, maxlength: 20_000, value: rules, hint: t("community.new_rules_hint"), trouble: trouble("text") }),
    ], { kind: "" }),
    refusal(acts, "close-community"),
    h("div.row", {}, actButton(acts, "close-community", "close-community", t("community.close"), { kind: "danger", "aria-haspopup": "dialog" })),
  );
}

/**
 * @param {string} path @param {import("./api.js").Api} api @param {import("./acts.js").Acts} acts @param {() => Promise<void>} load
 * @returns {Record<string, (control: HTMLElement) => unknown>}
 */
export const governActions = (path, api, acts, load) => ({
  settings: (control) => acts.run("settings", async () => {
    const { name, description, topics, joining } = typed(control);
    await api.patch(path, { name, description, topics: topicsOf(topics), ...joiningOf(joining) });
    await load();
    toast(t("app.saved"));
  }),
  rules: (control) => acts.run("rules", async () => {
    await api.post(`${path}/rules`, { text: typed(control).text });
    await load();
    toast(t("community.rules_published"));
  }),
  "close-community": async () => {
    const sure = await ask(t("community.close_sure"), [
      h("p", {}, t("community.close_what")),
      h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("community.close"), { kind: "danger" })),
    ]);
    if (!sure) return;
    await acts.run("close-community", async () => {
      await api.post(`${path}/close`);
      await load();
    });
  },
});
