/** Being paid out: the account that it goes to, asking for it, and what became of it. */
import { h } from "./dom.js";
import { actButton, field, form, typed } from "./forms.js";
import { minorOf } from "./money_fields.js";
import { PagedList } from "./pages_of_lists.js";
import { money, t, timeText } from "./text.js";

/**
 * @typedef {import("./studio_money.js").Balance} Balance
 * @typedef {{needed: boolean, state: "none" | "pending" | "ready" | "restricted", reason: string}} PayoutAccount
 * @typedef {{id: string, currency: string, amount_minor: number, returned_minor: number, state: string, reason: string,
 *   held: "creator_suspended" | "suspended" | "negative_balance" | null, created_at: string, test_money: boolean}} Payout
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function payoutsPart({ api, me, acts, load: loadAll }) {
  /** @type {Balance[]} */
  let balances = [];
  /** @type {PayoutAccount} */
  let account = { needed: false, state: "none", reason: "" };
  const base = `/v1/creators/${me.creator}`;
  /** @type {PagedList<Payout>} */
  const payouts = new PagedList({ api, acts, path: `${base}/payouts`, what: "payouts" });
  return {
    async load() {
      [{ balances }, account] = await Promise.all([
        api.get(`${base}/balance`), api.get(`${base}/payout-account`), payouts.load(),
      ]);
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "payouts-title" },
      h("h2", { id: "payouts-title" }, t("payouts.title")),
      account.needed && accountView(account, acts),
      askView(balances.filter(({ available_minor: available }) => available > 0), acts),
      payouts.empty ? h("p.none", {}, t("payouts.none")) : payouts.view(payoutView),
    ),
    actions: {
      ...payouts.actions,
      "pay-out": (control) => acts.run("pay-out", async () => {
        const { currency, price } = typed(control);
        const amount = price && { amount_minor: minorOf(price, currency, "price") };
        await api.post(`${base}/payouts`, { currency, ...amount });
        await loadAll();
      }),
      connect: () => acts.run("connect", async () => {
        const { url } = await api.post(`${base}/payout-account`, { return_path: location.pathname + location.search });
        location.assign(url);
      }),
    },
  };
}

/** @param {PayoutAccount} account @param {import("./acts.js").Acts} acts */
function accountView({ state, reason }, acts) {
  return h(
    "div",
    { "data-key": "payout-account" },
    h("p", {}, t(`payouts.account.${state}`), reason && h("span.quiet", {}, ` (${reason})`)),
    acts.of("connect") && h("p.notice", { role: "alert" }, acts.of("connect")?.text),
    state !== "ready" && actButton(acts, "connect", "connect", t(state === "none" ? "payouts.connect" : "payouts.go_on"), { kind: "primary" }),
  );
}

/** @param {Balance[]} payable @param {import("./acts.js").Acts} acts */
function askView(payable, acts) {
  if (!payable.length) return h("p.quiet", {}, t("payouts.nothing"));
  return form("pay-out", acts, t("payouts.ask"), (trouble) => [
    field("payout-currency", t("payouts.of"), {
      name: "currency",
      choices: payable.map(({ currency, available_minor: available }) => [currency, money(available, currency)]),
      trouble: trouble("currency"),
    }),
    field("payout-amount", t("payouts.amount"), {
      name: "price",
      inputmode: "decimal",
      maxlength: 12,
      hint: t("payouts.amount_hint"),
      trouble: trouble("price") || trouble("amount_minor"),
    }),
  ], { kind: "" });
}

/** @param {Payout} payout */
function payoutView({ id, currency, amount_minor: amount, returned_minor: returned, state, reason, held, created_at: at, test_money: test }) {
  const part = state === "paid" && returned > 0;
  return h(
    "li.thing",
    { "data-key": id, "data-status": state },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, t(`payouts.state.${state}`)),
      h("p.quiet", {}, [timeText(at), part && t("payouts.returned", { amount: money(returned, currency) }), reason, held && t(`payouts.held.${held}`)].filter(Boolean).join(" · ")),
    ),
    h("p.sum", {}, h("span.amount", {}, money(amount, currency)), test && h("span.mark.test", {}, t("pay.test"))),
  );
}
