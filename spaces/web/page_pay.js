/** The checkout of test money, for whatever is paid for: whoever pays chooses what becomes of the payment. */
import { Acts } from "./acts.js";
import { forgetEntry, wayBack } from "./checkout.js";
import { h, listen, show } from "./dom.js";
import { actButton } from "./forms.js";
import { priceText } from "./offers.js";
import { button, loadingView, plainView } from "./parts.js";
import { money, t } from "./text.js";

/** Time to read "paid" before going back, in milliseconds. */
const READ = 900;

/**
 * A subscription, a ticket or a gift, as its checkout shows it.
 *
 * @typedef {{status?: string, state?: string, payment?: string | null, payment_state?: string | null, amount_minor: number,
 *   currency: string, interval?: string, name?: string, tier_name?: string, space?: string, months?: number,
 *   trial_days?: number, creator?: import("./client.js").Account}} Checkout
 *
 * @typedef {"open" | "declined" | "action" | "pending" | "paid" | "closed"} State
 */

/** @param {import("./app.js").Page} page @param {string} ref */
export async function payPage({ main, api }, ref) {
  show(main, loadingView());
  document.title = t("app.title", { title: t("pay.title") });
  /** @type {Checkout} */
  let what = await api.get(`/v1/checkouts/${ref}`);
  const back = wayBack() ?? homeOf(what);
  let shown = stateOf(what);
  const draw = () => {
    const state = stateOf(what);
    show(main, payView(what, state, acts, back));
    if (state !== shown) main.querySelector("h1")?.focus(); // its controls are others now
    shown = state;
  };
  const acts = new Acts(draw);

  const pay = (/** @type {string} */ outcome) => acts.run(outcome, async () => {
    what = await api.post(`/pay/${ref}`, { outcome });
    if (stateOf(what) === "paid") setTimeout(() => location.assign(back), READ);
  });
  listen(main, {
    succeed: () => pay("succeed"),
    decline: () => pay("decline"),
    action: () => pay("requires_action"),
    later: () => pay("pays_later"),
    back: () => {
      forgetEntry();
      location.assign(back);
    },
  });
  draw();
}

/** Where what was paid for is seen, if the address was opened by itself. @param {Checkout} what */
function homeOf(what) {
  if (what.space) return `/s/${what.space}`;
  return what.creator?.handle ? `/@${what.creator.handle}` : "/account";
}

/** @param {Checkout} what @returns {State} */
function stateOf(what) {
  const status = what.status ?? what.state ?? "";
  if (["void", "incomplete_expired", "canceled", "refunded", "refunding"].includes(status)) return "closed";
  if (!["incomplete", "reserved", "begun"].includes(status)) return "paid";
  switch (what.payment ?? what.payment_state) {
    case "declined":
      return "declined";
    case "requires_action":
      return "action";
    case "pending":
      return "pending";
    default:
      return "open";
  }
}

/** What is paid for, in words. @param {Checkout} what */
function whatText(what) {
  if (what.months) return t("pay.gift", { name: what.tier_name ?? "", creator: what.creator?.name ?? "", count: what.months });
  if (what.space) return t("pay.ticket", { name: what.name ?? "" });
  return t("pay.follow", { name: what.tier_name ?? "", creator: what.creator?.name ?? "" });
}

const testMoney = () => h("p.test-money", {}, h("strong", {}, t("pay.test")), h("span", {}, t("pay.test_what")));

/** @param {Checkout} what @param {State} state @param {Acts} acts @param {string} back */
function payView(what, state, acts, back) {
  if (state === "paid") return endView("paid", "check", back);
  if (state === "pending") return endView("pending", "check", back);
  if (state === "closed") return endView("closed", "lock", back);
  const price = what.interval && !what.months ? priceText(/** @type {any} */ (what)) : money(what.amount_minor, what.currency);
  return h(
    "section.pay",
    { "data-key": `pay-${state === "action" ? "action" : "open"}` },
    testMoney(),
    h("h1", { tabindex: "-1" }, t(state === "action" ? "pay.action_title" : "pay.title")),
    h("p.lead", {}, whatText(what)),
    h("p.offer-price", {}, price),
    what.trial_days ? h("p.quiet", {}, t("pay.trial", { count: what.trial_days })) : null,
    what.interval && !what.months && h("p.hint", {}, t("tier.renews")),
    state === "declined" && h("p.notice", { role: "alert" }, t("pay.declined")),
    state === "action" && h("p.notice", { role: "status" }, t("pay.action_what")),
    acts.trouble && h("p.notice", { role: "alert" }, acts.trouble.text),
    state === "action" ? confirmChoices(acts) : choices(acts),
    button("back", t("pay.back"), { kind: "plain-button" }),
  );
}

/** @param {Acts} acts */
function choices(acts) {
  return [
    actButton(acts, "succeed", "succeed", t("pay.succeed"), { kind: "primary big" }),
    h(
      "div.other-ends",
      { role: "group", "aria-labelledby": "other-ends" },
      h("p.quiet", { id: "other-ends" }, t("pay.others")),
      actButton(acts, "requires_action", "action", t("pay.action")),
      actButton(acts, "pays_later", "later", t("pay.later")),
      actButton(acts, "decline", "decline", t("pay.decline")),
    ),
  ];
}

/** @param {Acts} acts */
function confirmChoices(acts) {
  return [
    actButton(acts, "succeed", "succeed", t("pay.confirm"), { kind: "primary big" }),
    actButton(acts, "decline", "decline", t("pay.refuse"), { kind: "big" }),
  ];
}

/** @param {"paid" | "pending" | "closed"} end @param {string} name of the icon @param {string} back */
function endView(end, name, back) {
  return plainView(
    { title: t(`pay.${end}.title`), text: t(`pay.${end}.text`), icon: name },
    testMoney(),
    h("a.button", { href: back }, t("pay.back")),
  );
}
