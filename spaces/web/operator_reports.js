/** The queue of reports: read, act, and close with a note. */
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { accountAsWhom, spaceAsWhom, suspendActions, suspendButton, suspendTrouble } from "./operator_suspend.js";
import { actButton, field } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { creatorLink } from "./parts.js";
import { t, timeText } from "./text.js";

/**
 * @typedef {import("./client.js").Account} Account
 * @typedef {{id: string, by: Account, space: string, account: Account | null, reason: string, detail: string,
 *   created_at: string, outcome: string | null, note: string}} Report
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function reportsPart(part) {
  const { api, acts, load: loadAll } = part;
  /** @type {PagedList<Report>} */
  const reports = new PagedList({ api, acts, path: "/v1/reports?state=open", what: "reports", by: "after" });
  const close = (/** @type {string} */ outcome) => (/** @type {HTMLElement} */ control) => {
    const id = control.dataset.report ?? "";
    const note = /** @type {HTMLInputElement} */ (document.getElementById(`note-${id}`)).value.trim();
    return acts.run(`close-${id}`, async () => {
      await api.post(`/v1/reports/${id}/close`, { outcome, note });
      toast(t("operator.report.closed"));
      await loadAll();
    });
  };
  return {
    load: () => reports.load(),
    view: () => h(
      "section.panel",
      { "aria-labelledby": "reports-title" },
      h("h2", { id: "reports-title" }, t("operator.reports"), reports.rows.length > 0 && h("span.number", {}, `${reports.rows.length}${reports.whole ? "" : "+"}`)),
      suspendTrouble(acts),
      reports.empty ? h("p.none", {}, t("operator.no_reports")) : reports.view((report) => reportView(report, acts)),
    ),
    actions: { ...reports.actions, act: close("acted"), dismiss: close("dismissed"), ...suspendActions(part) },
  };
}

/** @param {Report} report @param {import("./acts.js").Acts} acts */
function reportView(report, acts) {
  const trouble = acts.of(`close-${report.id}`);
  const labels = { "data-report": report.id };
  return h(
    "li.thing.report",
    { "data-key": `report-${report.id}` },
    h(
      "div.thing-what",
      {},
      h(
        "p.thing-name",
        {},
        t(`operator.reason.${report.reason}`), " · ",
        report.account ? creatorLink(report.account) : t("operator.report.whole"), " · ",
        h("a", { href: `/s/${report.space}` }, t("operator.report.space")),
      ),
      report.detail && h("p.said", {}, report.detail),
      h("p.quiet", {}, t("operator.report.by", { name: report.by.name, time: timeText(report.created_at) })),
      field(`note-${report.id}`, t("operator.report.note"), { maxlength: 2000, trouble: trouble?.text }),
    ),
    h(
      "div.thing-acts",
      {},
      actButton(acts, `close-${report.id}`, "act", t("operator.report.acted"), { ...labels, kind: "primary" }),
      actButton(acts, `close-${report.id}`, "dismiss", t("operator.report.dismiss"), labels),
      report.account && suspendButton(acts, accountAsWhom(report.account, [])),
      suspendButton(acts, spaceAsWhom({ id: report.space, title: report.space }, false)),
    ),
  );
}
