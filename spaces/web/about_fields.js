/** What a Space is about: its topics and its language. */
import { field } from "./forms.js";
import { locale, t } from "./text.js";

const LANGUAGES = [
  "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja",
  "ko", "lt", "lv", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "sw", "ta", "th", "tr", "uk", "ur", "vi", "zh",
];

/** By their names in the reader's language. @param {string | null} [own] one more @returns {[string, string][]} */
export function languageChoices(own) {
  const names = new Intl.DisplayNames([locale], { type: "language" });
  const tags = [...new Set([...LANGUAGES, ...(own ? [own] : [])])];
  return tags
    .map((tag) => /** @type {[string, string]} */ ([tag, names.of(tag) ?? tag]))
    .sort((one, other) => one[1].localeCompare(other[1], locale));
}

/** @param {{topics: string[], language: string | null}} space @param {(field: string) => string} trouble */
export const aboutFields = ({ topics, language }, trouble) => [
  field("topics", t("about.topics"), {
    maxlength: 160,
    value: topics.join(", "),
    hint: t("about.topics_hint"),
    trouble: trouble("topics") || trouble("topics[0]"),
  }),
  field("language", t("about.language"), {
    choices: [["", t("about.any_language")], ...languageChoices(language)],
    value: language ?? "",
    trouble: trouble("language"),
  }),
];

/** @param {string} typed with commas between them */
export const topicsOf = (typed) => typed.split(/[,;]/).map((topic) => topic.trim()).filter(Boolean);
