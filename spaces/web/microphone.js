/**
 * @typedef {"insecure" | "unsupported" | "denied" | "missing" | "busy"} MicrophoneTrouble
 *   `insecure`: the page came over http, where browsers have no microphone at all.
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
 * @param {{deviceId?: string}} [options]
 * @returns {Promise<MediaStreamTrack>} the caller stops it
 * @throws {MicrophoneError}
 */
export async function openMicrophone({ deviceId } = {}) {
  const trouble = microphoneTrouble();
  if (trouble) throw new MicrophoneError(trouble);
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        channelCount: 1,
        ...(deviceId && { deviceId: { exact: deviceId } }),
      },
    });
    return stream.getAudioTracks()[0];
  } catch (error) {
    const { name, message } = /** @type {DOMException} */ (error);
    throw new MicrophoneError(TROUBLES[name] ?? "busy", message);
  }
}
