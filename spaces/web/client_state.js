/**
 * @typedef {"idle" | "connecting" | "joined" | "starting" | "listening" | "reconnecting"
 *   | "denied" | "evicted" | "ended" | "closed"} ClientState
 *
 * - `idle`: nothing begun · `connecting`: first contact
 * - `joined`: in the Space, events flow, no sound asked for
 * - `starting`: sound asked for, not there yet · `listening`: sound flows
 * - `reconnecting`: something was lost and is being brought back, without a click
 * - `denied`, `evicted`: see `problem` · `ended`: the Space is over · `closed`: by `close()`
 */

/** @type {ReadonlySet<string>} states that nothing but another `connect()` leaves */
export const FINAL = new Set(["denied", "evicted", "ended", "closed"]);

/**
 * The state in one word, from the facts.
 *
 * @param {{final: ClientState | null, running: boolean, joinedOnce: boolean, open: boolean, wanted: boolean,
 *   heardOnce: boolean, media: boolean}} facts
 * @returns {ClientState}
 */
export function stateOf({ final, running, joinedOnce, open, wanted, heardOnce, media }) {
  if (final) return final;
  if (!running) return "idle";
  if (!open) return joinedOnce ? "reconnecting" : "connecting";
  if (!wanted) return "joined";
  if (media) return "listening";
  return heardOnce ? "reconnecting" : "starting";
}

/**
 * Whether a refusal of `hello` is the last word, or worth another try.
 *
 * @param {import("./api.js").Problem} problem
 */
export function isFinalRefusal({ status }) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
