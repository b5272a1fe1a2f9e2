/** Reactions: one tap each, and everybody's float up. Where motion is unwanted, they are counted on their buttons instead. */
import { h } from "./dom.js";
import { REACTIONS } from "./client_talk.js";
import { t } from "./text.js";

/** @typedef {typeof REACTIONS[number]} Reaction */

/** @type {Record<Reaction, string>} */
const SIGNS = { heart: "❤️", clap: "👏", laugh: "😂", fire: "🔥", wow: "😮", sad: "😢", hundred: "💯", wave: "👋" };
/** Of one kind per message: more are only told apart by their number. */
const FLOATS_PER_TICK = 6;
const FLOATS_MAX = 48;
/** How long a count stands on its button, in milliseconds. */
const COUNTED = 2_500;

const still = matchMedia("(prefers-reduced-motion: reduce)");
/** @type {Partial<Record<Reaction, number>>} one's own that the server has not told yet: they have floated already */
const mine = {};
/** @type {Map<Reaction, {count: number, until: number}>} */
const counted = new Map();
/** @type {HTMLElement | undefined} */
let sky;

/** @param {import("./page_space.js").Model} model @param {Node | null} more */
export function reactionsBar({ client, space }, more) {
  const may = space.state === "live" && client.you?.account;
  return h(
    "div.reactions",
    { role: "group", "aria-label": t("reaction.title"), "data-key": "reactions" },
    may ? REACTIONS.map((reaction) => reactionButton(reaction)) : null,
    more,
  );
}

/** @param {Reaction} reaction */
function reactionButton(reaction) {
  const count = counted.get(reaction)?.count;
  return h(
    "button.reaction",
    { type: "button", "data-action": "react", "data-reaction": reaction, "aria-label": t(`reaction.${reaction}`), "data-key": reaction },
    h("span", { "aria-hidden": "true" }, SIGNS[reaction]),
    count && h("span.reaction-count", { "aria-hidden": "true" }, `+${count}`),
  );
}

/** @param {import("./client.js").SpaceClient} client @param {HTMLElement} control */
export function react(client, control) {
  const reaction = /** @type {Reaction} */ (control.dataset.reaction);
  if (!still.matches) {
    mine[reaction] = (mine[reaction] ?? 0) + 1;
    float(reaction, 1);
  }
  client.talk.react(reaction).catch(() => (mine[reaction] = Math.max(0, (mine[reaction] ?? 0) - 1))); // too fast: felt anyway
}

/** @param {import("./client.js").SpaceClient} client @param {() => void} draw */
export function followReactions(client, draw) {
  client.addEventListener("reactions", (event) => {
    const counts = /** @type {[Reaction, number][]} */ (Object.entries(/** @type {CustomEvent} */ (event).detail));
    for (const [reaction, count] of counts) {
      if (!(reaction in SIGNS)) continue; // of a newer server
      if (still.matches) tally(reaction, count, draw);
      else {
        const seen = Math.min(mine[reaction] ?? 0, count);
        mine[reaction] = (mine[reaction] ?? 0) - seen;
        float(reaction, count - seen);
      }
    }
  });
}

/** @param {Reaction} reaction @param {number} count */
function float(reaction, count) {
  sky ??= document.body.appendChild(h("div.sky", { "aria-hidden": "true" }));
  for (let i = 0; i < Math.min(count, FLOATS_PER_TICK) && sky.children.length < FLOATS_MAX; i++) {
    const sign = h("span.float", {}, SIGNS[reaction]);
    sign.style.setProperty("--x", `${Math.round(Math.random() * 100)}%`);
    sign.style.setProperty("--drift", `${(Math.random() * 4 - 2).toFixed(2)}rem`);
    sign.style.setProperty("--delay", `${Math.round(Math.random() * 200)}ms`);
    sign.addEventListener("animationend", () => sign.remove());
    sky.append(sign);
  }
}

/** @param {Reaction} reaction @param {number} count @param {() => void} draw */
function tally(reaction, count, draw) {
  const now = performance.now();
  const before = counted.get(reaction);
  counted.set(reaction, { count: (before?.count ?? 0) + count, until: now + COUNTED });
  setTimeout(() => {
    if ((counted.get(reaction)?.until ?? 0) <= performance.now()) counted.delete(reaction);
    draw();
  }, COUNTED + 50);
  draw();
}
