/** Paying back for a creator who does not: by the number that whoever paid has on the receipt. */
import { purchaseText } from "./account_payments.js";
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { button, creatorLink } from "./parts.js";
import { refundSheet } from "./refund_sheet.js";
import { money, t, timeText } from "./text.js";

/**
 * @typedef {{id: string, creator: import("./client.js").Account, purchase: string, currency: string, gross_minor: number,
 *   left_minor: number, paid_at: string, test_money: boolean}} FoundPayment
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function refundPart({ api, acts }) {
  /** @type {FoundPayment | null} */
  let found = null;
  /** @param {string} number */
  const find = async (number) => {
    found = null;
    found = await api.get(`/v1/operator/payments/${encodeURIComponent(number)}`);
  };
  return {
    load: async () => {
      if (found) await find(found.id);
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "refund-title" },
      h("h2", { id: "refund-title" }, t("operator.refund")),
      form("find-payment", acts, t("operator.refund_find"), (trouble) => [
        field("number", t("operator.refund_number"), {
          required: true, inputmode: "numeric", pattern: "[0-9]{1,18}", maxlength: 18, hint: t("operator.refund_hint"), trouble: trouble("number"),
        }),
      ], { kind: "" }),
      h("div.found", { role: "status" }, found && h("ul.things", {}, paymentView(found))),
    ),
    actions: {
      "find-payment": (control) => acts.run("find-payment", () => find(typed(control).number)),
      "operator-refund": async () => {
        const { id, creator, left_minor: left, gross_minor: gross, currency, purchase, paid_at } = /** @type {FoundPayment} */ (found);
        const path = `/v1/creators/${creator.handle}/payments/${id}`;
        const title = t("operator.refund_sheet", { id });
        if (await refundSheet(api, { title, path, currency, left, gross, purchase, paid_at })) toast(t("refund.asked"));
        await acts.run("find-payment", () => find(id));
      },
    },
  };
}

/** @param {FoundPayment} found */
function paymentView({ id, creator, purchase, currency, gross_minor: gross, left_minor: left, paid_at: paidAt, test_money: test }) {
  return h(
    "li.thing",
    { "data-key": `payment-${id}` },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, `${purchaseText(purchase)}, `, creatorLink(creator)),
      h("p.quiet", {}, [
        timeText(paidAt),
        t("payment.number", { id }),
        left < gross && (left > 0 ? t("operator.refund_left", { amount: money(left, currency) }) : t("operator.refund_none_left")),
      ].filter(Boolean).join(" · ")),
    ),
    h("p.sum", {}, h("span.amount", {}, money(gross, currency)), test && h("span.mark.test", {}, t("pay.test"))),
    left > 0 && h("div.thing-acts", {}, button("operator-refund", t("refund.do"), {
      "aria-haspopup": "dialog", "aria-label": t("operator.refund_label", { id }),
    })),
  );
}
