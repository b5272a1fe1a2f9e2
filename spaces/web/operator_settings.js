/** What goes for the whole platform. */
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { t } from "./text.js";

/**
 * @typedef {{name: string, value: boolean | number | null, configured: boolean | number, smallest: number | null,
 *   greatest: number | null}} Setting
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function settingsPart({ api, acts }) {
  /** @type {Setting[]} */
  let settings = [];
  return {
    async load() {
      ({ settings } = await api.get("/v1/operator/settings"));
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "settings-title" },
      h("h2", { id: "settings-title" }, t("operator.settings")),
      form("settings", acts, t("app.save"), (trouble) => settings.map((setting) => settingField(setting, trouble(setting.name))), { kind: "" }),
    ),
    actions: {
      settings: (control) => acts.run("settings", async () => {
        const values = typed(control);
        const changed = Object.fromEntries(settings.map((setting) => [setting.name, read(setting, values[setting.name])]));
        ({ settings } = await api.patch("/v1/operator/settings", { settings: changed }));
        toast(t("app.saved"));
      }),
    },
  };
}

/** @param {Setting} setting @param {string} trouble */
function settingField({ name, value, configured, smallest, greatest }, trouble) {
  const label = t(`operator.setting.${name}`);
  if (smallest !== null) {
    const hint = t("operator.setting_number", { smallest, greatest: greatest ?? 0, configured: Number(configured) });
    return field(name, label, { type: "number", min: smallest, max: greatest, value: String(value ?? ""), placeholder: String(configured), hint, trouble });
  }
  /** @type {[string, string][]} */
  const choices = [["true", t("operator.setting_yes")], ["false", t("operator.setting_no")]];
  return field(name, label, { choices, value: String(value ?? configured), trouble });
}

/** @param {Setting} setting @param {string} text an empty number: as configured */
function read({ smallest, configured }, text) {
  if (smallest !== null) return text === "" ? null : Number(text);
  return (text === "true") === configured ? null : text === "true";
}
