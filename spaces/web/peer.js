import { Playback } from "./playback.js";

/** How often packets are looked for, in milliseconds. */
const WATCH_EVERY = 250;
/** From the offer to connected media, in milliseconds. */
const CONNECT_WITHIN = 8_000;
/** ICE may recover by itself from "disconnected" within this, in milliseconds. */
const DISCONNECTED_MAX = 700;

/**
 * @typedef {object} LinkStats One session's link; `undefined` where the browser does not say.
 * @property {number} packetsReceived
 * @property {number} packetsLost
 * @property {number} energy Of all that was decoded for playing, as totalAudioEnergy of W3C webrtc-stats.
 * @property {number} [jitter] Seconds.
 * @property {number} [roundTrip] Seconds.
 * @property {number} [concealedShare] Share of the samples played that were made up for lost packets.
 */

/**
 * One media session: an RTCPeerConnection whose offers all come from the server.
 *
 * Its m-lines are named by mid: `mix`, `slot0`… (heard) and `mic` (spoken into). `onconnected` is called once;
 * `onlost` at most once, with a reason, and then the session is of no more use.
 */
export class PeerSession {
  #connected = false;
  #lost = false;
  /** @type {MediaStreamTrack | null} */
  #microphone = null;
  /** @type {any[]} */
  #timers = [];
  /** @type {any} */
  #disconnected;
  #packets = { count: -1, since: 0 };

  /**
   * @param {string} id The server's name of the session.
   * @param {{iceServers?: RTCIceServer[], volume: number, onconnected: () => void, onlost: (reason: string) => void,
   *   onblocked: () => void, silenceMax: () => number}} options
   *   `silenceMax`: without any packet for how long it is taken for dead, as things are; in milliseconds
   */
  constructor(id, { iceServers = [], volume, onconnected, onlost, onblocked, silenceMax }) {
    this.id = id;
    this.onconnected = onconnected;
    this.onlost = onlost;
    this.silenceMax = silenceMax;
    this.playback = new Playback({ volume, onblocked });
    /** @type {Map<string, MediaStreamTrack>} what is heard, by mid */
    this.tracks = new Map();
    this.pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.pc.ontrack = ({ transceiver, track }) => {
      const mid = String(transceiver.mid);
      this.tracks.set(mid, track);
      this.playback.add(mid, track);
    };
    this.pc.onconnectionstatechange = () => this.#follow(this.pc.connectionState);
    this.pc.oniceconnectionstatechange = () => this.#follow(this.pc.iceConnectionState);
    this.#timers.push(setTimeout(() => this.#connected || this.#lose("no_connection"), CONNECT_WITHIN));
  }

  get connected() {
    return this.#connected && !this.#lost;
  }

  /**
   * Takes the server's offer, the first or a later one that turns directions.
   *
   * @param {string} sdp
   * @returns {Promise<string>} the answer, without candidates: the server needs none (ICE-lite)
   */
  async answer(sdp) {
    await this.pc.setRemoteDescription({ type: "offer", sdp });
    const mic = this.#mic();
    if (mic) {
      const wanted = directionOf(sdp, "mic") === "recvonly";
      mic.direction = wanted ? "sendonly" : "inactive";
      // The track may come later, when the person has allowed the microphone: then nothing is negotiated again.
      await mic.sender.replaceTrack(wanted ? this.#microphone : null);
    }
    const answer = await this.pc.createAnswer();
    await this.pc.setLocalDescription(answer);
    return String(answer.sdp);
  }

  /** @param {MediaStreamTrack | null} track */
  async setMicrophone(track) {
    this.#microphone = track;
    const mic = this.#mic();
    if (mic && (track === null || mic.direction === "sendonly")) await mic.sender.replaceTrack(track);
  }

  /** Gives it up, as if it had been lost. @param {string} reason */
  abandon(reason) {
    this.#lose(reason);
  }

  close() {
    this.#lost = true;
    this.#timers.forEach((timer) => clearInterval(timer));
    clearTimeout(this.#disconnected);
    this.playback.close();
    this.pc.close();
  }

  /** @returns {Promise<LinkStats>} */
  async stats() {
    const total = { packetsReceived: 0, packetsLost: 0, energy: 0 };
    /** @type {{jitter?: number, roundTrip?: number}} */
    const last = {};
    let concealed = 0;
    let samples = 0;
    for (const report of (await this.pc.getStats()).values()) {
      if (report.type === "inbound-rtp") {
        total.packetsReceived += report.packetsReceived ?? 0;
        total.packetsLost += report.packetsLost ?? 0;
        total.energy += report.totalAudioEnergy ?? 0;
        concealed += (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0);
        samples += report.totalSamplesReceived ?? 0;
        last.jitter = Math.max(last.jitter ?? 0, report.jitter ?? 0);
      } else if (report.type === "candidate-pair" && report.nominated) {
        last.roundTrip = report.currentRoundTripTime;
      }
    }
    return { ...total, ...last, concealedShare: samples ? concealed / samples : undefined };
  }

  #mic() {
    return this.pc.getTransceivers().find(({ mid }) => mid === "mic");
  }

  /** @param {string} state of ICE or of the whole connection */
  #follow(state) {
    clearTimeout(this.#disconnected);
    if (state === "failed") this.#lose("failed");
    else if (state === "disconnected") this.#disconnected = setTimeout(() => this.#lose("disconnected"), DISCONNECTED_MAX);
    else if (this.pc.connectionState === "connected" && !this.#connected && !this.#lost) {
      this.#connected = true;
      this.#timers.push(setInterval(() => this.#watch(), WATCH_EVERY));
      this.onconnected();
    }
  }

  /** A path can die without ICE noticing for long: packets that stop are the sign. */
  async #watch() {
    const { packetsReceived } = await this.stats();
    const now = performance.now();
    const most = this.silenceMax();
    if (packetsReceived !== this.#packets.count || most === Infinity) {
      this.#packets = { count: packetsReceived, since: now };
    } else if (now - this.#packets.since > most) this.#lose("silent");
  }

  /** @param {string} reason */
  #lose(reason) {
    if (this.#lost) return;
    this.#lost = true;
    this.onlost(reason);
  }
}

/**
 * The direction of one m-line in an offer; RFC 8866 §6.7: `sendrecv` unless it says otherwise.
 *
 * @param {string} sdp @param {string} mid
 */
export function directionOf(sdp, mid) {
  const section = sdp.split(/\r?\n(?=m=)/).find((part) => new RegExp(`^a=mid:${mid}\\s*$`, "m").test(part)) ?? "";
  return /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section)?.[1] ?? "sendrecv";
}
