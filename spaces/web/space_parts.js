/** Parts of a Space's view that not everybody sees: each is fetched when somebody is to see it, and drawn once it is here. */
import { loadingView } from "./parts.js";
import { withTexts } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model @typedef {import("./speaking.js").Speaking} Speaking */

// --- the shut door

/** @type {typeof import("./view_locked.js") | null} */
let door = null;

const fetchDoor = async () => (door ??= await withTexts("door", import("./view_locked.js")));

/** Before the door is drawn, and whenever it is looked at again. @param {Model} model @param {import("./api.js").Api} api */
export async function openDoor(model, api) {
  await (await fetchDoor()).look(model, api);
}

/** @param {Model} model @param {import("./client.js").Problem} problem */
export const doorView = (model, problem) => (door ? door.lockedView(model, problem) : loadingView());

/**
 * @param {Model} model @param {() => void} draw @param {import("./app.js").Page} page @param {() => Promise<void>} look
 * @returns {Record<string, (control: HTMLElement) => Promise<void>>} what may be refused
 */
export const doorActions = (model, draw, page, look) =>
  Object.fromEntries(["subscribe", "buy-ticket", "pay-ticket", "drop-ticket"].map((name) => [
    name,
    async (control) => (await fetchDoor()).doorActions(model, draw, page, look)[name](control),
  ]));

// --- what is to come

/** @type {typeof import("./view_plan.js") | null} */
let plan = null;

export async function openPlan() {
  plan ??= await import("./view_plan.js");
}

/** @param {Model} model */
export const planView = (model) => plan?.planView(model);

// --- what those do who speak, or ask to

/** @type {WeakMap<Model, Speaking>} */
const stages = new WeakMap();

/** Of this person in this Space. @param {Model} model @param {() => void} draw @returns {Promise<Speaking>} */
export async function openStage(model, draw) {
  const { Speaking } = await withTexts("stage", import("./speaking.js"));
  const stage = stages.get(model) ?? new Speaking(model, draw);
  stages.set(model, stage);
  return stage;
}

/** If it has been fetched. @param {Model} model */
export const stageOf = (model) => stages.get(model);
