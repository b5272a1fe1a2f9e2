/** A menu of what can be done with something: by pointer, or with the arrow keys (WAI-ARIA menu button pattern). */
import { h, icon } from "./dom.js";

/** @typedef {{action: string, text: string, icon?: string, danger?: boolean, lang?: string} | null | false | undefined | ""} Item */

/** Between a menu and its button, and to the edges of the window, in pixels. */
const GAP = 6;

/**
 * Opens below the button that was pressed; on a narrow screen from below. The focus goes back to the button.
 *
 * @param {HTMLElement} opener @param {string} label @param {Item[]} items
 * @returns {Promise<string | null>} the action that was chosen
 */
export function openMenu(opener, label, items) {
  const shown = items.filter((item) => typeof item === "object" && item !== null);
  const menu = h(
    "div.menu",
    { role: "menu", "aria-label": label, popover: "auto" },
    shown.map(({ action, text, icon: sign, danger, lang }) =>
      h(`button.menu-item${danger ? ".danger" : ""}`, { type: "button", role: "menuitem", tabindex: "-1", "data-choice": action, lang },
        sign && icon(sign), h("span", {}, text))),
  );
  // What is outside an open dialog cannot be reached.
  (opener.closest("dialog") ?? document.body).append(menu);
  opener.setAttribute("aria-expanded", "true");
  menu.showPopover();
  place(menu, opener);
  const choices = /** @type {HTMLElement[]} */ ([...menu.children]);
  choices[0]?.focus();
  return new Promise((resolve) => {
    /** @type {string | null} */
    let chosen = null;
    menu.addEventListener("keydown", (event) => move(event, menu, choices));
    menu.addEventListener("click", ({ target }) => {
      const choice = /** @type {Element} */ (target).closest("[data-choice]");
      if (!(choice instanceof HTMLElement)) return;
      chosen = choice.dataset.choice ?? null;
      menu.hidePopover();
    });
    menu.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
      const hadFocus = menu.contains(document.activeElement) || document.activeElement === document.body;
      menu.remove();
      opener.setAttribute("aria-expanded", "false");
      if (hadFocus) opener.focus({ preventScroll: true });
      resolve(chosen);
    });
  });
}

/** @param {KeyboardEvent} event @param {HTMLElement} menu @param {HTMLElement[]} choices */
function move(event, menu, choices) {
  const here = choices.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const { key } = event;
  const last = choices.length - 1;
  /** @type {Record<string, number>} */
  const ways = { ArrowDown: here === last ? 0 : here + 1, ArrowUp: here <= 0 ? last : here - 1, Home: 0, End: last };
  if (key in ways) choices[ways[key]]?.focus();
  else if (key === "Tab") menu.hidePopover();
  else if (key.length === 1 && /\S/.test(key)) {
    const after = [...choices.slice(here + 1), ...choices.slice(0, here + 1)];
    after.find(({ textContent }) => textContent?.trim().toLowerCase().startsWith(key.toLowerCase()))?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {HTMLElement} menu @param {HTMLElement} opener */
function place(menu, opener) {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.min(Math.max(GAP, at.right - width), innerWidth - width - GAP);
  const below = at.bottom + GAP + height <= innerHeight - GAP;
  menu.style.setProperty("--left", `${left}px`);
  menu.style.setProperty("--top", `${below ? at.bottom + GAP : Math.max(GAP, at.top - GAP - height)}px`);
}
