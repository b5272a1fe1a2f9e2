import { messages } from "./messages_en.js";

const language = document.documentElement.lang || "en";
const plural = new Intl.PluralRules(language);

/**
 * The text of a key, filled in. A key that is missing shows itself: better a strange word than an empty button.
 *
 * @param {string} key @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  let message = messages[key] ?? key;
  if (typeof message !== "string") message = message[plural.select(Number(values.count))] ?? message.other ?? key;
  return message.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    return typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

/** The first of the keys that has a text. @param {string[]} keys @param {Record<string, string | number>} [values] */
export function firstOf(keys, values) {
  return t(keys.find((key) => key in messages) ?? keys[keys.length - 1], values);
}

/** @param {number} minor Integer minor units. @param {string} currency ISO 4217 */
export function money(minor, currency) {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** How many digits stand behind the point. @param {string} currency */
export const digitsOf = (currency) =>
  new Intl.NumberFormat(language, { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;

/** `2026-03` as "March 2026". @param {string} month */
export const monthText = (month) =>
  new Date(`${month}-01T00:00Z`).toLocaleDateString(language, { month: "long", year: "numeric", timeZone: "UTC" });

/** @param {{amount_minor: number, currency: string, interval: string}} price */
export function priceText(price) {
  return t("tier.price", {
    price: money(price.amount_minor, price.currency),
    interval: t(`tier.interval.${price.interval}`),
  });
}

/** A time as its reader would say it: "today 18:30", "tomorrow 09:00", "Sat, 5 Dec, 20:00". @param {string} rfc3339 */
export function timeText(rfc3339) {
  const time = new Date(rfc3339);
  const days = Math.round((midnight(time) - midnight(new Date())) / 86_400_000);
  const clock = time.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  if (days < -1 || days > 1) {
    const other = time.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
    return `${time.toLocaleDateString(language, { weekday: "short", day: "numeric", month: "short", year: other })}, ${clock}`;
  }
  return `${new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day")} ${clock}`;
}

/** @param {Date} time */
const midnight = (time) => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();

/** What a refusal says: our words for the codes we know, else the server's. @param {unknown} error */
export function errorText(error) {
  const problem = /** @type {any} */ (error).problem;
  if (!problem) return t("error.other");
  const known = [`error.${problem.code}`, `locked.${problem.code}`].find((key) => key in messages);
  if (problem.status === 429 && !known) return waitText(problem.retry_after);
  return known ? t(known, { creator: "" }) : sentence(problem.detail ?? "", problem.field) || t("error.other");
}

/** A detail of the server's without the field's name, which stands beside the field already. @param {string} detail @param {string} [field] */
function sentence(detail, field) {
  if (field && detail.startsWith(`${field}: `)) return detail.slice(field.length + 2); // may begin with what was typed
  return detail.charAt(0).toUpperCase() + detail.slice(1);
}

/** @param {number | undefined} seconds */
function waitText(seconds) {
  if (!seconds) return t("error.rate_limited");
  if (seconds < 90) return t("error.wait_seconds", { count: seconds });
  return t("error.wait_minutes", { count: Math.ceil(seconds / 60) });
}
