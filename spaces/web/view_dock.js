/** The controls at the foot of a Space: one big tap at first, then what one may do. */
import { h, icon } from "./dom.js";
import { button } from "./parts.js";
import { stageOf } from "./space_parts.js";
import { t } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model */

/** @param {Model} model */
export function dockView(model) {
  const { client } = model;
  const inside = client.state === "listening" || client.state === "reconnecting";
  return h(
    "section.dock",
    { "aria-label": t("space.controls"), "data-key": "dock" },
    stageOf(model)?.notice(),
    h(
      "div.dock-top",
      {},
      h(`p.status.${client.blocked ? "blocked" : client.state}`, { role: "status" }, h("span.dot", { "aria-hidden": "true" }), statusText(model)),
      inside && volumeView(client.volume),
    ),
    inside && client.you && h("div.talk-dock", { "data-key": "talk-dock", "data-own": true }), // talk.js fills it
    inside ? insideView(model) : outsideView(model),
  );
}

/** @param {Model} model */
function statusText(model) {
  const { client, status, waiting, space } = model;
  if (client.blocked) return t("status.blocked");
  if (status && client.state !== "listening") return t(status);
  if (waiting) return t("status.waiting");
  if (client.state !== "listening" && space.state === "scheduled") {
    const role = client.you?.role ?? space.you?.role;
    return t(role === "host" || role === "cohost" ? "scheduled.yours" : "scheduled.text");
  }
  if (client.state !== "listening") return t(`status.${client.state}`);
  if (client.onStage) return stageOf(model)?.status();
  return t(client.handRaised ? "status.asked" : "status.listening");
}

/** What else there is. */
const moreButton = () =>
  button("room", t("room.more"), { icon: "more", kind: "more", "aria-haspopup": "menu", "aria-label": t("room.menu"), "data-key": "room" });

/** Before the sound. @param {Model} model */
function outsideView(model) {
  const { client, space, waiting } = model;
  const connecting = model.status === "status.connecting" || ["starting", "connecting", "reconnecting"].includes(client.state);
  const role = client.you?.role ?? space.you?.role;
  const onStage = role === "host" || role === "cohost" || role === "speaker";
  const mayStart = role === "host" || role === "cohost";
  if (connecting && !waiting) {
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
        ? button("green-room", t("action.green_room"), { kind: mayStart ? "" : "primary big", icon: "mic" })
        : button("listen", t(waiting ? "scheduled.wait" : "scheduled.listen"), {
          kind: "primary big",
          icon: waiting ? "check" : "listen",
          "aria-disabled": waiting && "true",
        }),
      waiting && button("leave", t("app.cancel"), { icon: "cross" }),
      client.hosting && moreButton(),
    );
  }
  return h(
    "div.controls",
    { "data-key": "outside" },
    button("listen", t(onStage ? "action.join_stage" : "action.listen"), {
      kind: "primary big",
      icon: onStage ? "mic" : "listen",
    }),
    onStage && stageOf(model) && button("sound-check", t("action.sound_check"), { icon: "volume", "data-key": "sound-check" }),
    role === "host" && endButton(),
    client.hosting && moreButton(),
  );
}

/** With sound. @param {Model} model */
function insideView(model) {
  const { client, space } = model;
  return h(
    "div.controls",
    { "data-key": "inside" },
    client.blocked && button("sound-tap", t("action.tap_for_sound"), { kind: "primary big", icon: "volume" }),
    client.hosting && space.state === "scheduled" && button("start", t("action.start"), { kind: "primary big", "data-key": "start" }),
    client.onStage ? stageOf(model)?.controls() : listenerControls(model),
    moreButton(),
    client.you?.role === "host" && space.state === "live" && endButton(),
    button("leave", t("action.leave"), { icon: "leave" }),
  );
}

/** @param {Model} model */
function listenerControls({ client, space }) {
  if (space.state !== "live") return null;
  if (!client.you?.account) return button("sign-in", t("action.sign_in_to_ask"), { icon: "hand" });
  return client.handRaised
    ? button("withdraw", t("action.withdraw"), { icon: "hand", kind: "toggled", "data-key": "hand" })
    : button("ask", t(space.asking === "nobody" ? "action.ask_closed" : "action.ask"), {
      icon: "hand",
      "data-key": "hand",
      "aria-disabled": space.asking === "nobody" && "true",
    });
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
