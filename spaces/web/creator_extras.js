/** What else there is of a creator: communities, the newsletter, a discount at the shop. */
import { communityThing } from "./community_parts.js";
import { toast } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { actButton, refusal } from "./forms.js";
import { t } from "./text.js";
import { percentText } from "./text_rare.js";

/**
 * @param {import("./parts_page.js").PartOf} part `me` is null of whoever has not signed in
 * @param {string} handle @param {() => void} signIn @returns {import("./parts_page.js").Part}
 */
export function extrasPart({ api, me, acts, load: loadAll }, handle, signIn) {
  const base = `/v1/creators/${handle}`;
  /** @type {import("./community_parts.js").Community[]} */
  let communities = [];
  /** @type {import("./studio_discounts.js").Discount[]} */
  let discounts = [];
  /** @type {{tier: string | null} | null} */
  let you = null;
  let newsletter = false;
  let reduced = false;
  let wants = false;
  /** @type {{code: string, percent: number} | null} */
  let code = null;
  return {
    async load() {
      const [found, offered, creator, mine] = await Promise.all([
        api.get(`${base}/communities`), api.get(`${base}/discounts`), api.get(base), me ? api.get("/v1/me/newsletters") : { newsletters: [] },
      ]);
      communities = found.communities.filter((/** @type {any} */ { closed_at: closed }) => !closed);
      discounts = offered.discounts;
      you = creator.you;
      const yours = creator.tiers.find((/** @type {any} */ { id }) => id === you?.tier);
      newsletter = yours?.benefits.includes("newsletter") ?? false;
      reduced = yours?.benefits.includes("merch.discount") ?? false;
      wants = mine.newsletters.some((/** @type {any} */ one) => one.creator.handle === handle);
    },
    view: () => {
      const mine = reduced && discounts.find(({ tier }) => tier === you?.tier);
      const gives = mine || newsletter;
      if (!communities.length && !gives) return null;
      return h(
        "section",
        { "aria-labelledby": "extras-title", "data-key": "extras" },
        h("h2", { id: "extras-title" }, t(gives ? "extras.title" : "community.of")),
        refusal(acts, "newsletter", "code"),
        gives && h(
          "ul.things",
          {},
          newsletter && h(
            "li.thing",
            { "data-key": "newsletter" },
            h("span.thing-icon", {}, icon("mail")),
            h("div.thing-what", {}, h("p.thing-name", {}, t("letter.title")), h("p.quiet", {}, t(wants ? "extras.letter_on" : "extras.letter_off"))),
            h("div.thing-acts", {}, actButton(acts, "newsletter", "newsletter", t(wants ? "letter.unsubscribe" : "extras.letter_get"), { kind: wants ? "" : "primary" })),
          ),
          mine && h(
            "li.thing",
            { "data-key": "code" },
            h("span.thing-icon", {}, icon("ticket")),
            h(
              "div.thing-what",
              {},
              h("p.thing-name", {}, t("extras.discount", { share: percentText(mine.percent / 100) })),
              code ? h("p", { role: "status" }, h("code.merch-code", {}, code.code)) : h("p.quiet", {}, t("extras.code_how")),
            ),
            !code && h("div.thing-acts", {}, actButton(acts, "code", "code", t("extras.code_get"))),
          ),
        ),
        communities.length > 0 && gives && h("h3", {}, t("community.of")),
        communities.length > 0 && h("ul.things", {}, communities.map(communityThing)),
      );
    },
    actions: {
      newsletter: () => {
        if (!me) return signIn();
        return acts.run("newsletter", async () => {
          if (wants) await api.delete(`/v1/me/newsletters/${handle}`);
          else {
            const { confirmed_at: confirmed, email } = await api.put(`/v1/me/newsletters/${handle}`, { source: "page" });
            toast(confirmed ? t("extras.letter_on") : t("letter.to_confirm", { email }));
          }
          await loadAll();
        });
      },
      code: () => acts.run("code", async () => {
        code = await api.post(`${base}/merch-codes`);
        await loadAll();
      }),
    },
  };
}
