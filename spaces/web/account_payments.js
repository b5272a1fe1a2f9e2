/** What one has paid: each a receipt. */
import { h } from "./dom.js";
import { PagedList } from "./pages_of_lists.js";
import { creatorLink } from "./parts.js";
import { money, t, timeText } from "./text.js";

/**
 * @typedef {{amount_minor: number, reason: string, asked_at: string}} RefundAsked
 * @typedef {{id: string, account: import("./client.js").Account, creator: import("./client.js").Account, purchase: string,
 *   currency: string, gross_minor: number, tax_minor: number, refunded_minor: number, paid_at: string, test_money: boolean,
 *   refunds_asked: RefundAsked[]}} Payment
 */

/** Of one creator's, that are told on the creator's page before one asks for more. */
const FEW = 5;

/**
 * @param {import("./parts_page.js").PartOf} part @param {string} [handle] of a creator: what was paid there
 * @returns {import("./parts_page.js").Part}
 */
export function paymentsPart({ api, acts }, handle) {
  /** @type {PagedList<Payment>} */
  const payments = new PagedList({
    api, acts, path: "/v1/me/payments", what: "payments", keep: ({ creator }) => !handle || creator.handle === handle, few: handle ? FEW : Infinity,
  });
  return {
    load: () => payments.load(),
    view: () => handle && !payments.rows.length ? null : h(
      "section.panel",
      { "aria-labelledby": "payments-title", "data-key": "payments" },
      h("h2", { id: "payments-title" }, t(handle ? "payment.receipts" : "payment.title")),
      payments.empty ? h("p.none", {}, t("payment.none")) : payments.view(paymentView),
    ),
    actions: payments.actions,
  };
}

/** "subscription" of `subscription:17`. @param {string} purchase */
export const purchaseText = (purchase) => t(`purchase.${purchase.split(":")[0]}`);

/** What was said when it was paid back. @param {{refunds_asked: RefundAsked[]}} paid */
export const refundReasons = ({ refunds_asked: asked }) =>
  asked.filter(({ reason }) => reason).map(({ reason }) => h("p.quiet", {}, t("payment.refund_reason", { reason })));

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
      refunded > 0 && refundReasons(payment),
    ),
    h(
      "p.sum",
      {},
      h("span.amount", {}, money(payment.gross_minor, currency)),
      payment.test_money && h("span.mark.test", {}, t("pay.test")),
    ),
  );
}
