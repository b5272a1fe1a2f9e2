/** What was earned, drawn: by day of a month, and by month. */
import { barChart } from "./chart.js";
import { h } from "./dom.js";
import { money, t } from "./text.js";
import { monthText } from "./text_rare.js";

/** @typedef {import("./studio_money.js").Line} Line */

/** What changes what is owed to a creator by buying and paying back; payouts only move it. @param {Line} line */
const isEarning = ({ kind }) => !kind.startsWith("payout");

/** The currency in which most was earned; others are in the table. @param {Line[]} lines */
export function mainCurrency(lines) {
  /** @type {Record<string, number>} */
  const count = {};
  for (const { currency } of lines.filter(isEarning)) count[currency] = (count[currency] ?? 0) + 1;
  return Object.entries(count).sort((one, other) => other[1] - one[1])[0]?.[0] ?? null;
}

/** @param {Line[]} lines @param {string} currency */
const earned = (lines, currency) =>
  lines.filter((line) => isEarning(line) && line.currency === currency).reduce((sum, line) => sum + line.creator_minor, 0);

/** @param {string} month as `2026-03` @param {Line[]} lines */
export function daysChart(month, lines) {
  const currency = mainCurrency(lines);
  if (!currency) return null;
  const [year, number] = month.split("-").map(Number);
  const days = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const bars = Array.from({ length: days }, (_, n) => {
    const day = `${month}-${String(n + 1).padStart(2, "0")}`;
    const value = earned(lines.filter(({ at }) => at.startsWith(day)), currency);
    return { name: t("chart.bar", { when: String(n + 1), amount: money(value, currency) }), value };
  });
  const sum = money(earned(lines, currency), currency);
  return chartFigure(t("chart.days", { month: monthText(month), sum }), bars);
}

/** @param {Record<string, Line[]>} statements by month */
export function monthsChart(statements) {
  const months = Object.keys(statements).sort();
  const currency = mainCurrency(Object.values(statements).flat());
  if (!currency || months.length < 2) return null;
  const bars = months.map((month) => {
    const value = earned(statements[month], currency);
    return { name: t("chart.bar", { when: monthText(month), amount: money(value, currency) }), value };
  });
  return chartFigure(t("chart.months", { count: months.length }), bars);
}

/** @param {string} caption @param {{name: string, value: number}[]} bars */
const chartFigure = (caption, bars) => h("figure.chart-figure", { "data-key": `chart-${bars.length}` }, barChart(caption, bars), h("figcaption.quiet", {}, caption));
