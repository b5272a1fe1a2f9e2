/**
 * What one says oneself, in words: by the browser's own speech recognition, where it has any, and only for who asked for it.
 * Most browsers have it done by their maker, so it is asked about first; where it can be done on this device, it is.
 */
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { button } from "./parts.js";
import { language, t } from "./text.js";

/** Between two guesses that are sent, in milliseconds: the server takes five a second. */
const EVERY = 250;
const CHARACTERS_MAX = 400;
/** Troubles after which trying again is of no use. */
const FINAL = ["not-allowed", "service-not-allowed", "language-not-supported", "audio-capture"];

/** Not in TypeScript's library. @type {any} */
const Recognition = /** @type {any} */ (window).SpeechRecognition ?? /** @type {any} */ (window).webkitSpeechRecognition;

export const canCaption = () => Boolean(Recognition);

/** @type {{client: import("./client.js").SpaceClient, stop: () => void} | null} */
let running = null;

/** @param {import("./client.js").SpaceClient} client */
export const isCaptioning = (client) => running?.client === client;

/** On or off. @param {import("./client.js").SpaceClient} client */
export async function toggleSpeechCaptions(client) {
  if (isCaptioning(client)) {
    running?.stop();
    return toast(t("speech.off"));
  }
  const spoken = client.space?.language ?? language;
  const here = await isLocal(spoken);
  if (!here && !(await sure())) return;
  running?.stop();
  running = start(client, spoken, here);
  toast(t("speech.on"));
}

/** Whether this device does it, by itself. @param {string} spoken */
async function isLocal(spoken) {
  try {
    return (await Recognition.available({ langs: [spoken], processLocally: true })) === "available";
  } catch {
    return false; // an older browser, which cannot say
  }
}

async function sure() {
  const answer = await ask(t("speech.sure"), [
    h("p", {}, t("speech.what")),
    h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("speech.start"), { kind: "primary" })),
  ]);
  return answer !== null;
}

/** @param {import("./client.js").SpaceClient} client @param {string} spoken @param {boolean} here */
function start(client, spoken, here) {
  const recognition = new Recognition();
  Object.assign(recognition, { lang: spoken, continuous: true, interimResults: true });
  if (here) recognition.processLocally = true;
  let sentAt = 0;
  let stopped = false;
  const heard = () => client.onStage && client.speaking && !client.muted;
  const send = (/** @type {string} */ text, /** @type {boolean} */ final) =>
    client.talk.caption(text.trim().slice(-CHARACTERS_MAX), final).catch(() => {}); // muted meanwhile, or too fast: the next words come
  recognition.onresult = (/** @type {any} */ { results, resultIndex }) => {
    for (let n = resultIndex; n < results.length; n++) {
      const { isFinal, 0: { transcript } } = results[n];
      if (!transcript.trim() || !heard()) continue;
      if (!isFinal && performance.now() - sentAt < EVERY) continue;
      sentAt = performance.now();
      send(transcript, isFinal);
    }
  };
  recognition.onerror = (/** @type {any} */ { error }) => {
    if (!FINAL.includes(error)) return;
    stop();
    toast(t("speech.failed"));
  };
  recognition.onend = () => setTimeout(look, EVERY); // browsers end it after a silence
  let on = false;
  function look() {
    on = false;
    if (stopped || !heard()) return;
    try {
      recognition.start();
      on = true;
    } catch {
      // begun already
    }
  }
  const follow = () => {
    if (!client.onStage) return stop();
    if (heard() && !on) look();
    else if (!heard() && on) recognition.stop();
  };
  const stop = () => {
    if (stopped) return;
    stopped = true;
    recognition.abort();
    for (const type of ["you", "microphone"]) client.removeEventListener(type, follow);
    running = null;
  };
  for (const type of ["you", "microphone"]) client.addEventListener(type, follow);
  look();
  return { client, stop };
}
