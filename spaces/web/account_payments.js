/** What one has paid: each a receipt. */
import { h } from "./dom.js";
import { creatorLink } from "./parts.js";
import { money, t, timeText } from "./text.js";

/**
 * @typedef {{id: string, account: import("./client.js").Account, creator: import("./client.js").Account, purchase: string,
 *   currency: string, gross_minor: number, tax_minor: number, refunded_minor: number, paid_at: string, test_money: boolean}} Payment
 */

/** @param {import("./page_account.js").PartOf} part @returns {import("./page_account.js").Part} */
export function paymentsPart({ api }) {
  /** @type {Payment[]} */
  let payments = [];
  return {
    async load() {
      ({ payments } = await api.get("/v1/me/payments"));
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "payments-title" },
      h("h2", { id: "payments-title" }, t("payment.title")),
      payments.length
        ? h("ul.things", {}, payments.map(paymentView))
        : h("p.none", {}, t("payment.none")),
    ),
    actions: {},
  };
}

/** "subscription" of `subscription:17`. @param {string} purchase */
export const purchaseText = (purchase) => t(`purchase.${purchase.split(":")[0]}`);

/** @param {Payment} payment */
function paymentView(payment) {
  const { currency, tax_minor: tax, refunded_minor: refunded } = payment;
  return h(
    "li.thing.payment",
    { "data-key": payment.id },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, `${purchaseText(payment.purchase)}, `, creatorLink(payment.creator)),
      h(
        "p.quiet",
        {},
        `${timeText(payment.paid_at)} · ${t("payment.number", { id: payment.id })}`,
        tax > 0 && ` · ${t("payment.tax", { amount: money(tax, currency) })}`,
        refunded > 0 && ` · ${t("payment.refunded", { amount: money(refunded, currency) })}`,
      ),
    ),
    h(
      "p.sum",
      {},
      h("span.amount", {}, money(payment.gross_minor, currency)),
      payment.test_money && h("span.mark.test", {}, t("pay.test")),
    ),
  );
}
