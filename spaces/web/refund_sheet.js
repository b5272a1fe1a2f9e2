/** Paying a payment back, whole or in part, with the reason that the payer is told. */
import { purchaseText } from "./account_payments.js";
import { ProblemError } from "./api.js";
import { h } from "./dom.js";
import { field } from "./forms.js";
import { formSheet } from "./form_sheet.js";
import { minorOf } from "./money_fields.js";
import { money, t, timeText } from "./text.js";

/**
 * @param {import("./api.js").Api} api
 * @param {{title: string, path: string, currency: string, left: number, gross: number, purchase: string, paid_at: string}} payment
 *   `path`: of the payment; `left`: what may still go back, in minor units
 * @returns {Promise<boolean>} whether it was asked for
 */
export function refundSheet(api, { title, path, currency, left, gross, purchase, paid_at: paidAt }) {
  return formSheet(title, t("refund.do"), { actions: {}, draw: () => {} }, (trouble) => [
    h("p", {}, `${purchaseText(purchase)} · ${timeText(paidAt)} · ${money(gross, currency)}`),
    field("refund-amount", t("refund.amount", { currency }), {
      name: "price",
      inputmode: "decimal",
      maxlength: 12,
      hint: t("refund.amount_hint", { left: money(left, currency) }),
      trouble: trouble("price") || trouble("amount_minor"),
    }),
    field("refund-reason", t("refund.reason"), { name: "reason", maxlength: 200, hint: t("refund.reason_hint"), trouble: trouble("reason") }),
    h("p.hint", {}, t("refund.ends")),
  ], async ({ price, reason }) => {
    const amount = price ? minorOf(price, currency, "price") : left;
    if (amount > left) throw new ProblemError({ status: 422, code: "over_refund", field: "price" });
    await api.post(`${path}/refund`, { amount_minor: amount, reason });
  });
}
