/** Suspending and lifting, from wherever somebody or something is shown to an operator. */
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton } from "./forms.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** @typedef {{scope: "account" | "creator" | "space", path: string, name: string, suspended: boolean}} Whom */

/** @param {import("./client.js").Account} account @param {string[]} suspended @returns {Whom} */
export const accountAsWhom = (account, suspended) => ({
  scope: "account", path: `/v1/accounts/${account.id}`, name: account.name, suspended: suspended.includes("account"),
});

/** @param {import("./client.js").Account} account @param {string[]} suspended @returns {Whom} */
export const creatorAsWhom = (account, suspended) => ({
  scope: "creator", path: `/v1/creators/${account.handle}`, name: account.name, suspended: suspended.includes("creator"),
});

/** @param {{id: string, title: string}} space @param {boolean} suspended @returns {Whom} */
export const spaceAsWhom = (space, suspended) => ({
  scope: "space", path: `/v1/spaces/${space.id}`, name: space.title, suspended,
});

/** The one button that is right for it now. @param {import("./acts.js").Acts} acts @param {Whom} whom */
export function suspendButton(acts, whom) {
  const act = whom.suspended ? "lift" : "suspend";
  return actButton(acts, `${act}-${whom.path}`, act, t(`operator.${act}.${whom.scope}`), {
    kind: whom.suspended ? "" : "danger",
    "data-path": whom.path,
    "data-scope": whom.scope,
    "data-name": whom.name,
    "aria-label": t(`operator.${act}.label`, { what: t(`operator.scope.${whom.scope}`), name: whom.name }),
  });
}

/**
 * The actions of such buttons.
 *
 * @param {import("./parts_page.js").PartOf} part
 * @returns {Record<string, (control: HTMLElement) => unknown>}
 */
export function suspendActions({ api, acts, load }) {
  return {
    async suspend({ dataset: { path = "", scope = "", name = "" } }) {
      const reason = /** @type {HTMLTextAreaElement} */ (
        h("textarea", { id: "reason", rows: 3, maxlength: 1000, "aria-describedby": "reason-hint" }));
      const answer = await ask(t("operator.suspend.label", { what: t(`operator.scope.${scope}`), name }), [
        h("p", {}, t(`operator.suspend.what.${scope}`)),
        h("label", { for: "reason" }, t("operator.reason")),
        reason,
        h("p.hint", { id: "reason-hint" }, t("operator.reason_hint")),
        h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("operator.suspend.do"), { kind: "danger" })),
      ]);
      if (!answer) return;
      await acts.run(`suspend-${path}`, async () => {
        await api.post(`${path}/suspension`, { reason: reason.value.trim() });
        toast(t("operator.suspend.done", { name }));
        await load();
      });
    },
    lift: ({ dataset: { path = "", name = "" } }) => acts.run(`lift-${path}`, async () => {
      await api.delete(`${path}/suspension`);
      toast(t("operator.lift.done", { name }));
      await load();
    }),
  };
}

/** Why the last act of these was refused. @param {import("./acts.js").Acts} acts */
export function suspendTrouble(acts) {
  const trouble = /^(suspend|lift)-/.test(acts.trouble?.act ?? "") ? acts.trouble : null;
  return trouble && h("p.notice", { role: "alert" }, trouble.text);
}
