/** The Space that goes on sounding while one looks at something else: a small bar at the foot of every other view. */
import { h, icon, listen, show } from "./dom.js";
import { face } from "./parts.js";
import { stageOf } from "./space_parts.js";
import { t } from "./text.js";

/** @typedef {import("./page_space.js").Presence} Presence */

const CHANGES = ["state", "space", "you", "microphone", "blocked"];
/** States in which there is nothing to hear any more; then the bar says so, until it is closed. */
const OVER = ["ended", "evicted", "denied"];

/** @type {Presence | null} the one that the bar is of */
let shown = null;
const bar = h("aside.mini");
listen(bar, {
  "mini-mute": (control) => shown && stageOf(shown.model)?.actions.mute(control),
  "mini-play": () => shown?.model.client.listen().catch(() => {}), // refused: the bar says so
  "mini-leave": () => {
    shown?.close(); // one is not on its page: there is nothing to stay in it for
    shown = null;
    bar.remove();
  },
});
addEventListener("spaces:language", () => draw());

/** Shows it wherever the Space's own page is not. @param {Presence} presence */
export function miniPlayer(presence) {
  if (shown !== presence) {
    shown = presence;
    const follow = () => {
      if (shown !== presence) return CHANGES.forEach((type) => presence.model.client.removeEventListener(type, follow));
      draw();
    };
    CHANGES.forEach((type) => presence.model.client.addEventListener(type, follow));
  }
  draw();
}

function draw() {
  if (!shown) return;
  const { sound, client } = shown.model;
  if (shown.main.isConnected || client.state === "closed" || (client.state === "joined" && sound !== "paused")) return bar.remove();
  if (!bar.isConnected) document.querySelector("main")?.after(bar);
  bar.setAttribute("aria-label", t("mini.title"));
  show(bar, miniView(shown));
}

/** @param {Presence} presence */
function miniView({ model, path }) {
  const { client, space, sound } = model;
  const over = OVER.includes(client.state);
  return [
    h(
      "a.mini-what",
      { href: path, "aria-label": t("mini.back", { title: space.title }) },
      face(space.creator, "small"),
      h("span.mini-text", {}, h("span.mini-title", {}, space.title), h("span.quiet", { role: "status" }, t(over ? `mini.${client.state}` : stateKey(model)))),
    ),
    sound === "paused" && h("button.mini-button", {
      type: "button", "data-action": "mini-play", "data-key": "play", "aria-label": t("action.listen"),
    }, icon("listen")),
    client.speaking && !over && h("button.mini-button", {
      type: "button", "data-action": "mini-mute", "data-key": "mute",
      "aria-label": t(client.muted ? "mini.unmute" : "mini.mute"), "aria-pressed": String(client.muted),
    }, icon(client.muted ? "mic-off" : "mic")),
    h("button.mini-button", {
      type: "button", "data-action": "mini-leave", "data-key": "leave", "aria-label": t(over ? "app.close" : "action.leave"),
    }, icon(over ? "cross" : "leave")),
  ];
}

/** @param {import("./page_space.js").Model} model */
function stateKey({ client, sound }) {
  if (sound === "paused") return "mini.paused";
  if (client.state !== "listening") return "mini.reconnecting";
  if (!client.onStage) return "mini.listening";
  return client.speaking && !client.muted ? "mini.on_stage" : "mini.on_stage_muted";
}
