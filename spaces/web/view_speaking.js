/** What those see who are on stage: their controls, how they stand, and what is wrong with the microphone. */
import { browserKind } from "./browser_kind.js";
import { h } from "./dom.js";
import { button } from "./parts.js";
import { firstOf, t } from "./text.js";
import { banner } from "./view_stage.js";

/** @typedef {import("./page_space.js").Model} Model */

/** @param {Model} model */
export function speakerControls({ client, holding }) {
  const { role } = /** @type {import("./client.js").You} */ (client.you);
  return [
    client.speaking
      ? button("mute", t(holding ? "action.talking" : client.muted ? "action.unmute" : "action.mute"), {
        icon: client.muted ? "mic-off" : "mic",
        kind: client.muted ? "toggled" : "primary",
        "aria-keyshortcuts": "m",
        "data-key": "mute",
        title: t(client.muted ? "action.unmute_key" : "action.mute_key"),
      })
      : [
        button("microphone", t("action.mic_on"), { icon: "mic", kind: "primary big", "data-key": "microphone" }),
        button("sound-check", t("action.sound_check"), { icon: "volume", "data-key": "sound-check" }),
      ],
    role !== "host" && button("step-down", t("action.step_down"), { icon: "down", "data-key": "step-down" }),
  ];
}

/** @param {Model} model */
export function stageStatus({ client, space, holding }) {
  if (space.state === "scheduled") return t("status.green_room");
  if (!client.speaking) return t("status.on_stage_silent");
  if (holding) return t("status.holding");
  return t(client.muted ? "status.on_stage_muted" : "status.on_stage");
}

/** How to get it back, in this browser. @param {string} trouble a key of messages */
export const microphoneText = (trouble) => firstOf([`${trouble}.${browserKind()}`, trouble]);

/** Beside the controls, where it is seen on the smallest screen too. @param {Model} model */
export function microphoneNotice({ client, microphone, unheard }) {
  if (microphone) return h("p.notice", { role: "alert", "data-notice": microphone }, microphoneText(microphone));
  if (!unheard || !client.muted || !client.onStage) return null;
  return h("p.notice", { role: "status", "data-notice": "unheard" }, h("strong", {}, t("stage.unheard")), " ", t(matchMedia("(hover: hover)").matches ? "stage.unheard_how" : "stage.unheard_touch"));
}

/** What those who speak are to know or to answer. @param {Model} model */
export function stageBanners({ client, newMicrophone, mutedByHost }) {
  return [
    newMicrophone && newMicrophoneView(newMicrophone),
    client.muted && client.onStage && mutedByHost && banner("muted", "mic-off", t("banner.muted"), t("banner.muted_how")),
  ];
}

/** @param {string} name */
const newMicrophoneView = (name) => banner("new-microphone", "mic", t("banner.new_microphone"), name, h(
  "div.banner-acts",
  {},
  button("new-microphone", t("banner.keep_microphone"), { "data-answer": "no" }),
  button("new-microphone", t("banner.use_microphone"), { "data-answer": "yes", kind: "primary" }),
));
