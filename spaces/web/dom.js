/**
 * Views are functions from what is known to elements; `show` changes the document to match, touching only what differs,
 * so that focus, scrolling and animations stay. There are no listeners in views: `data-action` names what a control does.
 */

const SVG = "http://www.w3.org/2000/svg";
/** Attributes that live faster than views are made: the speaking ring's, a meter's, an open menu's, what somebody has unfolded. */
const FAST = new Set(["style", "data-speaking", "aria-expanded", "aria-valuenow", "open"]);

/** @typedef {Node | string | number | null | undefined | boolean | any[]} Child */

/**
 * @param {string} tag As in CSS: "p.note" has a class.
 * @param {Record<string, any>} [attributes] `true` sets an empty one; `false`, `null`, `undefined` leave it out
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes */
function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Element} element @param {Child[]} children */
function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child || child === 0) element.append(child instanceof Node ? child : String(child));
  }
}

/** Line drawings on 24 × 24. @type {Record<string, string>} */
const ICONS = {
  mic: "M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
  "mic-off": "M9 9v3a3 3 0 0 0 5 2.2M15 10V6a3 3 0 0 0-5.7-1.3M5 11a7 7 0 0 0 11 5.7M19 11a7 7 0 0 1-.6 2.8M12 18v3M4 3l16 18",
  hand: "M8 12V6a1.5 1.5 0 0 1 3 0v5V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v8a7 7 0 0 1-12.6 4.2L3.7 14a1.6 1.6 0 0 1 2.5-2z",
  listen: "M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v6H6a2 2 0 0 1-2-2zM20 14h-3v6h1a2 2 0 0 0 2-2z",
  leave: "M14 4h-8a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8M10 12h10M17 8.5l3.5 3.5-3.5 3.5",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  volume: "M4 10v4h4l5 4V6L8 10zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  up: "M12 19V6M6.5 11.5L12 6l5.5 5.5",
  down: "M12 5v13M6.5 12.5L12 18l5.5-5.5",
  ticket: "M3 8a2 2 0 0 0 2-2h14a2 2 0 0 0 2 2v2a2 2 0 0 0 0 4v2a2 2 0 0 0-2 2H5a2 2 0 0 0-2-2v-2a2 2 0 0 0 0-4zM14 6v12",
  mail: "M4 6h16v12H4zM4 7l8 6 8-6",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20a8 8 0 0 1 16 0",
  bell: "M6 17v-6a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21.5h4",
  share: "M12 15V4M8 7.5L12 3.5l4 4M6 11H5v9h14v-9h-1",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 2",
  star: "M12 4.5l2.3 4.7 5.2.7-3.8 3.6.9 5.1-4.6-2.4-4.6 2.4.9-5.1-3.8-3.6 5.2-.7z",
  swap: "M4 9h14M14.5 5.5L18 9M20 15H6M9.5 18.500L6 15",
  block: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM6.5 6.500l11 11",
  flag: "M6 21V4M6 5h11l-2.5 4 2.5 4H6",
  people: "M9 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 5.300a3.5 3.5 0 0 1 0 6.400M18 14.300a6.5 6.5 0 0 1 3.5 5.7",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.700l-1.5 1.500M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.700l1.5-1.5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  pulse: "M3 12h4l2.500-6 4 12 2.500-6h5",
  note: "M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0zM9 18V5l10-2v12M19 15.500a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0z",
  captions: "M3 6h18v12H3zM7 11h4M13 11h4M7 14h6M15 14h2",
  keys: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
  globe: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4 12h16M12 4c5 5 5 11 0 16c-5-5-5-11 0-16",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
};

/** A decoration: its control has a name of its own. @param {string} name @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  setAttributes(svg, { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" });
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Makes `root`'s children be these. @param {Element} root @param {...Child} children */
export function show(root, ...children) {
  const wanted = document.createElement("div");
  append(wanted, children);
  matchChildren(root, wanted);
}

/** @param {Element} now @param {Element} wanted */
function matchChildren(now, wanted) {
  const keyed = new Map();
  for (const child of now.children) {
    if (child instanceof HTMLElement && child.dataset.key) keyed.set(child.dataset.key, child);
  }
  let place = now.firstChild;
  for (const child of [...wanted.childNodes]) {
    const key = child instanceof HTMLElement ? child.dataset.key : undefined;
    let same = key ? keyed.get(key) : place;
    if (same && !isSame(same, child)) same = undefined;
    if (same && same !== place) now.insertBefore(same, place);
    if (same) matchNode(same, child);
    else now.insertBefore(child, place);
    if (same === place) place = place?.nextSibling ?? null;
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

/** @param {Node} now @param {Node} wanted */
function isSame(now, wanted) {
  if (now.nodeName !== wanted.nodeName) return false;
  if (!(now instanceof HTMLElement) || !(wanted instanceof HTMLElement)) return true;
  return now.dataset.key === wanted.dataset.key;
}

/** @param {Node} now @param {Node} wanted */
function matchNode(now, wanted) {
  if (!(now instanceof Element) || !(wanted instanceof Element)) {
    if (now.nodeValue !== wanted.nodeValue) now.nodeValue = wanted.nodeValue;
    return;
  }
  for (const { name } of [...now.attributes]) {
    if (!wanted.hasAttribute(name) && !FAST.has(name)) now.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  if (!wanted.hasAttribute("data-own")) matchChildren(now, wanted); // else its children are somebody else's to draw
}

/** @typedef {Record<string, (control: HTMLElement) => unknown>} Actions */

/**
 * Calls `actions[name]` when a control with `data-action=name` is used, or a form with `data-submit=name` is sent, now or
 * later made.
 *
 * @param {Element} root
 * @param {Actions | ((name: string, control: HTMLElement) => unknown)} actions or what does them all
 */
export function listen(root, actions) {
  const act = typeof actions === "function" ? actions : (/** @type {string} */ name, /** @type {HTMLElement} */ control) => actions[name]?.(control);
  root.addEventListener("click", (event) => {
    const control = /** @type {Element} */ (event.target).closest("[data-action]");
    if (!(control instanceof HTMLElement) || control.matches("[aria-disabled=true], input, select")) return;
    act(control.dataset.action ?? "", control);
  });
  root.addEventListener("input", (event) => {
    const control = /** @type {HTMLElement} */ (event.target);
    if (control.dataset.action) act(control.dataset.action, control);
  });
  root.addEventListener("submit", (event) => {
    const form = /** @type {HTMLElement} */ (event.target);
    if (!form.dataset.submit) return;
    event.preventDefault();
    act(form.dataset.submit, form);
  });
}
