/**
 * Makes what the server has drawn usable while the page's own modules are under way: the last control that was tapped says
 * at once that it was heard, and does what it does as soon as the page knows how.
 */

/** How long the rest of the page waits for the first frame, and how often it is tried again, in milliseconds. */
const [FRAME_MAX, RETRY_EVERY] = [300, 4_000];
/** @type {HTMLElement | null} */
let tapped = null;
/** Whose taps the page hears itself. @type {Element[]} */
const taken = [];

for (const control of document.querySelectorAll("main [data-action][aria-disabled]")) control.removeAttribute("aria-disabled");

addEventListener("click", (event) => {
  const control = /** @type {Element} */ (event.target).closest?.("[data-action]:not([aria-disabled=true])");
  if (!(control instanceof HTMLElement) || taken.some((root) => root.contains(control))) return;
  tapped = control;
  const { said } = control.dataset;
  if (!said) return;
  control.setAttribute("aria-disabled", "true"); // until it is drawn anew
  control.querySelector("span")?.replaceChildren(said);
  document.querySelector(".status .dot")?.nextSibling?.replaceWith(said);
});

/** From now on the page hears what is tapped here. @param {Element} root @returns {HTMLElement | null} what was, and is still there */
export function takeTap(root) {
  taken.push(root);
  return tapped?.isConnected && root.contains(tapped) ? tapped : null;
}

/** Lets the browser draw and hear taps before the next piece of work. What is in the background draws nothing, and would wait long. */
export const breathe = () => (document.hidden ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve)));

/**
 * Has modules fetched side by side instead of one behind the other. Each is asked for, and run, in a turn of its own, as all of
 * them at once would keep a slow phone busy; but whoever has tapped waits for nothing else.
 *
 * @param {string[]} named their addresses, each after those that it imports
 */
export async function fetchModules(named) {
  for (const href of named) {
    if (!tapped?.isConnected) await breathe();
    import(href).catch(() => {}); // whoever imports it hears of it
  }
}

/** The rest of the page, which the server has named: asked for once what is drawn has been painted, or it would paint later. */
async function fetchPage() {
  const script = /** @type {HTMLElement | null} */ (document.querySelector("script[data-first]"));
  const named = script?.dataset.first?.split(" ") ?? [];
  script?.removeAttribute("data-first");
  const entry = named.pop();
  await fetchModules(named);
  const begin = () => import(String(entry)).catch(() => setTimeout(begin, RETRY_EVERY));
  if (entry) await begin();
}
requestAnimationFrame(() => setTimeout(fetchPage));
setTimeout(fetchPage, FRAME_MAX); // a tab in the background paints nothing
