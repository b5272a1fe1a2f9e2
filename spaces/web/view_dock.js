/** The controls at the foot of a Space: one big tap at first, then what one may do. */
import { h, icon } from "./dom.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model */

/** @param {Model} model */
export function dockView(model) {
  const { client } = model;
  const inside = client.state === "listening" || client.state === "reconnecting";
  return h(
    "section.dock",
    { "aria-label": t("space.controls"), "data-key": "dock" },
    model.microphone && h("p.notice", { role: "alert", "data-notice": model.microphone }, t(model.microphone)),
    h(
      "div.dock-top",
      {},
      h(`p.status.${client.blocked ? "blocked" : client.state}`, { role: "status" }, h("span.dot", { "aria-hidden": "true" }), statusText(model)),
      inside && volumeView(client.volume),
    ),
    inside ? insideView(model) : outsideView(model),
  );
}

/** @param {Model} model */
function statusText({ client, status, waiting, space }) {
  if (client.blocked) return t("status.blocked");
  if (status && client.state !== "listening") return t(status);
  if (waiting) return t("status.waiting");
  if (client.state !== "listening" && space.state === "scheduled") {
    const role = client.you?.role ?? space.you?.role;
    return t(role === "host" || role === "cohost" ? "scheduled.yours" : "scheduled.text");
  }
  if (client.state !== "listening") return t(`status.${client.state}`);
  if (!client.onStage) return t(client.handRaised ? "status.asked" : "status.listening");
  if (space.state === "scheduled") return t("status.green_room");
  if (!client.speaking) return t("status.on_stage_silent");
  return t(client.muted ? "status.on_stage_muted" : "status.on_stage");
}

/** Before the sound. @param {Model} model */
function outsideView({ client, space, waiting }) {
  const role = client.you?.role ?? space.you?.role;
  const onStage = role === "host" || role === "cohost" || role === "speaker";
  const mayStart = role === "host" || role === "cohost";
  if (["starting", "connecting", "reconnecting"].includes(client.state) && !waiting) {
    return h(
      "div.controls",
      { "data-key": "outside" },
      button("listen", t("status.connecting"), { kind: "primary big", icon: "listen", "aria-disabled": "true" }),
      button("leave", t("app.cancel"), { icon: "cross" }),
    );
  }
  if (space.state === "scheduled") {
    return h(
      "div.controls",
      { "data-key": "outside" },
      mayStart && button("start", t("action.start"), { kind: "primary big", icon: "mic" }),
      onStage
        ? button("listen", t("action.green_room"), { kind: mayStart ? "" : "primary big", icon: "mic" })
        : button("listen", t(waiting ? "scheduled.wait" : "scheduled.listen"), {
          kind: "primary big",
          icon: waiting ? "check" : "listen",
          "aria-disabled": waiting && "true",
        }),
      waiting && button("leave", t("app.cancel"), { icon: "cross" }),
    );
  }
  return h(
    "div.controls",
    { "data-key": "outside" },
    button("listen", t(onStage ? "action.join_stage" : "action.listen"), {
      kind: "primary big",
      icon: onStage ? "mic" : "listen",
    }),
    role === "host" && endButton(),
  );
}

/** With sound. @param {Model} model */
function insideView(model) {
  const { client, space } = model;
  const hosting = client.you?.role === "host" || client.you?.role === "cohost";
  return h(
    "div.controls",
    { "data-key": "inside" },
    client.blocked && button("sound-tap", t("action.tap_for_sound"), { kind: "primary big", icon: "volume" }),
    client.onStage ? speakerControls(model) : listenerControls(model),
    hosting && space.state === "scheduled" && button("start", t("action.start"), { kind: "primary", "data-key": "start" }),
    client.you?.role === "host" && space.state === "live" && endButton(),
    button("leave", t("action.leave"), { icon: "leave" }),
  );
}

/** @param {Model} model */
function speakerControls({ client }) {
  const { role } = /** @type {import("./client.js").You} */ (client.you);
  return [
    client.speaking
      ? button("mute", t(client.muted ? "action.unmute" : "action.mute"), {
        icon: client.muted ? "mic-off" : "mic",
        kind: client.muted ? "toggled" : "primary",
        "aria-keyshortcuts": "m",
        "data-key": "mute",
        title: t("action.mute_key"),
      })
      : button("microphone", t("action.mic_on"), { icon: "mic", kind: "primary big", "data-key": "microphone" }),
    role !== "host" && button("step-down", t("action.step_down"), { icon: "down", "data-key": "step-down" }),
  ];
}

/** @param {Model} model */
function listenerControls({ client, space }) {
  if (space.state !== "live") return null;
  if (!client.you?.account) return button("sign-in", t("action.sign_in_to_ask"), { icon: "hand" });
  return client.handRaised
    ? button("withdraw", t("action.withdraw"), { icon: "hand", kind: "toggled", "data-key": "hand" })
    : button("ask", t("action.ask"), { icon: "hand", "data-key": "hand" });
}

const endButton = () =>
  button("end", t("action.end"), { kind: "danger", "aria-label": t("action.end_all"), "aria-haspopup": "dialog", "data-key": "end" });

/** @param {number} volume */
function volumeView(volume) {
  return h(
    "label.volume",
    { "data-key": "volume" },
    icon("volume"),
    h("span.hidden", {}, t("action.volume")),
    h("input", { type: "range", min: "0", max: "1", step: "0.05", value: volume, "data-action": "volume" }),
  );
}
