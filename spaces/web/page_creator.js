import { goToPay } from "./checkout.js";
import { toast } from "./dialogs.js";
import { h, listen, show } from "./dom.js";
import { endFollow, followersView, loadFollowers } from "./followers.js";
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
export async function creatorPage({ main, api, me, repeat, signIn }, handle) {
  /** @type {Creator | null} */
  let creator = null;
  /** @type {import("./followers.js").Follower[] | null} of one's own page */
  let followers = null;
  let busy = "";
  const draw = () => creator && show(main, creatorView(creator, busy, followers));

  async function subscribe(/** @type {HTMLElement} */ control) {
    const tier = creator?.tiers.find(({ id }) => id === control.dataset.tier);
    if (!creator || !tier || busy) return;
    if (!me) return signIn();
    busy = tier.id;
    draw();
    try {
      const { checkout_url: address } = await api.post(`/v1/creators/${creator.handle}/subscriptions`, { tier: tier.id });
      if (address) goToPay(address);
    } catch (error) {
      toast(errorText(error));
    }
    busy = "";
    draw();
  }

  async function load() {
    creator = /** @type {Creator} */ (await api.get(`/v1/creators/${handle}`));
    followers = me && me.id === creator.account.id ? await loadFollowers(api, creator.handle) : null;
    document.title = t("app.title", { title: creator.name });
    draw();
  }

  async function end(/** @type {HTMLElement} */ control) {
    try {
      await endFollow(api, control);
      await load();
    } catch (error) {
      toast(errorText(error));
    }
  }

  show(main, loadingView());
  listen(main, { subscribe, "end-follow": end });
  await repeat(REFRESH_EVERY, load);
}

/**
 * @param {Creator} creator @param {string} busy the tier that is being opened
 * @param {import("./followers.js").Follower[] | null} followers null: somebody else's page
 */
function creatorView(creator, busy, followers) {
  const own = followers !== null;
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
        own && h("a.button", { href: "/studio" }, t("studio.title")),
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
      h("h2", { id: "tiers-title" }, t(own ? "creator.tiers_own" : creator.you?.tier ? "creator.tiers_yours" : "creator.tiers")),
      creator.you?.tier && creator.you.until && h(
        "p.quiet",
        {},
        `${t("creator.yours")}, ${t("creator.until", { time: timeText(creator.you.until) })} `,
        h("a", { href: "/account" }, t("follow.manage")),
      ),
      tiers.length
        ? h("ul.offers", {}, tiers.map((tier) => offerCard({
          tier: tier.id,
          name: tier.name,
          creator: creator.handle,
          ...tier.prices[0],
          benefits: tier.benefits,
          yours: creator.you?.tier === tier.id,
          own,
          busy: busy === tier.id,
        })))
        : h("p.none", {}, t(own ? "creator.no_tiers_own" : "creator.no_tiers", { name: creator.name })),
    ),
    followers && followersView(followers),
  );
}
