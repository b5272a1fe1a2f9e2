/** Ways to write times and amounts that few pages need. */
import { locale } from "./text.js";

/** How many digits stand behind the point. @param {string} currency */
export const digitsOf = (currency) =>
  new Intl.NumberFormat(locale, { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;

/** `2026-03` as "March 2026". @param {string} month */
export const monthText = (month) =>
  new Date(`${month}-01T00:00Z`).toLocaleDateString(locale, { month: "long", year: "numeric", timeZone: "UTC" });

/** How far that place's clock is from UTC then: `GMT+2`. @param {string} rfc3339 @param {string} zone */
export const offsetText = (rfc3339, zone) =>
  new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: "shortOffset" })
    .formatToParts(new Date(rfc3339)).find(({ type }) => type === "timeZoneName")?.value ?? zone;

/** A day as one writes it in a letter. @param {string} rfc3339 */
export const dayText = (rfc3339) => new Date(rfc3339).toLocaleDateString(locale, { dateStyle: "long" });

/** A share of a whole: "3 %". @param {number} share */
export const percentText = (share) => share.toLocaleString(locale, { style: "percent", maximumFractionDigits: 1 });

/** How long something lasted: "1 hr 20 min", "40 sec". @param {number} seconds */
export function durationText(seconds) {
  const parts = seconds < 60
    ? [[Math.max(1, Math.round(seconds)), "second"]]
    : [[Math.floor(Math.round(seconds / 60) / 60), "hour"], [Math.round(seconds / 60) % 60, "minute"]];
  return parts.filter(([count]) => count).map(([count, unit]) =>
    Number(count).toLocaleString(locale, { style: "unit", unit: String(unit), unitDisplay: "short" })).join(" ");
}
