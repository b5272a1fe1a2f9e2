import { Acts } from "./acts.js";
import { h, listen, show } from "./dom.js";
import { form, typed } from "./forms.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/**
 * A form in a modal dialog, which stays until it was taken or given up; refusals stand at its fields.
 *
 * @param {string} title @param {string} send the button's text
 * @param {{actions: Record<string, (control: HTMLElement) => unknown>, draw: () => void}} part of the form, with a life of its own
 * @param {(trouble: (field: string) => string) => (Node | false | null | undefined | "")[]} fields
 * @param {(given: Record<string, string>) => Promise<void>} submit
 * @returns {Promise<boolean>} whether it was taken
 */
export function formSheet(title, send, part, fields, submit) {
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog.sheet", { "aria-labelledby": "sheet-title" }));
  let taken = false;
  const draw = () => show(dialog, h(
    "div.sheet-body",
    {},
    h("h2", { id: "sheet-title" }, title),
    form("sheet", acts, send, fields, { more: [button("close-sheet", t("app.cancel"))] }),
  ));
  const acts = new Acts(draw);
  part.draw = draw;
  draw();
  document.body.append(dialog);
  return new Promise((resolve) => {
    listen(dialog, {
      ...part.actions,
      "close-sheet": () => dialog.close(),
      sheet: async (control) => {
        taken = await acts.run("sheet", () => submit(typed(control)));
        if (taken) dialog.close();
      },
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(taken);
    });
    dialog.showModal();
  });
}
