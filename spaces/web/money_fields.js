/** An amount and its currency, as people write them. */
import { ProblemError } from "./api.js";
import { h } from "./dom.js";
import { field } from "./forms.js";
import { t } from "./text.js";
import { digitsOf } from "./text_rare.js";

const CURRENCIES = ["USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CAD", "AUD", "JPY"];

/**
 * Fields `price` and `currency`.
 *
 * @param {string} id @param {string} label
 * @param {{trouble: (field: string) => string, price?: string, currency?: string}} options
 */
export function moneyFields(id, label, { trouble, price = "", currency = "" }) {
  return h(
    "div.field-pair",
    { "data-key": `money-${id}` },
    field(`${id}-price`, label, {
      name: "price",
      required: true,
      inputmode: "decimal",
      maxlength: 12,
      placeholder: "5.00",
      value: price,
      trouble: trouble("price") || trouble("amount_minor"),
    }),
    field(`${id}-currency`, t("money.currency"), {
      name: "currency",
      choices: [...new Set([...(currency ? [currency] : []), ...CURRENCIES])].map((code) => [code, code]),
      value: currency,
      trouble: trouble("currency"),
    }),
  );
}

/** In minor units. @param {string} text @param {string} currency @param {string} name of the field, for the refusal */
export function minorOf(text, currency, name) {
  const digits = digitsOf(currency);
  const found = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text);
  const rest = found?.[2] ?? "";
  if (!found || rest.length > digits) throw new ProblemError({ status: 422, code: "bad_amount", field: name });
  return Number(found[1] + rest.padEnd(digits, "0"));
}
