/** Pieces that several views share. */
import { h, icon } from "./dom.js";
import { money, priceText, t, timeText } from "./text.js";

/** @typedef {import("./client.js").Account} Account @typedef {import("./client.js").Space} Space */

/** The initials on the account's own colour. @param {Account} account @param {string} [size] */
export function face(account, size = "") {
  const words = account.name.split(/[^\p{L}\p{N}’']+/u).filter(Boolean);
  const initials = words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
  const hue = [...account.id].reduce((sum, digit) => (sum * 31 + digit.charCodeAt(0)) % 8, 0);
  return h(`span.face.hue-${hue}${size && `.${size}`}`, { "aria-hidden": "true" }, initials || "?");
}

/** @param {string} action @param {string} text @param {{icon?: string, kind?: string, [attribute: string]: any}} [options] */
export function button(action, text, { icon: name, kind = "", ...attributes } = {}) {
  const classes = kind ? `.${kind.replace(/ /g, ".")}` : "";
  return h(
    `button.button${classes}`,
    { type: "button", "data-action": action, ...attributes },
    name && icon(name),
    h("span", {}, text),
  );
}

/** Live, planned or over, in a coloured word. @param {Space} space */
export function stateMark(space) {
  return h(`span.mark.${space.state}`, {}, t(`space.${space.state}`));
}

/** Who may enter, in words. @param {Space} space */
export function accessText(space) {
  return [...new Set(space.access.map(({ policy }) => t(`space.access.${policy}`)))].join(" · ");
}

/** @param {Space} space */
export const isLocked = (space) => space.access.every(({ policy }) => policy !== "open");

/** @param {Account} account */
export function creatorLink(account) {
  return account.handle ? h("a", { href: `/@${account.handle}` }, account.name) : h("span", {}, account.name);
}

/** One Space in a list; all of it leads there. @param {Space} space */
export function card(space) {
  const when = space.state === "live"
    ? t("card.listeners", { count: space.listeners })
    : space.scheduled_start && timeText(space.scheduled_start);
  const people = space.stage.length ? space.stage.slice(0, 4).map(({ account }) => account) : [space.creator];
  return h(
    "li",
    { "data-key": space.id },
    h(
      `a.card.${space.state}`,
      { href: `/s/${space.id}` },
      h("span.card-top", {}, stateMark(space), h("span.quiet", {}, when)),
      h("span.card-title", {}, space.title),
      h(
        "span.card-people",
        {},
        h("span.faces", {}, people.map((account) => face(account, "small"))),
        h("span.card-by", {}, t("card.by", { name: space.creator.name })),
        isLocked(space) && h("span.lock", {}, icon("lock"), h("span", {}, accessText(space))),
      ),
    ),
  );
}

/**
 * What one tier gives and costs, with the way to it.
 *
 * @param {{tier: string, name: string, creator: string, amount_minor: number, currency: string, interval: string,
 *   benefits?: string[], yours?: boolean, own?: boolean, busy?: boolean}} offer `own`: the creator looks at it.
 */
export function offerCard(offer) {
  const price = { price: money(offer.amount_minor, offer.currency), interval: t(`tier.interval.${offer.interval}`) };
  return h(
    `li.offer${offer.yours ? ".yours" : ""}`,
    { "data-key": offer.tier },
    h("h3.offer-name", {}, offer.name),
    h("p.offer-price", {}, priceText(offer)),
    offer.benefits?.length
      ? h("ul.benefits", {}, offer.benefits.map((benefit) => h("li", {}, icon("check"), t(`benefit.${benefit}`))))
      : null,
    offer.yours
      ? h("p.yours-mark", {}, icon("check"), t("creator.yours"))
      : !offer.own && button("subscribe", t(offer.busy ? "tier.opening" : "tier.subscribe"), {
        kind: "primary",
        "data-tier": offer.tier,
        "data-creator": offer.creator,
        "aria-label": t("tier.subscribe_label", { name: offer.name, ...price }),
        "aria-disabled": offer.busy && "true",
      }),
  );
}

/** A view that says one thing. @param {{title: string, text?: string, icon?: string}} what @param {...any} more */
export function plainView({ title, text, icon: name }, ...more) {
  return h(
    "section.plain",
    { "data-key": `plain-${title}` },
    name && h("span.plain-icon", {}, icon(name)),
    h("h1", { tabindex: "-1" }, title),
    text && h("p.lead", {}, text),
    more,
  );
}

export const loadingView = () => h("section.plain.loading", { "data-key": "loading", role: "status" }, t("app.loading"));
export const homeLink = () => h("a.button", { href: "/" }, t("app.home"));
