import { h, listen, show } from "./dom.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** Says something to everybody, also to those who cannot see it; gone after a while. @param {string} text */
export function toast(text) {
  const box = document.getElementById("toasts");
  const note = h("p.toast", {}, text);
  box?.append(note);
  setTimeout(() => note.remove(), 5_000);
  while (box && box.children.length > 3) box.firstElementChild?.remove();
}

/**
 * Opens a modal dialog; Escape, a tap beside it and "cancel" answer null.
 *
 * @param {string} title @param {(Node | false | null | undefined)[]} content
 * @returns {Promise<{action: string, dialog: HTMLDialogElement} | null>} the control that was used
 */
export function ask(title, content) {
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog.sheet", { "aria-labelledby": "sheet-title" }));
  show(dialog, h("div.sheet-body", {}, h("h2", { id: "sheet-title" }, title), content));
  document.body.append(dialog);
  return new Promise((resolve) => {
    /** @type {{action: string, dialog: HTMLDialogElement} | null} */
    let answer = null;
    const choose = (/** @type {HTMLElement} */ control) => {
      const action = control.dataset.action ?? "cancel";
      answer = action === "cancel" ? null : { action, dialog };
      dialog.close();
    };
    listen(dialog, Object.fromEntries([...dialog.querySelectorAll("[data-action]")].map((one) => [
      /** @type {HTMLElement} */ (one).dataset.action, choose,
    ])));
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
  });
}

/** @returns {Promise<string | null>} the token that was typed */
export async function askForToken() {
  const field = h("textarea", { id: "token", rows: 4, spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
  const answer = await ask(t("account.sign_in"), [
    h("p", {}, t("account.token_how")),
    h("label", { for: "token" }, t("account.token")),
    field,
    h("div.row", {}, button("cancel", t("app.cancel")), button("use-token", t("account.sign_in"), { kind: "primary" })),
  ]);
  return answer ? /** @type {HTMLTextAreaElement} */ (field).value.trim() || null : null;
}
