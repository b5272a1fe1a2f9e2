import { h } from "./dom.js";

/** Hands a text to the browser as a file. @param {string} text @param {string} name @param {string} type its media type */
export function saveFile(text, name, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
