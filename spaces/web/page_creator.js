/** A creator: what is live, what has been, what one can subscribe to; for members, the way to the studio. */
import { followsPart } from "./account_follows.js";
import { paymentsPart } from "./account_payments.js";
import { Acts } from "./acts.js";
import { card } from "./cards.js";
import { goToPay } from "./checkout.js";
import { pastPart } from "./creator_past.js";
import { EDITORS, FINANCE, loadMyCreators } from "./creator_roles.js";
import { toast } from "./dialogs.js";
import { h, listen, show } from "./dom.js";
import { extrasPart } from "./creator_extras.js";
import { followersPart } from "./followers.js";
import { field } from "./forms.js";
import { formSheet } from "./form_sheet.js";
import { firstPrice, offerCard } from "./offers.js";
import { button, face, handleText, loadingView } from "./parts.js";
import { errorText, t, timeText } from "./text.js";

/** How often the page is looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;

/**
 * @typedef {{id: string, name: string, level: number, state: string, benefits: string[],
 *   prices: import("./offers.js").Price[], trial_days?: number}} Tier
 * @typedef {{account: import("./client.js").Account, handle: string, name: string, kind: string, about: string, tiers: Tier[],
 *   spaces: import("./client.js").Space[], you: {tier: string | null, status: string, until: string | null} | null}} Creator
 */

/** @param {import("./app.js").Page} page @param {string} handle */
export async function creatorPage({ main, api, me, repeat, signIn }, handle) {
  /** @type {Creator | null} */
  let creator = null;
  let busy = "";
  /** One's role there; null: none. @type {string | null} */
  let role = null;
  const draw = () => creator && show(main, creatorView(creator, busy, {
    own: me?.id === creator.account.id,
    member: role !== null,
    writes: role !== null && EDITORS.includes(role),
    follow: fan.map((part) => part.view()),
    extras: extras.view(),
    past: past.view(),
    followers: role && FINANCE.includes(role) ? followers.view() : null,
  }));
  const acts = new Acts(() => draw());
  const part = { api, me: /** @type {any} */ (me), acts, load: () => load() };
  /** What is between this person and the creator. */
  const fan = me ? [followsPart(part, handle), paymentsPart(part, handle)] : [];
  const extras = extrasPart(part, handle, signIn);
  const past = pastPart(part, handle);
  const followers = followersPart(part, handle);

  async function subscribe(/** @type {HTMLElement} */ control) {
    const tier = creator?.tiers.find(({ id }) => id === control.dataset.tier);
    if (!creator || !tier || busy) return;
    if (!me) return signIn();
    const coupon = /** @type {HTMLInputElement | null} */ (main.querySelector("#coupon"))?.value.trim();
    busy = tier.id;
    draw();
    try {
      const { checkout_url: address } = await api.post(`/v1/creators/${creator.handle}/subscriptions`, {
        tier: tier.id, currency: control.dataset.currency, interval: control.dataset.interval, ...(coupon && { coupon }),
      });
      if (address) goToPay(address);
    } catch (error) {
      toast(errorText(error));
    }
    busy = "";
    draw();
  }

  async function load() {
    const [found, mine] = await Promise.all([
      api.get(`/v1/creators/${handle}`), me ? loadMyCreators(api) : [], ...[...fan, extras, past].map((one) => one.load()),
    ]);
    role = mine.find(({ account }) => account.id === found.account.id)?.role ?? null;
    if (role && FINANCE.includes(role)) await followers.load();
    creator = /** @type {Creator} */ (found);
    document.title = t("app.title", { title: creator.name });
    draw();
  }

  /** What the creator says of himself, where it is read. */
  async function describe() {
    if (!creator) return;
    const { about } = creator;
    const taken = await formSheet(t("creator.about"), t("app.save"), { actions: {}, draw: () => {} }, (trouble) => [
      field("about", t("creator.about_text"), { rows: 6, maxlength: 1_000, value: about, hint: t("creator.about_hint"), trouble: trouble("about") }),
    ], (given) => api.patch(`/v1/creators/${handle}`, given));
    if (taken) await load();
  }

  show(main, loadingView());
  listen(main, Object.assign({ subscribe, describe }, ...[...fan, extras, past, followers].map(({ actions }) => actions)));
  await repeat(REFRESH_EVERY, async () => {
    if (!acts.busy) await load();
  });
}

/**
 * @param {Creator} creator @param {string} busy the tier that is being opened
 * @param {{own: boolean, member: boolean, writes: boolean, follow: (Node | null)[], extras: Node | null, past: Node | null, followers: Node | null}} parts
 */
function creatorView(creator, busy, { own, member, writes, follow, extras, past, followers }) {
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
        h("p.quiet", {}, `${handleText(creator.handle)} · ${t(`creator.kind.${creator.kind}`)}`),
        (member || writes) && h(
          "p.row.start",
          {},
          member && h("a.button", { href: own ? "/studio" : `/studio?of=${creator.handle}` }, t("studio.title")),
          writes && button("describe", t(creator.about ? "creator.about_change" : "creator.about_write"), { "aria-haspopup": "dialog" }),
        ),
      ),
    ),
    creator.about && h("p.said.about", { dir: "auto" }, creator.about),
    h(
      "section",
      { "aria-labelledby": "spaces-title" },
      h("h2", { id: "spaces-title" }, t("creator.spaces")),
      creator.spaces.length
        ? h("ul.cards", {}, creator.spaces.map(card))
        : h("p.none", {}, t("creator.no_spaces")),
      creator.spaces.some(({ state }) => state === "scheduled") && h(
        "p.row.start",
        {},
        h("a.button", { href: `webcal://${location.host}/v1/creators/${creator.handle}/calendar.ics` }, t("creator.calendar")),
        h("a.button", { href: `/v1/creators/${creator.handle}/calendar.ics`, download: `spaces-${creator.handle}.ics` }, t("creator.calendar_file")),
      ),
    ),
    h(
      "section",
      { "aria-labelledby": "tiers-title" },
      h("h2", { id: "tiers-title" }, t(own ? "creator.tiers_own" : creator.you?.tier ? "creator.tiers_yours" : "creator.tiers")),
      creator.you?.tier && creator.you.until
        && h("p.quiet", {}, `${t("creator.yours")}, ${t("creator.until", { time: timeText(creator.you.until) })}`),
      tiers.length
        ? h("ul.offers", {}, tiers.map((tier) => offerCard({
          tier: tier.id,
          name: tier.name,
          creator: creator.handle,
          ...firstPrice(tier.prices),
          prices: tier.prices,
          trial: tier.trial_days ? t("pay.trial", { count: tier.trial_days }) : "",
          benefits: tier.benefits,
          yours: creator.you?.tier === tier.id,
          own,
          busy: busy === tier.id,
        })))
        : h("p.none", {}, t(own ? "creator.no_tiers_own" : "creator.no_tiers", { name: creator.name })),
      !own && tiers.length > 0 && h("p.hint", {}, t("tier.renews")),
      !own && tiers.length > 0 && !creator.you?.tier && h(
        "details.processing",
        { "data-key": "coupon" },
        h("summary", {}, t("creator.coupon")),
        field("coupon", t("coupon.code"), { maxlength: 30, autocapitalize: "none", spellcheck: "false", hint: t("creator.coupon_hint") }),
      ),
    ),
    follow,
    extras,
    past,
    !own && tiers.length > 0 && h("p", {}, h("a", { href: `/gift?of=${creator.handle}` }, t("give.link"))),
    followers,
  );
}
