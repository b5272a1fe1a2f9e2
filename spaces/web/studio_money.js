/** What is owed to the creator, and a month's statement, line by line. */
import { purchaseText } from "./account_payments.js";
import { h } from "./dom.js";
import { actButton, field } from "./forms.js";
import { money, monthText, t, timeText } from "./text.js";

/** Months that can be looked at, this one first. */
const MONTHS = 12;

/**
 * @typedef {{currency: string, balance_minor: number, available_minor: number, held_minor: number, in_transit_minor: number}} Balance
 * @typedef {{at: string, kind: string, purchase: string | null, currency: string, gross_minor: number, fee_minor: number,
 *   tax_minor: number, platform_share_minor: number, creator_minor: number, held_minor: number, balance_minor: number}} Line
 */

/** @param {import("./page_account.js").PartOf} part @returns {import("./page_account.js").Part} */
export function moneyPart({ api, me, acts, load: loadAll }) {
  /** @type {Balance[]} */
  let balances = [];
  /** @type {Line[]} */
  let lines = [];
  const months = lastMonths();
  let month = months[0];
  const base = `/v1/creators/${me.creator}`;
  return {
    async load() {
      [{ balances }, { lines }] = await Promise.all([api.get(`${base}/balance`), api.get(`${base}/statements/${month}`)]);
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "money-title" },
      h("h2", { id: "money-title" }, t("studio.money")),
      balances.length ? balances.map(balanceView) : h("p.none", {}, t("studio.no_money")),
      h("h3", { id: "statement-title" }, t("studio.statement")),
      h(
        "div.statement-choice",
        {},
        field("month", t("studio.month"), { choices: months.map((one) => [one, monthText(one)]), "data-action": "month" }),
        actButton(acts, "csv", "csv", t("studio.csv"), { icon: "down" }),
      ),
      acts.of("csv") && h("p.notice", { role: "alert" }, acts.of("csv")?.text),
      lines.length ? statementView(lines) : h("p.none", {}, t("studio.no_lines")),
    ),
    actions: {
      month: async (control) => {
        month = /** @type {HTMLSelectElement} */ (control).value;
        await acts.run("month", loadAll);
      },
      csv: () => acts.run("csv", async () => save(await api.get(`${base}/statements/${month}.csv`), `statement-${month}.csv`)),
    },
  };
}

/** As `2026-03`, of the server's own months, which are in UTC. */
function lastMonths() {
  const now = new Date();
  return Array.from({ length: MONTHS }, (_, back) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back)).toISOString().slice(0, 7));
}

/** @param {Balance} balance */
function balanceView(balance) {
  const { currency } = balance;
  /** @type {[string, number][]} */
  const parts = [
    ["balance", balance.balance_minor],
    ["available", balance.available_minor],
    ["held", balance.held_minor],
    ["in_transit", balance.in_transit_minor],
  ];
  return h(
    "dl.balance",
    { "data-key": currency },
    parts.filter(([name, minor]) => minor || name === "balance" || name === "available").map(([name, minor]) => h(
      "div",
      {},
      h("dt", {}, t(`balance.${name}`)),
      h("dd", {}, money(minor, currency)),
    )),
  );
}

/** @param {Line[]} lines */
function statementView(lines) {
  const columns = ["gross", "fee", "tax", "platform_share", "creator"];
  return h(
    "div.table",
    { role: "region", "aria-labelledby": "statement-title", tabindex: "0" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ["when", "what", ...columns, "balance"].map((name) => h("th", { scope: "col" }, t(`statement.${name}`))))),
      h("tbody", {}, lines.map((line) => h(
        "tr",
        {},
        h("td", {}, timeText(line.at)),
        h("td", {}, [t(`statement.kind.${line.kind}`), line.purchase && !line.kind.startsWith("payout") && purchaseText(line.purchase)].filter(Boolean).join(", ")),
        columns.map((name) => h("td.number-cell", {}, money(/** @type {any} */ (line)[`${name}_minor`], line.currency))),
        h("td.number-cell", {}, money(line.balance_minor, line.currency)),
      ))),
    ),
  );
}

/** @param {string} text @param {string} name */
function save(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = h("a", { href: address, download: name });
  link.click();
  URL.revokeObjectURL(address);
}
