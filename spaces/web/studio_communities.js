/** The creator's communities, and founding another. */
import { h } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { topicsOf } from "./about_fields.js";
import { communityThing } from "./community_parts.js";
import { t } from "./text.js";

/** @typedef {import("./community_parts.js").Community} Community */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function communitiesPart({ api, me, acts }) {
  const path = `/v1/creators/${me.creator}/communities`;
  /** @type {Community[]} */
  let communities = [];
  /** @type {import("./page_creator.js").Tier[]} */
  let tiers = [];
  return {
    async load() {
      [{ communities }, { tiers }] = await Promise.all([api.get(path), api.get(`/v1/creators/${me.creator}`)]);
      communities = communities.filter(({ closed_at: closed }) => !closed);
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "communities-title" },
      h("h2", { id: "communities-title" }, t("community.yours")),
      h("p.quiet", {}, t("community.how")),
      communities.length ? h("ul.things", {}, communities.map(communityThing)) : h("p.none", {}, t("community.none_yours")),
      h("h3", {}, t("community.found")),
      form("found", acts, t("community.found_do"), (trouble) => [
        field("community-name", t("community.name"), { name: "name", required: true, maxlength: 100, trouble: trouble("name") }),
        field("community-description", t("community.description"), { name: "description", rows: 3, maxlength: 2_000, value: "", trouble: trouble("description") }),
        field("community-rules", t("community.rules"), { name: "rules", rows: 5, required: true, maxlength: 20_000, value: "", hint: t("community.rules_hint"), trouble: trouble("rules") }),
        field("community-topics", t("about.topics"), { name: "topics", maxlength: 160, hint: t("about.topics_hint"), trouble: trouble("topics") }),
        field("community-joining", t("community.joining"), { name: "joining", choices: joiningChoices(tiers), trouble: trouble("joining") || trouble("tier") }),
      ]),
    ),
    actions: {
      found: (control) => acts.run("found", async () => {
        const { topics, joining, ...given } = typed(control);
        const { id } = await api.post(path, { ...given, topics: topicsOf(topics), ...joiningOf(joining) });
        location.assign(`/c/${id}`);
      }),
    },
  };
}

/** @param {import("./page_creator.js").Tier[]} tiers @returns {[string, string][]} */
export const joiningChoices = (tiers) => [
  ["open", t("community.joining.open")],
  ["request", t("community.joining.request")],
  ["invite", t("community.joining.invite")],
  ...tiers.filter(({ state }) => state === "published").map(({ id, name }) =>
    /** @type {[string, string]} */ ([`tier:${id}`, t("community.joining.of_tier", { name })])),
];

/** @param {string} choice */
export function joiningOf(choice) {
  const [joining, tier] = choice.split(":");
  return tier ? { joining, tier } : { joining };
}
