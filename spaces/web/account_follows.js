/** One's own Super Follows: how they stand, and what can be done about them. */
import { ask, toast } from "./dialogs.js";
import { goToPay } from "./checkout.js";
import { h } from "./dom.js";
import { actButton } from "./forms.js";
import { priceText } from "./offers.js";
import { button, creatorLink, face } from "./parts.js";
import { t, timeText } from "./text.js";

/**
 * @typedef {{id: string, status: string, creator: import("./client.js").Account, tier: string, tier_name: string,
 *   amount_minor: number, currency: string, interval: string, until: string | null, cancel_at_period_end: boolean,
 *   checkout_url: string | null, payment: string | null, next_tier: string | null, test_money: boolean,
 *   ended_at: string | null}} Follow
 */

const OVER = ["canceled", "incomplete_expired", "unpaid"];
/** Past ones that are still told of. */
const PAST_MAX = 5;

/**
 * @param {import("./parts_page.js").PartOf} part @param {string} [handle] of a creator: that one alone, and nothing of the past
 * @returns {import("./parts_page.js").Part}
 */
export function followsPart({ api, acts, load: loadAll }, handle) {
  /** @type {Follow[]} */
  let follows = [];
  const one = (/** @type {HTMLElement} */ { dataset: { follow } }) =>
    /** @type {Follow} */ (follows.find(({ id }) => id === follow));

  /** @param {Follow} follow @param {string} act @param {object} [body] */
  const act = (follow, act, body) => acts.run(`${act}-${follow.id}`, async () => {
    await api.post(`/v1/subscriptions/${follow.id}/${act}`, body);
    await loadAll();
  });

  async function changeTier(/** @type {Follow} */ follow) {
    /** @type {import("./page_creator.js").Tier[]} */
    let tiers = [];
    if (!(await acts.run(`change-${follow.id}`, async () => ({ tiers } = await api.get(`/v1/creators/${follow.creator.handle}`))))) return;
    const chosen = await chooseTier(follow, tiers);
    if (!chosen) return;
    await acts.run(`change-${follow.id}`, async () => {
      const { tier, price: { interval } } = chosen;
      const changed = await api.post(`/v1/subscriptions/${follow.id}/change`, { tier: tier.id, interval });
      const now = changed.tier === tier.id && changed.interval === interval;
      toast(t(now ? "follow.changed_now" : "follow.changed_later", { tier: tier.name }));
      await loadAll();
    });
  }

  return {
    async load() {
      const answer = await api.get("/v1/me/subscriptions");
      const now = /** @type {Follow[]} */ (answer.subscriptions).filter(({ status }) => !OVER.includes(status));
      const past = answer.subscriptions.filter((/** @type {Follow} */ { status }) => status === "canceled" || status === "unpaid");
      follows = handle ? now.filter(({ creator }) => creator.handle === handle) : [...now, ...past.slice(0, PAST_MAX)];
    },
    view: () => handle && !follows.length ? null : h(
      "section.panel",
      { "aria-labelledby": "follows-title", "data-key": "follows" },
      h("h2", { id: "follows-title" }, t(handle ? "creator.yours" : "follow.title")),
      follows.length
        ? h("ul.things", {}, follows.map((follow) => followView(follow, acts)))
        : h("p.none", {}, t("follow.none")),
    ),
    actions: {
      "follow-pay": (control) => goToPay(String(one(control).checkout_url)),
      "follow-resume": (control) => act(one(control), "resume"),
      "follow-cancel": async (control) => {
        const follow = one(control);
        if (follow.status === "incomplete" || (await sure(follow))) await act(follow, "cancel", { at: "period_end" });
      },
      "follow-change": (control) => changeTier(one(control)),
      "follow-means": (control) => acts.run(`means-${one(control).id}`, async () => {
        const back = new URLSearchParams({ return_path: location.pathname });
        const { url } = await api.get(`/v1/subscriptions/${one(control).id}/portal?${back}`);
        if (url) location.assign(url);
      }),
    },
  };
}

/** @param {Follow} follow */
async function sure({ creator, until }) {
  const answer = await ask(t("follow.cancel_sure", { creator: creator.name }), [
    h("p", {}, until ? t("follow.cancel_what", { time: timeText(until) }) : t("follow.cancel_what_now")),
    h("div.row", {}, button("cancel", t("follow.keep")), button("cancel-follow", t("follow.cancel"), { kind: "danger" })),
  ]);
  return answer !== null;
}

