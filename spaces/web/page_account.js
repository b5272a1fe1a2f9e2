/** One's own account: what one is called, what one pays for, and where one is signed in. */
import { codesPart, invitationsPart, myCommunitiesPart, newslettersPart } from "./account_benefits.js";
import { dataPart } from "./account_data.js";
import { followsPart } from "./account_follows.js";
import { giftsPart } from "./account_gifts.js";
import { paymentsPart } from "./account_payments.js";
import { profilePart } from "./account_profile.js";
import { remindersPart } from "./account_reminders.js";
import { sessionsPart } from "./account_sessions.js";
import { ticketsPart } from "./account_tickets.js";
import { signOut } from "./account.js";
import { loadMyCreators } from "./creator_roles.js";
import { h } from "./dom.js";
import { button } from "./parts.js";
import { partsPage } from "./parts_page.js";
import { t } from "./text.js";

/** @param {import("./app.js").Page} page */
export async function accountPage({ main, api, me, signIn, repeat }) {
  if (!me) return signIn();
  const creates = (await loadMyCreators(api)).length > 0;
  document.title = t("app.title", { title: t("account.title") });
  const makers = [
    profilePart, invitationsPart, remindersPart, followsPart, ticketsPart, giftsPart, codesPart, myCommunitiesPart, newslettersPart, paymentsPart,
    sessionsPart, dataPart,
  ];
  await partsPage({ main, api, me, repeat }, makers, (parts) =>
    h(
      "div.page.account-page",
      { "data-key": "account" },
      h(
        "div.page-head",
        {},
        h("h1", { tabindex: "-1" }, t("account.title")),
        h(
          "div.row",
          {},
          me.isOperator && h("a.button", { href: "/operator" }, t("operator.title")),
          h("a.button", { href: "/studio" }, t(creates ? "studio.title" : "studio.become")),
          button("sign-out", t("account.sign_out"), { icon: "leave" }),
        ),
      ),
      parts,
    ), { "sign-out": () => signOut(api) });
}
