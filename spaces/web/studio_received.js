/** What was paid to the creator, payment by payment, and paying one back, whole or in part. */
import { purchaseText, refundReasons } from "./account_payments.js";
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { field } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { button, face } from "./parts.js";
import { refundSheet } from "./refund_sheet.js";
import { money, t, timeText } from "./text.js";

/** @typedef {import("./account_payments.js").Payment} Payment */

/** Shown before one asks for more. */
const FEW = 20;

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function receivedPart({ api, me, acts, load: loadAll }) {
  const path = `/v1/creators/${me.creator}/payments`;
  /** @type {PagedList<Payment>} */
  const payments = new PagedList({ api, acts, path, what: "payments", few: FEW });
  return {
    load: () => payments.load(),
    view: () => h(
      "section.panel",
      { "aria-labelledby": "received-title" },
      h("h2", { id: "received-title" }, t("received.title")),
      h("p.quiet", {}, t("received.how")),
      !payments.empty && field("received-find", t("received.find"), { type: "search", maxlength: 100, "data-action": "received-find" }),
      payments.empty && h("p.none", {}, t("received.none")),
      !payments.empty && !payments.found.length
        && h("p.none", { role: "status" }, t(payments.whole ? "received.none_found" : "received.none_yet")),
      payments.view(paymentView),
    ),
    actions: {
      "received-find": (control) => {
        const sought = /** @type {HTMLInputElement} */ (control).value.trim().toLowerCase();
        payments.seek(({ id, account }) => [id, account.name, account.handle ?? ""].some((text) => text.toLowerCase().includes(sought)));
        acts.draw();
      },
      ...payments.actions,
      refund: async ({ dataset: { payment } }) => {
        const chosen = /** @type {Payment} */ (payments.rows.find(({ id }) => id === payment));
        const { account, currency, gross_minor: gross, purchase, paid_at } = chosen;
        const title = t("received.sheet", { name: account.name });
        const whole = { title, path: `${path}/${payment}`, currency, left: leftOf(chosen), gross, purchase, paid_at };
        if (await refundSheet(api, whole)) toast(t("refund.asked"));
        await loadAll();
      },
    },
  };
}

/** @param {Payment} payment */
const leftOf = ({ gross_minor: gross, refunded_minor: refunded }) => gross - refunded;

/** @param {Payment} payment */
function paymentView(payment) {
  const { id, account, currency, refunded_minor: refunded, tax_minor: tax } = payment;
  return h(
    "li.thing",
    { "data-key": id, "data-status": leftOf(payment) ? "paid" : "refunded" },
    face(account, "small"),
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, `${account.name} · ${purchaseText(payment.purchase)}`),
      h("p.quiet", {}, [
        timeText(payment.paid_at),
        t("payment.number", { id }),
        tax > 0 && t("payment.tax", { amount: money(tax, currency) }),
        refunded > 0 && t("payment.refunded", { amount: money(refunded, currency) }),
      ].filter(Boolean).join(" · ")),
      payment.refunded_minor > 0 && refundReasons(payment),
    ),
    h("p.sum", {}, h("span.amount", {}, money(payment.gross_minor, currency)), payment.test_money && h("span.mark.test", {}, t("pay.test"))),
    leftOf(payment) > 0 && h("div.thing-acts", {}, button("refund", t("refund.do"), {
      "data-payment": id, "aria-haspopup": "dialog", "aria-label": t("received.refund_label", { name: account.name, id }),
    })),
  );
}
