/** What the person does in a Space. */
import { goToPay } from "./checkout.js";
import { MicrophoneError } from "./client.js";
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { openMicrophone } from "./microphone.js";
import { button } from "./parts.js";
import { errorText, t } from "./text.js";
import { ticketActions } from "./tickets.js";

export const VOLUME = "spaces.volume";

/** @typedef {import("./page_space.js").Model} Model */

/** Sound on; on stage the microphone too. Call it in a tap. @param {Model} model @param {() => void} draw */
export async function enter(model, draw) {
  model.status = "";
  await startSound(model);
  if (model.client.state === "listening" && model.client.onStage) await turnOnMicrophone(model, draw);
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
    else if (model.client.state === "joined") toast(errorText(error)); // other states have a view that says why
  }
}

/** @param {Model} model @param {() => void} draw */
export async function turnOnMicrophone(model, draw) {
  try {
    await model.client.speak();
    model.microphone = "";
  } catch (error) {
    if (error instanceof MicrophoneError) model.microphone = `microphone.${error.code}`;
    else toast(errorText(error));
  }
  draw();
}

/** @param {import("./client.js").SpaceClient} client */
export async function toggleMute(client) {
  const muted = !client.muted;
  try {
    await client.mute(muted);
    toast(t(muted ? "event.muted" : "event.unmuted"));
  } catch (error) {
    toast(errorText(error));
  }
}

/**
 * @param {Model} model @param {() => void} draw
 * @param {{api: import("./api.js").Api, signIn: () => void, look: () => Promise<void>}} page
 */
export function spaceActions(model, draw, { api, signIn, look }) {
  const { client } = model;
  /** Does it; a refusal is said. @param {(control: HTMLElement) => unknown} act */
  const saying = (act) => async (/** @type {HTMLElement} */ control) => {
    try {
      await act(control);
    } catch (error) {
      toast(errorText(error));
    }
    draw();
  };
  const account = (/** @type {HTMLElement} */ control) => String(control.dataset.account);
  const tickets = Object.entries(ticketActions(model, draw, { api, signIn, look }));
  return {
    ...Object.fromEntries(tickets.map(([name, act]) => [name, saying(act)])),
    listen: () => enter(model, draw),
    "sound-tap": () => client.listen(),
    leave: () => {
      model.microphone = "";
      model.asking = model.waiting = false;
      client.leave().catch(() => {}); // silent here already; a lost socket leaves by itself
    },
    microphone: () => turnOnMicrophone(model, draw),
    mute: () => toggleMute(client),
    ask: saying(() => askToSpeak(model, draw)),
    withdraw: saying(() => withdraw(model)),
    "step-down": saying(() => client.bringDown()),
    accept: saying((control) => client.accept(account(control))),
    decline: saying((control) => client.decline(account(control))),
    person: saying((control) => personSheet(client, account(control))),
    start: saying(async () => {
      await api.post(`/v1/spaces/${client.id}/start`);
      if (client.state !== "listening") await enter(model, draw);
    }),
    end: saying(() => endSheet(api, client)),
    subscribe: saying((control) => subscribe(model, draw, api, signIn, control)),
    volume: (/** @type {HTMLElement} */ control) => {
      client.volume = Number(/** @type {HTMLInputElement} */ (control).value);
      localStorage.setItem(VOLUME, String(client.volume));
    },
  };
}

/**
 * Asks the host, and meanwhile the browser: who is accepted should not have to look for a prompt then.
 *
 * @param {Model} model @param {() => void} draw
 */
async function askToSpeak(model, draw) {
  const { client } = model;
  const microphone = openMicrophone().then((track) => track.stop());
  microphone.catch(() => {}); // told below, once the hand is up
  model.asking = window.isSecureContext;
  if (model.asking) await client.raiseHand();
  try {
    await microphone;
    model.microphone = "";
  } catch (error) {
    model.microphone = `microphone.${/** @type {MicrophoneError} */ (error).code}`;
    if (!client.onStage) await withdraw(model);
  }
  draw();
}

/** @param {Model} model */
async function withdraw(model) {
  model.asking = false;
  if (model.client.handRaised) await model.client.lowerHand();
}

/** @param {import("./client.js").SpaceClient} client @param {string} id */
async function personSheet(client, id) {
  const member = client.space?.stage.find(({ account }) => account.id === id);
  if (!member) return;
  const { name } = member.account;
  const answer = await ask(name, [
    h("p.quiet", {}, t(`role.${member.role}`)),
    !member.muted && button("mute-other", t("person.mute", { name }), { icon: "mic-off", kind: "big" }),
    member.role !== "host" && button("bring-down", t("person.bring_down"), { icon: "down", kind: "big" }),
    button("cancel", t("app.cancel"), { kind: "plain-button" }),
  ]);
  if (answer?.action === "mute-other") await client.muteOther(id);
  if (answer?.action === "bring-down") await client.bringDown(id);
}

/** @param {import("./api.js").Api} api @param {import("./client.js").SpaceClient} client */
async function endSheet(api, client) {
  const answer = await ask(t("action.end_sure"), [
    h("p", {}, t("action.end_what")),
    h("div.row", {}, button("cancel", t("app.cancel")), button("end-now", t("action.end_all"), { kind: "danger" })),
  ]);
  if (answer) await api.post(`/v1/spaces/${client.id}/end`);
}

/**
 * @param {Model} model @param {() => void} draw @param {import("./api.js").Api} api
 * @param {() => void} signIn @param {HTMLElement} control
 */
async function subscribe(model, draw, api, signIn, control) {
  const { tier = "", creator = "" } = control.dataset;
  if (!tier || model.busy) return;
  if (!model.me) return signIn();
  model.busy = tier;
  draw();
  try {
    const { checkout_url: address } = await api.post(`/v1/creators/${creator}/subscriptions`, { tier });
    if (address) goToPay(address, { enter: model.client.id });
  } finally {
    model.busy = "";
  }
}
