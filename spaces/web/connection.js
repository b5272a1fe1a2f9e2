import { backoff, pause } from "./backoff.js";
import { Channel } from "./channel.js";
import { stateOf, isFinalRefusal } from "./client_state.js";
import { Media } from "./media.js";
import { ProblemError, unreachable } from "./api.js";

/** @typedef {import("./api.js").Problem} Problem @typedef {import("./client_state.js").ClientState} ClientState */

/** A socket that lasted this long was a good one: the next loss is tried again at once. In milliseconds. */
const SETTLED = 10_000;
/**
 * TCP repeats what it had begun in the dark after 1, 3 and 7 seconds: whoever waits for that hears late that the network is
 * back. So for a while after a loss an attempt that nobody answers is soon given up for a new one. A server that refuses is
 * left in peace; only where the loss was heard of by nobody, one's own machine may be what refuses, and waits do not grow beyond
 * a second meanwhile. In milliseconds.
 */
const ANSWER_SOON = { within: 800, for: 12_000 };
/** How many times what has opened before may take it to open again, before it is given up so soon. */
const SLOWER = 3;
/** A change of networks often ends the first socket made after it too. So many of those are tried again without longer waits. */
const SHORT_LIVES = 2;

/**
 * Staying in one Space: the socket, brought back whenever it is lost, and the media that is negotiated over it. What the
 * messages mean for the room is its owner's business.
 */
export class Connection {
  /** @type {ClientState} */
  state = "idle";
  /** @type {Problem | null} why it is denied or evicted */
  problem = null;
  /** Whether it has been in since `open()`. */
  joinedOnce = false;

  /** @type {Channel | null} */
  #channel = null;
  /** @type {Channel | null} also while it opens */
  #newest = null;
  /** Whether the newest was given up for another one. */
  #renewed = false;
  /** @type {AbortController | null} of what `open()` began */
  #running = null;
  /** @type {ClientState | null} */
  #final = null;
  /** @type {number | undefined} the newest event that was told */
  #cursor;
  /** Until when nobody's answer is waited for long, of performance.now(). */
  #soonUntil = 0;
  /** Whether the last loss was noticed by silence alone: then it is the network that is away, not a server that begins anew. */
  #untold = false;
  /** How long the last socket took to open, in milliseconds. */
  #openedAfter = 0;

  /**
   * @param {string} address of the socket
   * @param {object} told
   * @param {() => Promise<object>} told.hello what to say at the door; rejects with ProblemError if it cannot be had
   * @param {(reply: any) => void} told.welcomed the whole truth, after each hello
   * @param {(event: any) => void} told.received of the room; each once
   * @param {() => void} told.lost the socket, for now
   * @param {() => void} told.changed `state`, or what was waited for was refused
   * @param {() => number} told.silenceMax without packets for how long the media are taken for lost, in milliseconds
   * @param {(type: string, detail: unknown) => void} told.emit `blocked`, `sound`, `trouble`, `message`
   */
  constructor(address, told) {
    this.address = address;
    this.told = told;
    this.media = new Media({
      emit: told.emit,
      silenceMax: told.silenceMax,
      renew: () => this.#renew(),
      running: () => this.#running?.signal,
      changed: () => this.#refresh(this.media.refusal !== null),
    });
  }

