/** What is on sale of a creator. */
import { h, icon } from "./dom.js";
import { button } from "./parts.js";
import { money, t } from "./text.js";

/** @typedef {{amount_minor: number, currency: string, interval: string}} Price */

/** By the month, if there is one, as the server takes it too. @template {Price} P @param {P[]} prices */
export const firstPrice = (prices) => prices.find(({ interval }) => interval === "month") ?? prices[0];

/**
 * What one tier gives and costs, with the way to it.
 *
 * @param {{tier: string, name: string, creator: string, amount_minor: number, currency: string, interval: string,
 *   benefits?: string[], yours?: boolean, own?: boolean, busy?: boolean, trial?: string, prices?: Price[]}} offer
 *   `own`: the creator looks at it; `trial`: what is free, in words; `prices`: all there are, this one too
 */
export function offerCard(offer) {
  const others = (offer.prices ?? []).filter(({ currency, interval }) => currency !== offer.currency || interval !== offer.interval);
  const gives = offer.benefits?.filter((benefit) => benefit !== "space.replay") ?? []; // nothing is recorded yet
  return h(
    `li.offer${offer.yours ? ".yours" : ""}`,
    { "data-key": offer.tier },
    h("h3.offer-name", {}, offer.name),
    h("p.offer-price", {}, priceText(offer)),
    offer.trial && h("p.quiet", {}, offer.trial),
    gives.length > 0 && h("ul.benefits", {}, gives.map((benefit) => h("li", {}, icon("check"), t(`benefit.${benefit}`)))),
    offer.yours
      ? h("p.yours-mark", {}, icon("check"), t("creator.yours"))
      : !offer.own && button("subscribe", t(offer.busy ? "tier.opening" : "tier.subscribe"), { kind: "primary", ...of(offer, offer) }),
    offer.own ? others.map((price) => h("p.quiet", {}, priceText(price))) : !offer.yours && others.map((price) =>
      button("subscribe", t("tier.or", { price: priceText(price) }), { ...of(offer, price), "data-key": `${price.currency} ${price.interval}` })),
  );
}

/** What a button that subscribes is about. @param {{tier: string, name: string, creator: string, busy?: boolean}} offer @param {Price} price */
const of = ({ tier, name, creator, busy }, { amount_minor: amount, currency, interval }) => ({
  "data-tier": tier,
  "data-creator": creator,
  "data-currency": currency,
  "data-interval": interval,
  "aria-label": t("tier.subscribe_label", { name, price: money(amount, currency), interval: t(`tier.interval.${interval}`) }),
  "aria-disabled": busy && "true",
});

/** @param {Price} price */
export function priceText(price) {
  return t("tier.price", {
    price: money(price.amount_minor, price.currency),
    interval: t(`tier.interval.${price.interval}`),
  });
}
