import { goToCheckout } from "./checkout.js";
import { toast } from "./dialogs.js";
import { h, listen, show } from "./dom.js";
import { card, face, loadingView, offerCard } from "./parts.js";
import { errorText, t, timeText } from "./text.js";

/** How often the page is looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;

/**
 * @typedef {{id: string, name: string, level: number, state: string, benefits: string[],
 *   prices: {currency: string, amount_minor: number, interval: string}[]}} Tier
 * @typedef {{account: import("./client.js").Account, handle: string, name: string, kind: string, tiers: Tier[],
 *   spaces: import("./client.js").Space[], you: {tier: string | null, status: string, until: string | null} | null}} Creator
 */

/** A creator: what is live, what one can subscribe to. @param {import("./app.js").Page} page @param {string} handle */
export async function creatorPage({ main, api, repeat, signIn }, handle) {
  /** @type {Creator | null} */
  let creator = null;
  let busy = "";
  const draw = () => creator && show(main, creatorView(creator, busy));

  async function subscribe(/** @type {HTMLElement} */ control) {
    const tier = creator?.tiers.find(({ id }) => id === control.dataset.tier);
    if (!creator || !tier || busy) return;
    if (!api.token) return signIn();
    busy = tier.id;
    draw();
    try {
      const what = { name: tier.name, creator: creator.name, ...tier.prices[0] };
      await goToCheckout(api, { creator: creator.handle, tier: tier.id }, what);
    } catch (error) {
      toast(errorText(error));
    }
    busy = "";
    draw();
  }

  show(main, loadingView());
  listen(main, { subscribe });
  await repeat(REFRESH_EVERY, async () => {
    creator = /** @type {Creator} */ (await api.get(`/v1/creators/${handle}`));
    document.title = t("app.title", { title: creator.name });
    draw();
  });
}

/** @param {Creator} creator @param {string} busy the tier that is being opened */
function creatorView(creator, busy) {
  const tiers = creator.tiers.filter(({ state, prices }) => state === "published" && prices.length);
  return h(
    "div.page",
    { "data-key": "creator" },
    h(
      "div.creator-head",
      {},
      face(creator.account, "large"),
      h(
        "div",
        {},
        h("h1", { tabindex: "-1" }, creator.name),
        h("p.quiet", {}, `@${creator.handle} · ${t(`creator.kind.${creator.kind}`)}`),
      ),
    ),
    h(
      "section",
      { "aria-labelledby": "spaces-title" },
      h("h2", { id: "spaces-title" }, t("creator.spaces")),
      creator.spaces.length
        ? h("ul.cards", {}, creator.spaces.map(card))
        : h("p.none", {}, t("creator.no_spaces")),
    ),
    h(
      "section",
      { "aria-labelledby": "tiers-title" },
      h("h2", { id: "tiers-title" }, t(creator.you?.tier ? "creator.tiers_yours" : "creator.tiers")),
      creator.you?.tier && creator.you.until
        && h("p.quiet", {}, `${t("creator.yours")}, ${t("creator.until", { time: timeText(creator.you.until) })}`),
      tiers.length
        ? h("ul.offers", {}, tiers.map((tier) => offerCard({
          tier: tier.id,
          name: tier.name,
          creator: creator.handle,
          ...tier.prices[0],
          benefits: tier.benefits,
          yours: creator.you?.tier === tier.id,
          busy: busy === tier.id,
        })))
        : h("p.none", {}, t("creator.no_tiers", { name: creator.name })),
    ),
  );
}
