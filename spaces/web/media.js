import { backoff, pause } from "./backoff.js";
import { isFinalRefusal } from "./client_state.js";
import { PeerSession } from "./peer.js";
import { ProblemError } from "./api.js";

/** @typedef {import("./channel.js").Channel} Channel @typedef {import("./api.js").Problem} Problem */

/** A media session that lasted this long was a good one: the next loss is tried again at once. In milliseconds. */
const SETTLED = 10_000;
/** When media are lost, a socket that is silent for so long has probably gone with them. In milliseconds. */
const SOCKET_SILENT = 700;
/** How often the first sound is looked for, in milliseconds. */
const FIRST_SOUND_EVERY = 40;

/**
 * The sound of one presence, both ways: the session that is heard, the one that is to come in its place, and the
 * microphone that goes with either. Sessions are asked for and answered over whichever socket there is.
 */
export class Media {
  /** @type {PeerSession | null} the session that is heard */
  current = null;
  /** True from `want()` until `stop()`, or until it is refused for good. */
  wanted = false;
  /** Whether there has been sound since it was last wanted. */
  heardOnce = false;
  /** True while the browser keeps silent until the person taps. */
  blocked = false;
  /** @type {Problem | null} why it was refused for good */
  refusal = null;

  /** @type {PeerSession | null} comes in for `current` once it is connected */
  #next = null;
  /** @type {Channel | null} */
  #channel = null;
  /** @type {MediaStreamTrack | null} */
  #microphone = null;
  /** @type {Promise<void>} offers are answered one after the other */
  #negotiation = Promise.resolve();
  #recovering = false;
  #tries = 0;
  #wantedAt = 0;
  #volume = 1;

  /**
   * @param {object} told
   * @param {(type: string, detail: unknown) => void} told.emit `blocked`, `sound`, `trouble`
   * @param {() => void} told.changed something that the state is made from
   * @param {() => number} told.silenceMax without packets for how long a session is taken for lost, in milliseconds
   * @param {() => void} told.renew the socket
   * @param {() => AbortSignal | undefined} told.running ends with the whole connection
   */
  constructor({ emit, changed, silenceMax, renew, running }) {
    this.emit = emit;
    this.changed = changed;
    this.silenceMax = silenceMax;
    this.renew = renew;
    this.running = running;
  }

  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = Math.min(1, Math.max(0, volume));
    this.current?.playback.setVolume(this.#volume);
    this.#next?.playback.setVolume(this.#volume);
  }

