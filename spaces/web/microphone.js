/**
 * @typedef {"insecure" | "unsupported" | "denied" | "missing" | "busy"} MicrophoneTrouble
 *   `insecure`: the page came over http, where browsers have no microphone at all.
 */

/**
 * @typedef {object} MicrophoneOptions
 * @property {string} [deviceId] This one; else whichever the browser takes.
 * @property {boolean} [echoCancellation] What the browser does with the sound; all three are on unless switched off.
 * @property {boolean} [noiseSuppression]
 * @property {boolean} [autoGainControl]
 */

/** Why there is no microphone, as a `code` that the page turns into words. */
export class MicrophoneError extends Error {
  /** @param {MicrophoneTrouble} code @param {string} [detail] */
  constructor(code, detail = "") {
    super(detail || code);
    this.name = "MicrophoneError";
    this.code = code;
  }
}

/** @type {Record<string, MicrophoneTrouble>} by the name of getUserMedia's DOMException */
const TROUBLES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** @returns {MicrophoneTrouble | null} what would keep a microphone from opening, without asking for one */
export function microphoneTrouble() {
  if (!window.isSecureContext) return "insecure";
  return typeof navigator.mediaDevices?.getUserMedia === "function" ? null : "unsupported";
}

/**
 * Asks for the microphone: the browser may show its prompt, so call it only when the person wants to speak.
 *
 * @param {MicrophoneOptions} [options]
 * @returns {Promise<MediaStreamTrack>} the caller stops it
 * @throws {MicrophoneError}
 */
export async function openMicrophone({ deviceId, ...processing } = {}) {
  const trouble = microphoneTrouble();
  if (trouble) throw new MicrophoneError(trouble);
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        channelCount: 1,
        ...processing,
        ...(deviceId && { deviceId: { exact: deviceId } }),
      },
    });
    return stream.getAudioTracks()[0];
  } catch (error) {
    const { name, message } = /** @type {DOMException} */ (error);
    throw new MicrophoneError(TROUBLES[name] ?? "busy", message);
  }
}

/** Whether another one is wanted than the one that is open. @param {MediaStreamTrack} track @param {MicrophoneOptions} wanted */
export function opensOther(track, wanted) {
  const settings = /** @type {Record<string, unknown>} */ (track.getSettings());
  // A browser that does not tell a setting cannot change it either.
  return Object.entries(wanted).some(([name, value]) => value !== undefined && settings[name] !== undefined && settings[name] !== value);
}

/** What a browser may do with a microphone's sound, by the names of its constraints (W3C mediacapture-streams). */
export const PROCESSING = /** @type {const} */ (["echoCancellation", "noiseSuppression", "autoGainControl"]);

/** All of it, but what was switched off in this browser. @returns {Record<typeof PROCESSING[number], boolean>} */
export function processing() {
  const off = localStorage.getItem("spaces.microphone_off")?.split(" ") ?? [];
  return /** @type {any} */ (Object.fromEntries(PROCESSING.map((name) => [name, !off.includes(name)])));
}

/** @param {string} name @param {boolean} on */
export function chooseProcessing(name, on) {
  const off = PROCESSING.filter((one) => (one === name ? !on : !processing()[one]));
  localStorage.setItem("spaces.microphone_off", off.join(" "));
}

const CHOSEN = "spaces.microphone";

/** The microphone that was chosen in this browser; undefined: whichever the browser takes. */
export const chosenMicrophone = () => localStorage.getItem(CHOSEN) ?? undefined;

/** @param {string} deviceId */
export const chooseMicrophone = (deviceId) => localStorage.setItem(CHOSEN, deviceId);

/** Those there are; browsers name them only after one was allowed. @returns {Promise<MediaDeviceInfo[]>} */
export async function microphones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter(({ kind }) => kind === "audioinput");
}
