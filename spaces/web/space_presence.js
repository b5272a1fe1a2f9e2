/** Being in a Space: the SDK's client, what it tells, and what the person does. Fetched behind the first view. */
import { seatName } from "./account.js";
import { takeEntry } from "./checkout.js";
import { SpaceClient } from "./client.js";
import { drawLevels } from "./rings.js";
import { VOLUME, enter, spaceActions } from "./space_actions.js";
import { followClient } from "./space_events.js";
import { withTexts } from "./text.js";

/**
 * @param {import("./page_space.js").Presence} presence whose client comes with this
 * @param {import("./app.js").Page} page @param {() => Promise<void>} look @param {string | null} pass a guest's
 * @returns {import("./dom.js").Actions}
 */
export function bePresent(presence, page, look, pass) {
  const { model, main } = presence;
  const { id } = model.client;
  const client = new SpaceClient({
    space: id,
    token: pass ?? page.api.token,
    client: seatName(),
    volume: Number(localStorage.getItem(VOLUME) ?? 1),
  });
  model.client = client;
  Object.assign(window, { spaces: { client } }); // for whoever embeds, measures or debugs
  const drawView = presence.draw;
  const draw = presence.draw = () => {
    drawView();
    drawLevels(main, client.levels);
  };
  client.addEventListener("state", presence.changed);
  followClient(model, draw, page.api);
  followTalk(model, page);
  addEventListener("pagehide", () => client.close());
  return spaceActions(model, draw, page, look);
}

/** Hosts have things to do and to answer before they hear anything; who has just paid is let in. @param {import("./page_space.js").Presence} presence */
export function enterUnasked({ model, draw }) {
  const { role, admitted } = model.space.you ?? {};
  if (["host", "cohost"].includes(String(role)) && admitted) model.client.join().catch(() => {}); // shown as denied
  if (takeEntry(model.client.id) && admitted !== false) enter(model, draw);
}

/** What goes on around the talk is fetched once somebody is in. @param {import("./page_space.js").Model} model @param {import("./app.js").Page} page */
function followTalk(model, page) {
  const start = async () => {
    model.client.removeEventListener("you", start);
    (await withTexts("talk", import("./talk.js"))).startTalk(model, page);
  };
  model.client.addEventListener("you", start);
}