  /** Begins, unless it has begun. */
  open() {
    if (this.#running) return;
    this.#running = new AbortController();
    this.#final = this.problem = null;
    this.joinedOnce = this.media.heardOnce = false;
    const { signal } = this.#running;
    addEventListener("online", () => this.#renew(), { signal });
    this.#stayConnected(signal);
  }

  /** @param {{type: string, [field: string]: unknown}} message @returns {Promise<any>} rejects with ProblemError */
  request(message) {
    return this.#channel ? this.#channel.request(message) : Promise.reject(unreachable());
  }

  /** Ends the sound; events go on. */
  async leave() {
    this.media.stop();
    this.#refresh();
    await this.#channel?.request({ type: "leave" });
  }

  /** For good. @param {ClientState} state @param {Problem | null} problem */
  finish(state, problem) {
    if (this.#final) return;
    this.#final = state;
    this.problem = problem;
    this.#cursor = undefined;
    this.media.stop();
    this.#running?.abort();
    this.#running = null;
    this.#setChannel(null);
    this.#refresh();
  }

  /** @param {AbortSignal} signal */
  async #stayConnected(signal) {
    let short = 0;
    for (let attempt = 0; !signal.aborted; attempt++) {
      this.#refresh();
      const begun = performance.now();
      const channel = new Channel(this.address, (event) => this.#receive(channel, event), this.#openWithin(begun));
      const stop = () => channel.close();
      signal.addEventListener("abort", stop);
      this.#newest = channel;
      channel.opened.then(() => (this.#openedAfter = performance.now() - begun), () => {});
      const problem = await this.#lifeOf(channel);
      signal.removeEventListener("abort", stop);
      if (signal.aborted) return;
      channel.close();
      const lived = this.#channel === channel;
      if (lived) this.#setChannel(null);
      this.told.lost();
      if (problem && isFinalRefusal(problem)) {
        return this.finish(problem.status === 410 ? "ended" : this.joinedOnce ? "evicted" : "denied", problem);
      }
      this.#refresh();
      if (problem) this.told.emit("trouble", problem);
      if (lived) {
        this.#soonUntil = performance.now() + ANSWER_SOON.for;
        this.#untold = channel.abandoned;
      }
      if (performance.now() - begun > SETTLED) attempt = short = 0;
      else if (lived && short++ < SHORT_LIVES) attempt = 0;
      const early = performance.now() < this.#soonUntil;
      const tries = early && this.#untold ? Math.min(attempt, 1) : attempt;
      const soon = this.#renewed || (early && channel.unanswered);
      if (!soon) await pause(Math.max(backoff(tries), 1_000 * (problem?.retry_after ?? 0)), signal);
      if (this.#renewed) attempt = -1; // the next one is the first
      this.#renewed = false;
    }
  }

  /** How long the next socket may take to open; undefined: as long as any. @param {number} now */
  #openWithin(now) {
    if (now > this.#soonUntil) return undefined;
    return Math.max(ANSWER_SOON.within, SLOWER * this.#openedAfter) * (1 + 0.25 * Math.random()); // not all in one instant
  }

  /**
   * A new socket at once, in place of the one that there is. After the network was away, or is another one, what was sent is
   * repeated by TCP seconds later, or never heard.
   */
  #renew() {
    this.#renewed = true;
    this.#newest?.abandon();
  }

  /** In by hello, until it ends. @param {Channel} channel @returns {Promise<Problem | null>} why it ended, if that is known */
  async #lifeOf(channel) {
    try {
      const [hello] = await Promise.all([this.told.hello(), channel.opened]);
      const welcome = channel.request({ v: 1, type: "hello", ...hello, cursor: this.#cursor });
      // Asked in the same breath: the sound comes a round trip earlier.
      const media = this.media.wanted ? channel.request({ type: "listen" }) : null;
      media?.catch(() => {}); // heard of once joined, or with the refusal of hello
      this.#joined(channel, await welcome, media);
      return problemOf(await channel.closed);
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return error.problem;
    }
  }

  /** @param {Channel} channel @param {any} reply to hello @param {Promise<any> | null} media asked for already */
  #joined(channel, reply, media) {
    this.#channel = channel;
    this.joinedOnce = true;
    this.#cursor = reply.seq;
    this.told.welcomed(reply);
    this.#refresh();
    this.media.attach(channel, media);
  }

  /** @param {Channel | null} channel */
  #setChannel(channel) {
    this.#channel = channel;
    if (!channel) this.media.detach();
  }

  /** @param {Channel} channel @param {any} event */
  #receive(channel, event) {
    this.told.emit("message", event);
    if (event.seq !== undefined) {
      // What was missed is told again after a reconnection, but the snapshot already contains it.
      if (this.#cursor !== undefined && event.seq <= this.#cursor) return;
      this.#cursor = event.seq;
    }
    if (event.type === "offer") return this.media.negotiate(channel, event);
    if (event.type === "media") return event.state === "lost" && this.media.lostAtServer(event.session);
    this.told.received(event);
    if (event.type === "evicted") this.finish("evicted", event.problem);
    if (event.type === "ended") this.finish("ended", null);
  }

  /** @param {boolean} [tell] also if the state is as it was */
  #refresh(tell = false) {
    const state = stateOf({
      final: this.#final,
      running: this.#running !== null,
      joinedOnce: this.joinedOnce,
      open: this.#channel !== null,
      wanted: this.media.wanted,
      heardOnce: this.media.heardOnce,
      media: this.media.current?.connected ?? false,
    });
    if (state === this.state && !tell) return;
    this.state = state;
    this.told.changed();
  }
}

/** The server closes with 4000 + HTTP's status. @param {number} code @returns {Problem | null} */
function problemOf(code) {
  return code >= 4400 && code < 4600 ? { status: code - 4000, code: `closed_${code}` } : null;
}