  /** @param {MediaStreamTrack | null} track */
  async setMicrophone(track) {
    this.#microphone = track;
    await Promise.all([this.current?.setMicrophone(track), this.#next?.setMicrophone(track)]);
  }

  /** From now on there is to be sound: asked for at once if there is a socket, else as soon as there is one. */
  want() {
    this.wanted = true;
    this.heardOnce = false;
    this.refusal = null;
    this.#tries = 0;
    this.#wantedAt = performance.now();
    if (this.#channel) this.#ask(this.#channel);
    this.changed();
  }

  /** In a tap: what the browser held back is heard. */
  unblock() {
    if (!this.blocked) return;
    this.#setBlocked(false);
    this.current?.playback.open();
  }

  /** A socket is in. @param {Channel} channel @param {Promise<any> | null} asked what was asked for with its hello */
  attach(channel, asked) {
    this.#channel = channel;
    this.#next?.close(); // it was offered on the socket that is gone
    this.#next = null;
    if (this.wanted) this.#ask(channel, asked ?? undefined);
    else if (asked) channel.request({ type: "leave" }).catch(() => {}); // the channel's end is noticed elsewhere
  }

  /** There is no socket for now; what sounds goes on sounding. */
  detach() {
    this.#channel = null;
  }

  /** The server has seen the transport of a session go. @param {string} [session] the one that is heard, if left out */
  lostAtServer(session) {
    if ((session ?? this.current?.id) === this.current?.id) this.current?.abandon("lost");
  }

  stop() {
    this.wanted = false;
    this.#wantedAt = 0;
    this.current?.close();
    this.#next?.close();
    this.current = this.#next = null;
    this.#setBlocked(false);
  }

  /** @param {Channel} channel @param {{session: string, sdp: string, ice_servers?: RTCIceServer[]}} offer */
  negotiate(channel, { session, sdp, ice_servers: iceServers }) {
    this.#negotiation = this.#negotiation.then(async () => {
      if (channel !== this.#channel || !this.wanted) return;
      try {
        const peer = [this.current, this.#next].find((one) => one?.id === session) ?? this.#prepare(session, iceServers);
        await channel.request({ type: "answer", session, sdp: await peer.answer(sdp) });
      } catch (error) {
        if (![this.current?.id, this.#next?.id].includes(session)) return; // closed meanwhile
        const problem = error instanceof ProblemError ? error.problem : { status: 0, code: "browser", detail: `${error}` };
        this.emit("trouble", problem);
        (this.#next ?? this.current)?.abandon("negotiation");
      }
    });
  }

  /** @param {Channel} channel @param {Promise<any>} [asked] */
  async #ask(channel, asked = channel.request({ type: "listen" })) {
    try {
      await asked;
    } catch (error) {
      const { problem } = /** @type {ProblemError} */ (error);
      if (channel !== this.#channel || !this.wanted) return;
      this.emit("trouble", problem);
      if (!isFinalRefusal(problem)) return this.#recover(problem.code);
      this.refusal = problem;
      this.wanted = false;
      this.changed();
    }
  }

  /** A new session, beside the one that is heard. @param {string} id @param {RTCIceServer[]} [iceServers] */
  #prepare(id, iceServers) {
    this.#next?.close();
    /** @type {PeerSession} */
    const peer = new PeerSession(id, {
      iceServers,
      volume: this.#volume,
      onconnected: () => this.#takeOver(peer),
      onlost: (reason) => this.#lost(peer, reason),
      onblocked: () => this.#setBlocked(true),
      silenceMax: this.silenceMax,
    });
    this.#next = peer;
    if (this.#microphone) peer.setMicrophone(this.#microphone);
    return peer;
  }

  /** The new session is connected: it is heard from now on, and the old one is not. @param {PeerSession} peer */
  #takeOver(peer) {
    this.current?.close();
    this.current = peer;
    this.#next = null;
    peer.playback.open();
    this.heardOnce = true;
    setTimeout(() => this.current === peer && peer.connected && (this.#tries = 0), SETTLED);
    this.changed();
    this.#awaitFirstSound(peer);
  }

  /** @param {PeerSession} peer */
  async #awaitFirstSound(peer) {
    while (this.current === peer && this.#wantedAt) {
      // Energy of what was decoded *for playing*: there is none before the browser really plays.
      if ((await peer.stats()).energy > 0 && !this.blocked && this.#wantedAt) {
        const end = performance.now();
        const start = this.#wantedAt;
        this.#wantedAt = 0;
        performance.mark("spaces:sound");
        performance.measure("spaces:tap-to-sound", { start, end });
        this.emit("sound", { after: end - start });
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_SOUND_EVERY));
    }
  }

  /** @param {PeerSession} peer @param {string} reason */
  #lost(peer, reason) {
    if (peer === this.#next) {
      peer.close();
      this.#next = null;
    } else if (peer !== this.current) return;
    this.changed();
    this.#recover(reason);
  }

  /** Asks for a fresh session; the old one goes on sounding, if it can, until then. @param {string} reason */
  async #recover(reason) {
    const signal = this.running();
    if (this.#recovering || this.#next || !this.wanted || !signal) return;
    this.#recovering = true;
    this.emit("trouble", { status: 0, code: "media_lost", detail: reason });
    const attempt = this.#tries++;
    if (attempt > 0) await pause(backoff(attempt - 1), signal);
    this.#recovering = false;
    // Without a socket there is nobody to ask; the one that comes next asks by itself.
    const channel = this.#channel;
    if (!channel || !this.wanted || this.current?.connected) return;
    const now = performance.now();
    if (now - channel.heardAt > SOCKET_SILENT) return this.renew();
    setTimeout(() => this.#channel === channel && channel.heardAt < now && this.renew(), SOCKET_SILENT);
    await this.#ask(channel);
  }

  /** @param {boolean} blocked */
  #setBlocked(blocked) {
    if (this.blocked === blocked) return;
    this.blocked = blocked;
    this.emit("blocked", blocked);
  }
}
