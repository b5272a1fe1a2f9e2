/** Speaking in a Space: the microphone, muting, asking to speak. */
import { MicrophoneError } from "./client.js";
import { toast } from "./dialogs.js";
import { chosenMicrophone, openMicrophone, processing } from "./microphone.js";
import { followMicrophones } from "./new_microphone.js";
import { PushToTalk } from "./push_to_talk.js";
import { errorText, t, withTexts } from "./text.js";
import { followUnheard } from "./unheard.js";
import { requestsView } from "./view_requests.js";
import { microphoneNotice, speakerControls, stageBanners, stageStatus } from "./view_speaking.js";

/** @typedef {import("./page_space.js").Model} Model */

export class Speaking {
  /** @param {Model} model @param {() => void} draw */
  constructor(model, draw) {
    this.model = model;
    this.draw = draw;
    model.client.addEventListener("microphone", (event) => {
      const open = /** @type {CustomEvent<boolean>} */ (event).detail;
      model.microphone = open || !model.client.onStage ? "" : "microphone.lost";
      draw();
    });
    this.push = new PushToTalk(model, draw, () => this.toggleMute());
    followUnheard(model, draw);
    this.takeMicrophone = followMicrophones(model, draw);
  }

  /** By `data-action`; what is refused is for the caller to say. @type {Record<string, (control: HTMLElement) => unknown>} */
  actions = {
    ask: () => this.#ask(),
    withdraw: () => this.withdraw(),
    mute: () => this.push.swallowsClick() || this.toggleMute(),
    microphone: () => this.turnOnMicrophone(),
    "new-microphone": ({ dataset: { answer } }) => this.takeMicrophone(answer === "yes"),
    "green-room": () => this.#greenRoom(),
  };

  controls = () => speakerControls(this.model);
  status = () => stageStatus(this.model);
  banners = () => stageBanners(this.model);
  requests = () => requestsView(this.model);
  notice = () => microphoneNotice(this.model);

  async turnOnMicrophone() {
    const { model } = this;
    try {
      await speak(model.client);
      model.microphone = "";
    } catch (error) {
      if (error instanceof MicrophoneError) model.microphone = `microphone.${error.code}`;
      else toast(errorText(error));
    }
    this.draw();
  }

  async toggleMute() {
    const { client } = this.model;
    const muted = !client.muted;
    try {
      await client.mute(muted);
      toast(t(muted ? "event.muted" : "event.unmuted"));
    } catch (error) {
      toast(errorText(error));
    }
  }

  async withdraw() {
    this.model.asking = false;
    if (this.model.client.handRaised) await this.model.client.lowerHand();
  }

  /** Asks the host, and meanwhile the browser: who is accepted should not have to look for a prompt then. */
  async #ask() {
    const { model } = this;
    const { client } = model;
    if (client.onStage) return this.turnOnMicrophone(); // let up before this part of the page was here
    const microphone = openMicrophone().then((track) => track.stop());
    microphone.catch(() => {}); // told below, once the hand is up
    model.asking = window.isSecureContext;
    try {
      if (model.asking) await client.raiseHand();
    } catch (error) {
      if (!client.onStage) throw error;
      model.asking = false;
      return this.turnOnMicrophone(); // let up meanwhile
    }
    try {
      await microphone;
      model.microphone = "";
    } catch (error) {
      model.microphone = `microphone.${/** @type {MicrophoneError} */ (error).code}`;
      if (!client.onStage) await this.withdraw();
    }
  }

  /** Before it starts: first oneself, then with the others of the stage. */
  async #greenRoom() {
    const { soundCheck } = await withTexts("stage hosting", import("./sound_check.js"));
    if (!(await soundCheck(t("action.sound_fine")))) return;
    await this.model.client.listen();
    await this.turnOnMicrophone();
  }
}

/** Into the microphone that was chosen, or, if that is gone, into any. @param {import("./client.js").SpaceClient} client */
async function speak(client) {
  const deviceId = chosenMicrophone();
  try {
    await client.speak({ deviceId, ...processing() });
  } catch (error) {
    if (!deviceId || !(error instanceof MicrophoneError) || error.code !== "missing") throw error;
    await client.speak(processing());
  }
}
