import { h, icon, listen, show } from "./dom.js";
import { errorText, t } from "./text.js";

let sheets = 0;

/** Says something to everybody, also to those who cannot see it; gone after a while. @param {string} text */
export function toast(text) {
  // What is outside an open dialog can be neither seen nor heard.
  const box = [...document.querySelectorAll("dialog[open] > .toasts")].pop() ?? document.getElementById("toasts");
  const note = h("p.toast", {}, text);
  box?.append(note);
  setTimeout(() => note.remove(), 5_000);
  while (box && box.children.length > 3) box.firstElementChild?.remove();
}

/**
 * Opens a modal dialog. Escape and a tap beside it close it; the focus goes back to where it was.
 *
 * @param {string} title @param {() => import("./dom.js").Child} view drawn now and by `draw()`
 * @returns {{dialog: HTMLDialogElement, draw: () => void, close: () => void, closed: Promise<void>}}
 */
function openDialog(title, view) {
  const id = `sheet-${++sheets}`;
  const content = h("div.sheet-body");
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog.sheet", { "aria-labelledby": id }, content,
    h("div.toasts", { role: "status", "aria-live": "polite" })));
  const draw = () => show(content, h("h2", { id, tabindex: "-1" }, title), view());
  draw();
  document.body.append(dialog);
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  const closed = new Promise((/** @type {(value?: any) => void} */ resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve();
    }));
  dialog.showModal();
  return { dialog, draw, close: () => dialog.close(), closed };
}

/**
 * Asks one thing; "cancel" answers null, and so does closing it.
 *
 * @param {string} title @param {(Node | false | null | undefined)[]} content
 * @returns {Promise<{action: string, dialog: HTMLDialogElement} | null>} the control that was used
 */
export async function ask(title, content) {
  const { dialog, close, closed } = openDialog(title, () => content);
  /** @type {{action: string, dialog: HTMLDialogElement} | null} */
  let answer = null;
  const choose = (/** @type {HTMLElement} */ control) => {
    const action = control.dataset.action ?? "cancel";
    answer = action === "cancel" ? null : { action, dialog };
    close();
  };
  listen(dialog, Object.fromEntries([...dialog.querySelectorAll("button[data-action]")].map((one) => [
    /** @type {HTMLElement} */ (one).dataset.action, choose,
  ])));
  await closed;
  return answer;
}

/**
 * A dialog in which several things are done; it has a button that closes it. A refusal of an act is said.
 *
 * @param {string} title @param {() => import("./dom.js").Child} view
 * @param {Record<string, (control: HTMLElement) => unknown>} actions by `data-action` and `data-submit`
 */
export function openSheet(title, view, actions) {
  const sheet = openDialog(title, () => [
    view(),
    h("button.sheet-close", { type: "button", "data-action": "close", "data-key": "close", "aria-label": t("app.close") }, icon("cross")),
  ]);
  const saying = (/** @type {(control: HTMLElement) => unknown} */ act) => async (/** @type {HTMLElement} */ control) => {
    try {
      await act(control);
    } catch (error) {
      toast(errorText(error));
    }
    sheet.draw();
  };
  listen(sheet.dialog, {
    ...Object.fromEntries(Object.entries(actions).map(([name, act]) => [name, saying(act)])),
    close: sheet.close,
  });
  return sheet;
}
