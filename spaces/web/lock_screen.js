import { t } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model */

/**
 * Tells the phone what is playing, for its lock screen and headset keys: without it iOS stops the sound when locked.
 * What is paused there stays paused, also while the connection is lost and comes back, until it is begun again.
 *
 * @param {Model} model
 */
export function showOnLockScreen(model) {
  const { client } = model;
  const { state } = client;
  if (state === "starting" || state === "listening") model.sound = "on";
  else if (state !== "reconnecting" && !(model.sound === "paused" && state === "joined")) model.sound = "off";
  const session = navigator.mediaSession;
  if (!session || typeof MediaMetadata === "undefined") return;
  const on = model.sound === "on";
  session.playbackState = on ? "playing" : model.sound === "paused" ? "paused" : "none";
  session.metadata = model.sound !== "off" && client.space
    ? new MediaMetadata({
      title: client.space.title,
      artist: client.space.creator.name,
      album: t("app.name"),
      artwork: [192, 512].map((size) => ({ src: `/web/icon-${size}.png`, sizes: `${size}x${size}`, type: "image/png" })),
    })
    : null;
  handle("stop", on ? () => client.leave() : null);
  handle("pause", on ? () => {
    model.sound = "paused";
    client.leave().catch(() => {}); // without a server it is silent all the same
  } : null);
  handle("play", !on && ["joined", "reconnecting"].includes(state) ? () => client.listen().catch(() => {}) : null); // refused: the page says why
  handle(/** @type {any} */ ("togglemicrophone"), on && client.speaking ? () => client.mute(!client.muted) : null);
  /** @type {any} */ (session).setMicrophoneActive?.(client.speaking && !client.muted);
}

/** @param {MediaSessionAction} action @param {(() => void) | null} handler */
function handle(action, handler) {
  try {
    navigator.mediaSession.setActionHandler(action, handler);
  } catch {
    // This browser has no such key: fine.
  }
}
