/** Gifts of the creator's tiers: who gave what to whom, and whether it was taken. */
import { refundReasons } from "./account_payments.js";
import { h } from "./dom.js";
import { PagedList } from "./pages_of_lists.js";
import { money, t, timeText } from "./text.js";

/** @typedef {import("./account_gifts.js").Gift} Gift */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function soldGiftsPart({ api, me, acts }) {
  /** @type {PagedList<Gift>} */
  const gifts = new PagedList({ api, acts, path: `/v1/creators/${me.creator}/gifts`, what: "gifts" });
  return {
    load: () => gifts.load(),
    view: () => gifts.empty ? null : h(
      "section.panel",
      { "aria-labelledby": "sold-gifts-title" },
      h("h2", { id: "sold-gifts-title" }, t("received.gifts")),
      gifts.view(giftView),
    ),
    actions: gifts.actions,
  };
}

/** @param {Gift} gift */
function giftView(gift) {
  const { id, tier_name: name, months, state, giver, recipient, amount_minor: amount, currency, ends_at: end } = gift;
  return h(
    "li.thing",
    { "data-key": id, "data-status": state },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, t("gifts.name", { name, count: months })),
      h("p.quiet", {}, [
        giver && t("received.gift_of", { name: giver.name }),
        recipient && t("gifts.for", { name: recipient.name }),
        state === "redeemed" && end ? t("gifts.until", { time: timeText(end) }) : t(`gifts.state.${state}`),
      ].filter(Boolean).join(" · ")),
      refundReasons(gift),
    ),
    amount !== null && currency !== null && h("p.sum", {}, h("span.amount", {}, money(amount, currency))),
  );
}
