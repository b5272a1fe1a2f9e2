/** Letters that one gets, and what else comes with a Super Follow: communities, codes for shops, invitations to Spaces. */
import { communityThing } from "./community_parts.js";
import { h } from "./dom.js";
import { actButton, refusal } from "./forms.js";
import { creatorLink } from "./parts.js";
import { t, timeText } from "./text.js";
import { percentText } from "./text_rare.js";

/**
 * @typedef {import("./client.js").Account} Account
 * @typedef {{creator: Account, email: string, given_at: string, confirmed_at: string | null}} Consent
 * @typedef {{id: string, creator: Account, percent: number, code: string, state: string, good: boolean}} Code
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function newslettersPart({ api, acts, load: loadAll }) {
  /** @type {Consent[]} */
  let consents = [];
  return {
    async load() {
      ({ newsletters: consents } = await api.get("/v1/me/newsletters"));
    },
    view: () => consents.length === 0 ? null : h(
      "section.panel",
      { "aria-labelledby": "my-letters" },
      h("h2", { id: "my-letters" }, t("letter.mine")),
      refusal(acts, "unsubscribe"),
      h("ul.things", {}, consents.map(({ creator, email, confirmed_at: confirmed }) => h(
        "li.thing",
        { "data-key": creator.id },
        h("div.thing-what", {}, h("p.thing-name", {}, creatorLink(creator)), h("p.quiet", {}, confirmed ? email : t("letter.to_confirm", { email }))),
        h("div.thing-acts", {}, actButton(acts, "unsubscribe", "unsubscribe", t("letter.unsubscribe"), {
          "data-handle": creator.handle, "aria-label": t("letter.unsubscribe_label", { name: creator.name }),
        })),
      ))),
    ),
    actions: {
      unsubscribe: ({ dataset: { handle } }) => acts.run("unsubscribe", async () => {
        await api.delete(`/v1/me/newsletters/${handle}`);
        await loadAll();
      }),
    },
  };
}

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function myCommunitiesPart({ api }) {
  /** @type {import("./community_parts.js").Community[]} */
  let communities = [];
  return {
    async load() {
      ({ communities } = await api.get("/v1/me/communities"));
    },
    view: () => communities.length === 0 ? null : h(
      "section.panel",
      { "aria-labelledby": "my-communities" },
      h("h2", { id: "my-communities" }, t("community.mine")),
      h("ul.things", {}, communities.map(communityThing)),
    ),
    actions: {},
  };
}

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function codesPart({ api }) {
  /** @type {Code[]} */
  let codes = [];
  return {
    async load() {
      ({ codes } = await api.get("/v1/me/merch-codes"));
    },
    view: () => codes.length === 0 ? null : h(
      "section.panel",
      { "aria-labelledby": "my-codes" },
      h("h2", { id: "my-codes" }, t("discount.mine")),
      h("ul.things", {}, codes.map(({ id, creator, percent, code, state, good }) => h(
        "li.thing",
        { "data-key": id, "data-status": good ? "active" : "canceled" },
        h(
          "div.thing-what",
          {},
          h("p.thing-name", {}, h("code.merch-code", {}, code)),
          h("p.quiet", {}, creatorLink(creator), ` · ${percentText(percent / 100)} · ${t(`discount.state.${state === "issued" && !good ? "lapsed" : state}`)}`),
        ),
      ))),
    ),
    actions: {},
  };
}

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function invitationsPart({ api }) {
  /** @type {import("./client.js").Space[]} */
  let spaces = [];
  return {
    async load() {
      ({ spaces } = await api.get("/v1/me/invitations"));
    },
    view: () => spaces.length === 0 ? null : h(
      "section.panel",
      { "aria-labelledby": "my-invitations" },
      h("h2", { id: "my-invitations" }, t("invited.mine")),
      h("ul.things", {}, spaces.map((space) => h(
        "li.thing",
        { "data-key": space.id },
        h(
          "div.thing-what",
          {},
          h("p.thing-name", {}, h("a", { href: `/s/${space.id}` }, space.title)),
          h("p.quiet", {}, [space.creator.name, space.state === "live" ? t("space.live") : space.scheduled_start ? timeText(space.scheduled_start) : t("plan.undated")].join(" · ")),
        ),
      ))),
    ),
    actions: {},
  };
}
