/** What the person does in a Space. */
import { toast } from "./dialogs.js";
import { doorActions, openStage } from "./space_parts.js";
import { errorText, texts, withTexts } from "./text.js";

export const VOLUME = "spaces.volume";

/** @typedef {import("./page_space.js").Model} Model */

/** @typedef {import("./app.js").Page} Page */

/** Sound on; on stage the microphone too. Call it in a tap. @param {Model} model @param {() => void} draw */
export async function enter(model, draw) {
  model.status = "";
  await startSound(model);
  if (model.client.state === "listening" && model.client.onStage) await (await openStage(model, draw)).turnOnMicrophone();
  draw();
}

/** @param {Model} model */
export async function startSound(model) {
  performance.mark("spaces:tap");
  try {
    await model.client.listen();
  } catch (error) {
    const { problem } = /** @type {any} */ (error);
    if (!problem) throw error;
    if (problem.code === "not_live") model.waiting = true; // it begins when the Space does
    else if (model.client.state === "joined") await sayError(error); // other states have a view that says why
  }
}

/** In the words of whatever part of the page knows them. @param {unknown} error */
export async function sayError(error) {
  await texts("door hosting").catch(() => {}); // without a network: in fewer words
  toast(errorText(error));
}

/** @param {Model} model @param {() => void} draw @param {Page} page @param {() => Promise<void>} look */
export function spaceActions(model, draw, page, look) {
  const { client } = model;
  const { api } = page;
  /** Does it; a refusal is said. @param {(control: HTMLElement) => unknown} act */
  const saying = (act) => async (/** @type {HTMLElement} */ control) => {
    try {
      await act(control);
    } catch (error) {
      await sayError(error);
    }
    draw();
  };
  const account = (/** @type {HTMLElement} */ control) => String(control.dataset.account);
  /** What those do who speak, or ask to. @param {string} act @returns {[string, (control: HTMLElement) => Promise<void>]} */
  const onStage = (act) => [act, saying(async (control) => (await openStage(model, draw)).actions[act](control))];
  /** What is done with one that is to come. @param {string} name @returns {[string, (control: HTMLElement) => Promise<void>]} */
  const planned = (name) => [name, saying(async (control) =>
    (await withTexts("plan", import("./plan_acts.js"))).act(name, { model, page, look, control }))];
  return {
    ...Object.fromEntries(Object.entries(doorActions(model, draw, page, look)).map(([name, act]) => [name, saying(act)])),
    ...Object.fromEntries(["remind", "forget", "share", "edit-plan", "cancel-plan"].map(planned)),
    ...Object.fromEntries(["ask", "withdraw", "mute", "microphone", "new-microphone", "green-room"].map(onStage)),
    listen: () => enter(model, draw),
    "sound-tap": () => client.listen(),
    leave: () => {
      model.microphone = "";
      model.asking = model.waiting = false;
      client.leave().catch(() => {}); // silent here already; a lost socket leaves by itself
    },
    "step-down": saying(() => client.bringDown()),
    accept: saying((control) => client.accept(account(control))),
    decline: saying((control) => client.decline(account(control))),
    // What is done with others is fetched when it is wanted: most people only listen.
    person: saying(async (control) => (await withTexts("hosting", import("./space_menus.js"))).personMenu(model, api, control)),
    room: saying(async (control) => (await withTexts("hosting", import("./space_menus.js"))).roomMenu(model, page, control)),
    "sound-check": saying(async () => (await withTexts("stage hosting", import("./sound_check.js"))).changeMicrophone(client)),
    "invitation-accept": saying(() => client.acceptInvitation()),
    "invitation-decline": saying(() => client.declineInvitation()),
    start: saying(async () => {
      await api.post(`/v1/spaces/${client.id}/start`);
      if (client.state !== "listening") await enter(model, draw);
    }),
    end: saying(async () => (await withTexts("hosting", import("./space_menus.js"))).endSheet(api, client.id)),
    volume: (/** @type {HTMLElement} */ control) => {
      client.volume = Number(/** @type {HTMLInputElement} */ (control).value);
      localStorage.setItem(VOLUME, String(client.volume));
    },
  };
}
