/** Gifts that one gives or is given: paying, a link for whoever is to have it, taking it, having the money back. */
import { refundReasons } from "./account_payments.js";
import { goToPay } from "./checkout.js";
import { copyText } from "./clipboard.js";
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { button, creatorLink } from "./parts.js";
import { money, t, timeText } from "./text.js";

/**
 * @typedef {import("./client.js").Account} Account
 * @typedef {{id: string, creator: Account, tier_name: string, months: number, state: string, giver: Account | null,
 *   recipient: Account | null, amount_minor: number | null, currency: string | null, checkout_url: string | null,
 *   payment_state: string | null, redeemed_at: string | null, ends_at: string | null,
 *   refunds_asked: import("./account_payments.js").RefundAsked[]}} Gift
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function giftsPart({ api, me, acts, load: loadAll }) {
  /** @type {PagedList<Gift>} */
  const gifts = new PagedList({ api, acts, path: "/v1/me/gifts", what: "gifts", keep: ({ state }) => state !== "void" });
  const one = (/** @type {HTMLElement} */ { dataset: { gift } }) => /** @type {Gift} */ (gifts.rows.find(({ id }) => id === gift));
  return {
    load: () => gifts.load(),
    view: () => gifts.empty ? null : h(
      "section.panel",
      { "aria-labelledby": "gifts-title" },
      h("h2", { id: "gifts-title" }, t("gifts.title")),
      gifts.view((gift) => giftView(gift, me.id, acts)),
    ),
    actions: {
      ...gifts.actions,
      "gift-pay": (control) => goToPay(String(one(control).checkout_url)),
      "gift-link": (control) => acts.run(`gift-${one(control).id}`, async () => {
        const { link } = await api.post(`/v1/gifts/${one(control).id}/link`);
        await showLink(link);
        await loadAll();
      }),
      "gift-take": (control) => acts.run(`gift-${one(control).id}`, async () => {
        await api.post(`/v1/gifts/${one(control).id}/redemption`);
        await loadAll();
      }),
      "gift-back": async (control) => {
        const gift = one(control);
        const sure = await ask(t("gifts.back_title"), [
          h("p", {}, t("gifts.back_what")),
          h("div.row", {}, button("cancel", t("app.cancel")), button("back", t("gifts.back"), { kind: "primary" })),
        ]);
        if (!sure) return;
        await acts.run(`gift-${gift.id}`, async () => {
          await api.post(`/v1/gifts/${gift.id}/refund`);
          await loadAll();
        });
      },
    },
  };
}

/** It is told this once: so it stays until it was copied, or closed. @param {string} link @param {boolean} [failed] to copy it @returns {Promise<void>} */
async function showLink(link, failed = false) {
  const answer = await ask(t("gifts.link_title"), [
    h("p", {}, t("gifts.link_what")),
    failed && h("p.notice", { role: "alert" }, t("gifts.copy_by_hand")),
    h("label", { for: "gift-link" }, t("gifts.link")),
    h("div.copy", {}, h("input", { id: "gift-link", type: "text", readonly: true, value: link })),
    h("div.row", {}, button("cancel", t("app.close")), button("copy", t("gifts.copy"), { kind: "primary" })),
  ]);
  if (!answer) return;
  if (await copyText(link)) return toast(t("gifts.copied"));
  await showLink(link, true);
}

/** @param {Gift} gift @param {string} me @param {import("./acts.js").Acts} acts */
function giftView(gift, me, acts) {
  const { id, state } = gift;
  const given = gift.giver?.id === me;
  const which = { "data-gift": id };
  const refused = acts.of(`gift-${id}`);
  const act = (/** @type {string} */ action, /** @type {string} */ text, kind = "") => actButton(acts, `gift-${id}`, action, text, {
    ...which, kind, "aria-label": t("gifts.label", { act: text, name: gift.tier_name }),
  });
  const whom = gift.recipient && gift.recipient.id !== me && t("gifts.for", { name: gift.recipient.name });
  const price = gift.amount_minor !== null && gift.currency !== null && money(gift.amount_minor, gift.currency);
  const standing = state === "redeemed" && gift.ends_at ? t("gifts.until", { time: timeText(gift.ends_at) }) : t(`gifts.state.${state}`);
  return h(
    "li.thing",
    { "data-key": id, "data-status": state },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, `${t("gifts.name", { name: gift.tier_name, count: gift.months })}, `, creatorLink(gift.creator)),
      h("p.quiet", {}, [price, whom, standing].filter(Boolean).join(" · ")),
      refundReasons(gift),
      refused && h("p.trouble", { role: "alert" }, refused.text),
    ),
    h(
      "div.thing-acts",
      {},
      given && state === "begun" && gift.payment_state !== "pending" && gift.checkout_url && act("gift-pay", t("ticket.go_on"), "primary"),
      given && state === "paid" && act("gift-link", t("gifts.make_link"), "primary"),
      gift.recipient?.id === me && state === "paid" && act("gift-take", t("gift.redeem"), "primary"),
      given && state === "paid" && act("gift-back", t("gifts.back")),
    ),
  );
}
