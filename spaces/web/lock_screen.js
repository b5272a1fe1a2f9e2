import { t } from "./text.js";

/**
 * Tells the phone what is playing, for its lock screen and headset keys: without it iOS stops the sound when locked.
 *
 * @param {import("./client.js").SpaceClient} client
 */
export function showOnLockScreen(client) {
  const session = navigator.mediaSession;
  if (!session || typeof MediaMetadata === "undefined") return;
  const on = client.state === "listening" || client.state === "reconnecting";
  session.playbackState = on ? "playing" : "none";
  session.metadata = on && client.space
    ? new MediaMetadata({ title: client.space.title, artist: client.space.creator.name, album: t("app.name") })
    : null;
  handle("stop", on ? () => client.leave() : null);
  handle("pause", on ? () => client.leave() : null);
  handle("play", client.state === "joined" ? () => client.listen() : null);
}

/** @param {MediaSessionAction} action @param {(() => void) | null} handler */
function handle(action, handler) {
  try {
    navigator.mediaSession.setActionHandler(action, handler);
  } catch {
    // This browser has no such key: fine.
  }
}
