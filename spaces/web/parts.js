/** Pieces that several views share. */
import { h, icon } from "./dom.js";
import { t } from "./text.js";

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

export const shareButton = () => button("share", t("share.share"), { icon: "share", "aria-haspopup": "dialog" });

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

/** Kept together from left to right, in any language. @param {string} handle */
export const handleText = (handle) => `\u2066@${handle}\u2069`;

/** To all Spaces about it. @param {string} topic */
export const topicLink = (topic) => h("a", { href: `/?${new URLSearchParams({ topic })}` }, topic);

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
export const notFoundView = () => plainView({ title: t("error.not_found"), text: t("error.not_found_text") }, homeLink());
export const homeLink = () => h("a.button", { href: "/" }, t("app.home"));
