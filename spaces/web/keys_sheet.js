/** Which keys do what in a Space. */
import { openSheet } from "./dialogs.js";
import { h } from "./dom.js";
import { t } from "./text.js";

const KEYS = /** @type {const} */ (["m", "space", "help", "escape"]);

export function keysSheet() {
  openSheet(t("keys.title"), () => h(
    "dl.keys",
    {},
    KEYS.map((key) => h("div", {}, h("dt", {}, h("kbd", {}, t(`keys.${key}.name`))), h("dd", {}, t(`keys.${key}.what`)))),
  ), {});
}
