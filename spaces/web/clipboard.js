/** Copying, also where the browser's own way is not there: it wants https, and may be denied. */
import { h } from "./dom.js";

/** @param {string} text @returns {Promise<boolean>} whether it was copied */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelecting(text);
  }
}

/** As pages did it before. @param {string} text */
function copyBySelecting(text) {
  const field = /** @type {HTMLTextAreaElement} */ (h("textarea.hidden", { readonly: true, tabindex: "-1" }, text));
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}
