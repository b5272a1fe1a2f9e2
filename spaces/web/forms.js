/** Plain forms: a label to everything, and refusals where they belong. */
import { h } from "./dom.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** @typedef {import("./acts.js").Acts} Acts */

/**
 * One labelled field of a form.
 *
 * @param {string} id also of its label; `form-name` @param {string} label
 * @param {{name?: string, hint?: string, trouble?: string, choices?: [string, string][], value?: string, rows?: number, [attribute: string]: any}} [options]
 *   `choices`: value and text, for a select; `rows`: of a text of several lines
 */
export function field(id, label, { name = id, hint = "", trouble = "", choices, value, rows, ...attributes } = {}) {
  const about = [hint && `${id}-hint`, trouble && `${id}-trouble`].filter(Boolean).join(" ");
  const common = {
    id,
    name,
    "aria-describedby": about || null,
    "aria-invalid": trouble ? "true" : null,
    ...attributes,
  };
  const control = choices
    ? h("select", common, choices.map(([key, text]) => h("option", { value: key, selected: key === value }, text)))
    : rows ? h("textarea", { rows, ...common }, value) : h("input", { type: "text", autocomplete: "off", value, ...common });
  return h(
    "div.field",
    { "data-key": `field-${id}` },
    h("label", { for: id }, label),
    control,
    hint && h("p.hint", { id: `${id}-hint` }, hint),
    trouble && h("p.trouble", { id: `${id}-trouble`, role: "alert" }, trouble),
  );
}

/** A box to tick. @param {string} name @param {string} label @param {{value?: string, checked?: boolean, [attribute: string]: any}} [options] */
export const tick = (name, label, { value = "yes", ...attributes } = {}) => h(
  "label.radio",
  { "data-key": `tick-${name}-${value}` },
  h("input", { type: "checkbox", name, value, ...attributes }),
  h("span", {}, label),
);

/**
 * A form that is sent as `data-submit`; a refusal that names none of its fields stands above its button.
 *
 * @param {string} name @param {Acts} acts @param {string} send the button's text
 * @param {(trouble: (field: string) => string) => (Node | false | null | undefined | "")[]} fields
 * @param {{kind?: string, more?: Node[]}} [options]
 */
export function form(name, acts, send, fields, { kind = "primary", more = [] } = {}) {
  const refused = acts.of(name);
  let shown = false;
  const made = fields((wanted) => {
    const mine = refused !== null && refused.field.split(".").pop() === wanted;
    shown ||= mine;
    return mine ? refused.text : "";
  });
  const working = acts.busy === name;
  return h(
    "form.form",
    { "data-key": `form-${name}`, "data-submit": name },
    made,
    refused && !shown && h("p.notice", { role: "alert" }, refused.text),
    h(
      "div.form-foot",
      {},
      h(
        `button.button${kind ? `.${kind.replace(/ /g, ".")}` : ""}`,
        { type: "submit", "aria-disabled": working && "true" },
        h("span", {}, working ? t("app.working") : send),
      ),
      more,
    ),
  );
}

/** What was typed, by name. @param {HTMLElement} form @returns {Record<string, string>} */
export function typed(form) {
  const entries = [...new FormData(/** @type {HTMLFormElement} */ (form))];
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value).trim()]));
}

/** A button that is one of several acts. @param {Acts} acts @param {string} act @param {string} action @param {string} text @param {Record<string, any>} [options] */
export function actButton(acts, act, action, text, options = {}) {
  const working = acts.busy === act;
  return button(action, working ? t("app.working") : text, { ...options, "aria-disabled": working && "true" });
}

/** An account as the API takes it: people write handles as they like. @param {string} typed */
export const accountOf = (typed) => (/^(@|sub:|\d+$)/.test(typed) ? typed : `@${typed}`);

/** What is above the button that was refused. @param {Acts} acts @param {...string} names of acts */
export function refusal(acts, ...names) {
  const trouble = names.map((name) => acts.of(name)).find(Boolean);
  return trouble && h("p.notice", { role: "alert" }, trouble.text);
}
