/** Pages of several parts, each a module of its own that loads what it shows. */
import { Acts } from "./acts.js";
import { listen, show } from "./dom.js";
import { loadingView } from "./parts.js";

/**
 * A part of a page: it loads what it shows, and draws it from what was loaded.
 *
 * @typedef {object} Part
 * @property {() => Promise<void>} load
 * @property {() => Node | null} view null: nothing to show
 * @property {Record<string, (control: HTMLElement) => unknown>} actions
 *
 * What a part works with. `load` reads every part anew.
 *
 * @typedef {{api: import("./api.js").Api, me: import("./app.js").Me & {role?: string}, acts: Acts, load: () => Promise<void>}} PartOf
 *   `me.role`: in the studio, with the creator that it is of
 */

/** How often what is paid for is looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;

/**
 * A page of several parts.
 *
 * @param {{main: HTMLElement, api: import("./api.js").Api, me: PartOf["me"], repeat: import("./app.js").Page["repeat"]}} page
 * @param {((part: PartOf) => Part)[]} makers @param {(parts: (Node | null)[]) => Node} frame
 * @param {Record<string, () => unknown>} [actions]
 */
export async function partsPage({ main, api, me, repeat }, makers, frame, actions = {}) {
  let loaded = false;
  const draw = () => loaded && show(main, frame(parts.map((part) => part.view())));
  const acts = new Acts(draw);
  const load = async () => {
    await Promise.all(parts.map((part) => part.load()));
    loaded = true;
    draw();
  };
  const parts = makers.map((make) => make({ api, me, acts, load }));
  show(main, loadingView());
  listen(main, Object.assign({}, actions, ...parts.map((part) => part.actions)));
  await repeat(REFRESH_EVERY, async () => {
    if (!acts.busy) await load();
  });
}
