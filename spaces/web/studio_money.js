/** What is owed to the creator, and a month's statement, line by line. */
import { purchaseText } from "./account_payments.js";
import { h } from "./dom.js";
import { saveFile } from "./download.js";
import { actButton, field } from "./forms.js";
import { daysChart, monthsChart } from "./studio_charts.js";
import { money, t, timeText } from "./text.js";
import { monthText } from "./text_rare.js";

/** Months that can be looked at, this one first. */
const MONTHS = 12;
/** Months in the chart. */
const CHARTED = 6;

/**
 * @typedef {{currency: string, balance_minor: number, available_minor: number, held_minor: number, in_transit_minor: number}} Balance
 * @typedef {{at: string, booked_at: string, kind: string, purchase: string | null, currency: string, gross_minor: number, fee_minor: number,
 *   tax_minor: number, platform_share_minor: number, creator_minor: number, held_minor: number, balance_minor: number, reason: string}} Line
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function moneyPart({ api, me, acts, load: loadAll }) {
  /** @type {Balance[]} */
  let balances = [];
  /** @type {Line[]} */
  let lines = [];
  const months = lastMonths();
  let month = months[0];
  /** @type {Line[]} */
  let thisMonth = [];
  const base = `/v1/creators/${me.creator}`;
  /** @type {Record<string, Line[]>} statements of the months before this one, which change no more */
  const before = {};

  /** Those of the chart; the newest is looked at each time. */
  async function loadBefore() {
    const missing = months.slice(1, CHARTED).filter((one) => !(one in before));
    await Promise.all(missing.map(async (one) => (before[one] = (await api.get(`${base}/statements/${one}`)).lines)));
  }

  return {
    async load() {
      [{ balances }, { lines }] = await Promise.all([
        api.get(`${base}/balance`), api.get(`${base}/statements/${month}`), loadBefore(),
      ]);
      if (month === months[0]) thisMonth = lines;
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "money-title" },
      h("h2", { id: "money-title" }, t("studio.money")),
      balances.length ? balances.map(balanceView) : h("p.none", {}, t("studio.no_money")),
      monthsChart({ ...before, [months[0]]: thisMonth }),
      h("h3", { id: "statement-title" }, t("studio.statement")),
      h(
        "div.statement-choice",
        {},
        field("month", t("studio.month"), { choices: months.map((one) => [one, monthText(one)]), "data-action": "month" }),
        actButton(acts, "csv", "csv", t("studio.csv"), { icon: "down" }),
      ),
      acts.of("csv") && h("p.notice", { role: "alert" }, acts.of("csv")?.text),
      daysChart(month, lines),
      lines.length ? statementView(lines) : h("p.none", {}, t("studio.no_lines")),
    ),
    actions: {
      month: async (control) => {
        month = /** @type {HTMLSelectElement} */ (control).value;
        await acts.run("month", loadAll);
      },
      csv: () => acts.run("csv", async () => saveFile(await api.get(`${base}/statements/${month}.csv`), `statement-${month}.csv`, "text/csv")),
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
        h("td", {}, timeText(line.booked_at)),
        h("td", {}, [t(`statement.kind.${line.kind}`), line.purchase && !line.kind.startsWith("payout") && purchaseText(line.purchase)].filter(Boolean).join(", "), line.reason && h("p.quiet", {}, t("payment.refund_reason", { reason: line.reason }))),
        columns.map((name) => h("td.number-cell", {}, money(/** @type {any} */ (line)[`${name}_minor`], line.currency))),
        h("td.number-cell", {}, money(line.balance_minor, line.currency)),
      ))),
    ),
  );
}
