/** Tells the operators about somebody, or about a Space as a whole. */
import { Acts } from "./acts.js";
import { openSheet, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { form, typed } from "./forms.js";
import { t } from "./text.js";

const REASONS = /** @type {const} */ (["abuse", "spam", "illegal", "other"]);

/** @param {import("./client.js").SpaceClient} client @param {import("./client.js").Account} [account] */
export async function reportSheet(client, account) {
  const acts = new Acts(() => sheet.draw());
  const sheet = openSheet(account ? t("report.person", { name: account.name }) : t("report.space"), () => [
    h("p", {}, t("report.how")),
    form("report", acts, t("report.send"), (trouble) => [
      h(
        "fieldset.choices",
        { "data-key": "reasons" },
        h("legend", {}, t("report.reason")),
        REASONS.map((reason) =>
          h("label.radio", {}, h("input", { type: "radio", name: "reason", value: reason, required: true }), t(`report.reason.${reason}`))),
        trouble("reason") && h("p.trouble", { role: "alert" }, trouble("reason")),
      ),
      h(
        "div.field",
        {},
        h("label", { for: "report-detail" }, t("report.detail")),
        h("textarea", { id: "report-detail", name: "detail", rows: 3, maxlength: 2000 }),
      ),
    ]),
  ], {
    report: async (control) => {
      const { reason, detail } = typed(control);
      const about = { account: account?.id, detail };
      const sent = await acts.run("report", () => client.report(/** @type {any} */ (reason), about));
      if (!sent) return;
      sheet.close();
      toast(t("report.sent"));
    },
  });
}