/**
 * Another tier, or the same by another interval; in the currency that is paid already.
 *
 * @param {Follow} follow @param {import("./page_creator.js").Tier[]} tiers
 * @returns {Promise<{tier: import("./page_creator.js").Tier, price: import("./offers.js").Price} | null>}
 */
async function chooseTier(follow, tiers) {
  const level = tiers.find(({ id }) => id === follow.tier)?.level ?? 0;
  const others = tiers.filter(({ state }) => state === "published").flatMap((tier) => tier.prices.map((price) => ({ tier, price })))
    .filter(({ tier, price }) => price.currency === follow.currency && (tier.id !== follow.tier || price.interval !== follow.interval));
  const answer = await ask(t("follow.change_title", { creator: follow.creator.name }), [
    others.length ? h("p", {}, t("follow.change_how")) : h("p", {}, t("follow.change_none")),
    ...others.map(({ tier, price }, n) => button(`choose-${n}`, `${tier.name} · ${priceText(price)}`, {
      kind: "big choice",
      icon: tier.level > level || (tier.level === level && price.interval === "year") ? "up" : "down",
    })),
    h("div.row", {}, button("cancel", t("app.cancel"))),
  ]);
  return others.find((_, n) => `choose-${n}` === answer?.action) ?? null;
}

/** @param {Follow} follow */
function standing(follow) {
  const { status, until, cancel_at_period_end: ending, payment, ended_at: ended } = follow;
  const time = until ? timeText(until) : "";
  if (status === "incomplete") return t(payment === "pending" ? "follow.pending" : "follow.incomplete");
  if (OVER.includes(status)) return ended ? t("follow.ended", { time: timeText(ended) }) : t("follow.over");
  if (ending) return t("follow.ending", { time });
  if (status === "past_due") return t("follow.past_due", { time });
  if (status === "trialing") return t("follow.trialing", { time });
  if (status === "paused") return t("follow.paused", { time });
  return until ? t("follow.active", { time }) : t("follow.active_on");
}

/** @param {Follow} follow @param {import("./acts.js").Acts} acts */
function followView(follow, acts) {
  const { id, creator, status, cancel_at_period_end: ending } = follow;
  const which = { "data-follow": id };
  const label = (/** @type {string} */ text) => t("follow.label", { act: text, creator: creator.name });
  const live = ["active", "trialing", "past_due"].includes(status);
  const trouble = ["cancel", "resume", "change", "means"].map((act) => acts.of(`${act}-${id}`)).find(Boolean);
  return h(
    "li.thing",
    { "data-key": id, "data-status": ending ? "ending" : status },
    face(creator, "small"),
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, creatorLink(creator), ` · ${follow.tier_name}`),
      h("p.quiet", {}, `${priceText(follow)} · ${standing(follow)}`),
      follow.next_tier && live && !ending && h("p.quiet", {}, t("follow.changes")),
      trouble && h("p.trouble", { role: "alert" }, trouble.text),
    ),
    h(
      "div.thing-acts",
      {},
      status === "incomplete" && follow.payment !== "pending" && follow.checkout_url
        && button("follow-pay", t("follow.pay"), { ...which, kind: "primary", "aria-label": label(t("follow.pay")) }),
      status === "incomplete" && follow.payment !== "pending"
        && actButton(acts, `cancel-${id}`, "follow-cancel", t("follow.drop"), { ...which, "aria-label": label(t("follow.drop")) }),
      (ending && live) || status === "paused"
        ? actButton(acts, `resume-${id}`, "follow-resume", t("follow.resume"), {
          ...which,
          kind: "primary",
          "aria-label": label(t("follow.resume")),
        })
        : null,
      live && !ending && status !== "past_due"
        && button("follow-change", t("follow.change"), { ...which, "aria-haspopup": "dialog", "aria-label": label(t("follow.change")) }),
      live && !follow.test_money && actButton(acts, `means-${id}`, "follow-means", t("follow.means"), { ...which, "aria-label": label(t("follow.means")) }),
      live && !ending && actButton(acts, `cancel-${id}`, "follow-cancel", t("follow.cancel"), {
        ...which,
        "aria-haspopup": "dialog",
        "aria-label": label(t("follow.cancel")),
      }),
    ),
  );
}
