/**
 * The page's words, in the language of whoever reads it: they live in messages_*.js, which are fetched when they are needed.
 *
 * @typedef {Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>} Messages
 */

/** The languages there are, as they call themselves. */
export const LANGUAGES = /** @type {Record<string, string>} */ ({ en: "English", fr: "Français" });
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
/** A cookie, as the server writes the first words that are seen; only this page sets it, for a year. */
const CHOSEN = "spaces_language";
const CHOSEN_FOR = 365 * 86_400;

/** @type {Messages} */
const messages = {};
/** @type {Map<string, Promise<void>>} what has been asked for, by part */
const fetched = new Map();
/** Of the words. */
export let language = "en";
/** Of numbers and times: as the reader's country writes them. */
export let locale = "en";
/** @type {Intl.PluralRules | null} made when something is counted */
let plural = null;
setLanguage(chosenLanguage());

/** What was chosen on this page, else the first of the browser's languages that there is. */
function chosenLanguage() {
  const chosen = new RegExp(`(?:^|; )${CHOSEN}=([a-z]+)`).exec(document.cookie)?.[1] ?? "";
  const wanted = [chosen, ...navigator.languages].map((tag) => tag.split("-")[0]);
  return wanted.find((code) => code in LANGUAGES) ?? "en";
}

/** @param {string} code */
function setLanguage(code) {
  language = code;
  locale = navigator.languages.find((tag) => tag.split("-")[0] === code) ?? code;
  plural = null;
  document.documentElement.lang = code;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(code) ? "rtl" : "ltr";
}

/** From now on, and the next time; whoever draws words hears of it by `spaces:language`. @param {string} code of LANGUAGES */
export async function chooseLanguage(code) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${CHOSEN}=${code}; Path=/; Max-Age=${CHOSEN_FOR}; SameSite=Lax${secure}`;
  const parts = [...fetched.keys()];
  setLanguage(code);
  fetched.clear();
  await Promise.all(parts.map(texts));
  dispatchEvent(new Event("spaces:language"));
}

/** Fetches the words of these parts of the page. @param {string} [parts] with blanks between them; none: those of all of it */
export async function texts(parts = "") {
  await Promise.all(parts.split(" ").map((part) => {
    const before = fetched.get(part);
    if (before) return before;
    const code = language;
    const file = import(`./messages${part && `_${part}`}_${code}.js`)
      .then(({ messages: more }) => void (code === language && Object.assign(messages, more))); // else another was chosen meanwhile
    file.catch(() => fetched.delete(part)); // the next who wants them tries again
    fetched.set(part, file);
    return file;
  }));
}

/**
 * A module that is fetched on demand, once its words are here too.
 *
 * @template T @param {string} parts as `texts` takes them @param {Promise<T>} module @returns {Promise<T>}
 */
export const withTexts = async (parts, module) => (await Promise.all([module, texts(parts)]))[0];

/**
 * The text of a key, filled in. A key that is missing shows itself: better a strange word than an empty button.
 *
 * @param {string} key @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  let message = messages[key] ?? key;
  if (typeof message !== "string") message = message[(plural ??= new Intl.PluralRules(locale)).select(Number(values.count))] ?? message.other ?? key;
  return message.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    if (typeof value !== "number") return value;
    // Small ones look the same in every language that there is, and the first format costs a phone a tenth of a second.
    return Number.isInteger(value) && value >= 0 && value < 1_000 ? `${value}` : value.toLocaleString(locale);
  });
}

/** The first of the keys that has a text. @param {string[]} keys @param {Record<string, string | number>} [values] */
export function firstOf(keys, values) {
  return t(keys.find((key) => key in messages) ?? keys[keys.length - 1], values);
}

/** @param {number} minor Integer minor units. @param {string} currency ISO 4217 */
export function money(minor, currency) {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** A time as its reader would say it: "today, 18:30", "tomorrow, 09:00", "Sat, 5 Dec, 20:00". @param {string} rfc3339 */
export function timeText(rfc3339) {
  const time = new Date(rfc3339);
  const days = Math.round((midnight(time) - midnight(new Date())) / 86_400_000);
  const clock = time.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  if (days < -1 || days > 1) {
    const other = time.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
    return t("app.at", { day: time.toLocaleDateString(locale, { weekday: "short", day: "numeric", month: "short", year: other }), clock });
  }
  return t("app.at", { day: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day"), clock });
}

/** The whole of it, by the clock of a place (or here), which is named. @param {string} rfc3339 @param {string} [zone] */
export const fullTimeText = (rfc3339, zone) => new Date(rfc3339).toLocaleString(locale, {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: zone, timeZoneName: "short",
});

/** By the clock of the place it was planned for. @param {string} rfc3339 @param {string} zone */
export const zoneText = (rfc3339, zone) =>
  t("plan.there", { time: fullTimeText(rfc3339, zone), zone: zone.replaceAll("_", " ") });

/** A short time that is left: "9:05". @param {number} seconds */
export const clockText = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** @param {Date} time */
const midnight = (time) => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();

/** What a refusal says: our words for the codes we know, else the server's. @param {unknown} error */
export function errorText(error) {
  const problem = /** @type {any} */ (error).problem;
  if (!problem) return t("error.other");
  const known = [`error.${problem.code}`, `locked.${problem.code}`].find((key) => key in messages);
  if (problem.status === 429 && !known) return waitText(problem.retry_after);
  if (known) return t(known, { creator: "" });
  const said = sentence(problem.detail ?? "", problem.field);
  return said && language !== "en" ? t("error.said", { said }) : said || t("error.other"); // servers speak English
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
