/** What operators do: work off reports, find people and Spaces, suspend and lift, and set what goes for all. */
import { h, show } from "./dom.js";
import { reportsPart } from "./operator_reports.js";
import { refundPart } from "./operator_refund.js";
import { searchPart } from "./operator_search.js";
import { settingsPart } from "./operator_settings.js";
import { suspendedPart } from "./operator_suspended.js";
import { webhooksPart } from "./operator_webhooks.js";
import { partsPage } from "./parts_page.js";
import { homeLink, plainView } from "./parts.js";
import { t } from "./text.js";

/** @param {import("./app.js").Page} page */
export async function operatorPage({ main, api, me, signIn, repeat }) {
  if (!me) return signIn();
  document.title = t("app.title", { title: t("operator.title") });
  if (!me.isOperator) {
    return show(main, plainView({ title: t("operator.not_you"), text: t("operator.not_you_text"), icon: "lock" }, homeLink()));
  }
  const makers = [reportsPart, searchPart, suspendedPart, refundPart, webhooksPart, settingsPart];
  await partsPage({ main, api, me, repeat }, makers, (parts) =>
    h(
      "div.page.account-page",
      { "data-key": "operator" },
      h("div.page-head", {}, h("h1", { tabindex: "-1" }, t("operator.title"))),
      parts,
    ));
}
