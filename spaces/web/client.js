/**
 * The SDK: one Space, live, in a browser. Nothing here touches the document; see docs/sdk.md.
 *
 *     const client = new SpaceClient({ space: "4fJ2k", token });
 *     client.addEventListener("state", () => show(client.state, client.problem));
 *     button.onclick = () => client.listen();
 */
import { backoff, pause } from "./backoff.js";
import { Channel } from "./channel.js";
import { FINAL, isFinalRefusal, stateOf } from "./client_state.js";
import { MicrophoneError, microphoneTrouble, openMicrophone } from "./microphone.js";
import { PeerSession } from "./peer.js";
import { unlockSound } from "./playback.js";
import { ProblemError } from "./problem.js";

export { Api } from "./api.js";
export { MicrophoneError, microphoneTrouble, ProblemError };

/**
 * @typedef {import("./problem.js").Problem} Problem
 * @typedef {import("./client_state.js").ClientState} ClientState
 * @typedef {"host" | "cohost" | "speaker" | "listener"} Role
 * @typedef {{id: string, handle: string | null, name: string, sub?: string | null}} Account
 * @typedef {{account: Account, role: Role, muted: boolean, connected: boolean}} StageMember
 * @typedef {{account: Account, since: string}} Hand
 * @typedef {{account: Account, role: Role, by: Account, since: string}} Invitation to the stage
 * @typedef {{account: Account | null, role: Role, seat: string, muted: boolean, hand?: boolean,
 *   invitation?: Invitation | null}} You
 * @typedef {{policy: string, tier?: string}} Policy
 * @typedef {{id: string, title: string, state: "scheduled" | "live" | "ended" | "cancelled", creator: Account,
 *   access: Policy[], topics: string[], language: string | null, scheduled_start: string | null,
 *   time_zone: string | null, started_at: string | null, ended_at: string | null, listeners: number,
 *   locked?: boolean, capacity?: number | null, asking?: "everyone" | "subscribers" | "nobody",
 *   asking_seconds?: number, closing_at?: string | null,
 *   stage: StageMember[], you?: {role: Role | null, admitted: boolean, problem: Problem | null}}} Space
 */

/** A media session that lasted this long was a good one: the next loss is tried again at once. In milliseconds. */
const SETTLED = 10_000;
/** How often the first sound is looked for, in milliseconds. */
const FIRST_SOUND_EVERY = 40;

/**
 * One person's presence in one Space.
 *
 * Events (CustomEvent; the value is in `detail`): `state`, `space` (Space), `you` (You), `hands` (Hand[]), `invitations`
 * (Invitation[]), `invitation` (yours, or null), `role`
 * ({account, role}), `speaking` (levels in dBFS by account id), `hand` (raised or not), `muted` (by somebody else),
 * `microphone` (on or not), `blocked` (the browser wants a tap), `sound` ({after}: milliseconds from `listen()` to the
 * first sound), `trouble` (Problem of a try that will be repeated), `message` (every server event, as it came).
 */
export class SpaceClient extends EventTarget {
  /** @type {ClientState} */
  state = "idle";
  /** @type {Problem | null} why it is denied or evicted */
  problem = null;
  /** @type {Space | null} */
  space = null;
  /** @type {You | null} */
  you = null;
  /** @type {Hand[]} who asks to speak; hosts and co-hosts only */
  hands = [];
  /** @type {Invitation[]} who is invited to the stage; hosts and co-hosts only */
  invitations = [];
  /** @type {Record<string, number>} loudness in dBFS by account id, of those speaking now */
  levels = {};
  /** True while you ask to speak. */
  handRaised = false;
  /** True while the browser keeps silent until the person taps; then call `listen()` in that tap. */
  blocked = false;
  /** @type {PeerSession | null} the media session that is heard; `peer.pc` is its RTCPeerConnection */
  peer = null;

  /** @type {Channel | null} */
  #channel = null;
  /** @type {PeerSession | null} comes in for `peer` once it is connected */
  #next = null;
  /** @type {MediaStreamTrack | null} */
  #microphone = null;
  /** @type {AbortController | null} of the running connection */
  #running = null;
  /** @type {ClientState | null} */
  #final = null;
  #wanted = false;
  #joinedOnce = false;
  #heardOnce = false;
  #listenedAt = 0;
  #mediaTries = 0;
  #volume = 1;
  /** @type {number | undefined} */
  #cursor;
  /** @type {Promise<void>} offers are answered one after the other */
  #negotiation = Promise.resolve();
  #recovering = false;
  /** @type {Problem | null} why `listen` was refused for good */
  #refusal = null;

  /**
   * @param {{space: string, url?: string, token?: string | null, client?: string, volume?: number}} options
   *   `client` names this seat among those of the account; the same name elsewhere takes the seat over.
   */
  constructor({ space, url = location.origin, token = null, client = "default", volume = 1 }) {
    super();
    this.id = space;
    this.url = url.replace(/\/$/, "");
    this.token = token;
    this.client = client;
    this.#volume = volume;
  }

  /** Whether this person may send sound now. */
  get onStage() {
    return this.you !== null && this.you.role !== "listener";
  }

  /** Whether this person's microphone is open (it may be muted). */
  get speaking() {
    return this.#microphone !== null;
  }

  get muted() {
    return this.you?.muted ?? false;
  }

  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = Math.min(1, Math.max(0, volume));
    this.peer?.playback.setVolume(this.#volume);
    this.#next?.playback.setVolume(this.#volume);
  }

  /** @returns {Map<string, MediaStreamTrack>} what is heard, by mid: `mix`, `slot0`… */
  get tracks() {
    return this.peer?.tracks ?? new Map();
  }

  /**
   * Enters the Space, for its events; sound comes by `listen()`. Stays connected until `close()` or a final state.
   *
   * @returns {Promise<void>} once inside; rejects with ProblemError when refused
   */
  async connect() {
    if (!this.#running) {
      this.#running = new AbortController();
      this.#final = null;
      this.problem = this.you = null;
      this.#joinedOnce = this.#heardOnce = false;
      this.#stayConnected(this.#running.signal);
    }
    await this.#until(() => this.#joinedOnce || FINAL.has(this.state));
    if (!this.#joinedOnce) throw new ProblemError(this.problem ?? { status: 0, code: this.state });
  }

  /**
   * Starts the sound, entering first if need be. Call it in the handler of a tap: browsers want one before sound.
   *
   * @returns {Promise<void>} once media flows; rejects with ProblemError when refused
   */
  async listen() {
    unlockSound();
    if (this.blocked) {
      this.#setBlocked(false);
      this.peer?.playback.open();
    }
    if (!this.#wanted || FINAL.has(this.state)) {
      this.#wanted = true;
      this.#heardOnce = false;
      this.#mediaTries = 0;
      this.#listenedAt = performance.now();
      this.#refusal = null;
      if (this.#channel) this.#askForMedia(this.#channel);
      this.#refresh();
      await this.connect(); // a new connection asks for media as soon as it is in
    }
    await this.#until(() => this.state === "listening" || !this.#wanted || FINAL.has(this.state));
    const problem = FINAL.has(this.state) ? (this.problem ?? { status: 0, code: this.state }) : this.#refusal;
    if (problem) throw new ProblemError(problem);
  }

  /** Ends the sound, both ways; events go on. */
  async leave() {
    this.#stopMedia();
    this.#refresh();
    await this.#channel?.request({ type: "leave" });
  }

  /** Leaves for good. */
  close() {
    this.#finish("closed", null);
  }

  /**
   * Opens the microphone, and unmutes. Needs a place on stage to be heard; may show the browser's prompt.
   *
   * @param {{deviceId?: string}} [options]
   * @throws {MicrophoneError} with a `code` to explain
   */
  async speak(options) {
    if (!this.#microphone) {
      const track = await openMicrophone(options);
      if (!this.onStage) return track.stop(); // brought down while the prompt was open
      track.addEventListener("ended", () => this.#closeMicrophone());
      this.#microphone = track;
      await Promise.all([this.peer?.setMicrophone(track), this.#next?.setMicrophone(track)]);
      this.#emit("microphone", true);
    }
    if (this.muted) await this.mute(false);
  }

  /**
   * Mutes or unmutes oneself; the microphone is silent before the server has answered.
   *
   * @param {boolean} muted
   */
  async mute(muted) {
    const before = this.muted;
    this.#setMuted(muted);
    try {
      await this.#request({ type: "mute", muted });
    } catch (error) {
      // Refused: as the server has it. Without a server, silent stays silent.
      if (!(muted && /** @type {ProblemError} */ (error).problem?.status === 0)) this.#setMuted(before);
      throw error;
    }
  }

  /** Asks to speak. */
  async raiseHand() {
    await this.#request({ type: "hand.raise" });
    this.#setHand(true);
  }

  async lowerHand() {
    await this.#request({ type: "hand.lower" });
    this.#setHand(false);
  }

  /** Brings somebody who asked on stage. @param {string} account */
  accept(account) {
    return this.#request({ type: "hand.accept", account });
  }

  /** @param {string} account */
  decline(account) {
    return this.#request({ type: "hand.decline", account });
  }

  /** Brings somebody, or oneself, down to the audience. @param {string} [account] */
  async bringDown(account = this.you?.account?.id) {
    await this.#request({ type: "speaker.remove", account });
  }

  /** Mutes somebody else; only they can unmute. @param {string} account */
  muteOther(account) {
    return this.#request({ type: "speaker.mute", account });
  }

  /** Mutes everybody on stage but the host and oneself. */
  muteAll() {
    return this.#request({ type: "stage.mute" });
  }

  /** Invites to the stage. @param {string} account @param {"speaker" | "cohost"} [role] */
  invite(account, role = "speaker") {
    return this.#request({ type: "stage.invite", account, role });
  }

  /** @param {string} account */
  uninvite(account) {
    return this.#request({ type: "stage.uninvite", account });
  }

  acceptInvitation() {
    return this.#request({ type: "invitation.accept" });
  }

  declineInvitation() {
    return this.#request({ type: "invitation.decline" });
  }

  /** Out now; may come back. @param {string} account */
  remove(account) {
    return this.#request({ type: "account.remove", account });
  }

  /** Out now, and kept out of all Spaces of this creator. @param {string} account @param {string} [reason] */
  block(account, reason = "") {
    return this.#request({ type: "account.block", account, reason });
  }

  /** @param {string} account */
  unblock(account) {
    return this.#request({ type: "account.unblock", account });
  }

  /** Locked: nobody new comes in. @param {boolean} locked */
  lock(locked) {
    return this.#request({ type: "space.lock", locked });
  }

  /** To a co-host. @param {string} account */
  handOver(account) {
    return this.#request({ type: "space.hand_over", account });
  }

  /**
   * To the operators, about somebody here or the Space as a whole.
   *
   * @param {"abuse" | "spam" | "illegal" | "other"} reason
   * @param {{account?: string, detail?: string}} [about]
   */
  report(reason, { account, detail = "" } = {}) {
    return this.#request({ type: "report", reason, account, detail });
  }

  start() {
    return this.#request({ type: "space.start" });
  }

  end() {
    return this.#request({ type: "space.end" });
  }

  /** @returns {Promise<import("./peer.js").LinkStats | null>} null without media */
  async stats() {
    return this.peer ? this.peer.stats() : null;
  }

  // --- the socket

  /** @param {AbortSignal} signal */
  async #stayConnected(signal) {
    for (let attempt = 0; !signal.aborted; attempt++) {
      this.#refresh();
      const opened = performance.now();
      const channel = new Channel(this.#address(), (event) => this.#receive(channel, event));
      const stop = () => channel.close();
      signal.addEventListener("abort", stop);
      /** @type {Problem | null} */
      let problem = null;
      try {
        await channel.opened;
        const hello = { token: this.token ?? undefined, client: this.client, cursor: this.#cursor };
        const welcome = channel.request({ v: 1, type: "hello", ...hello });
        // Asked in the same breath: the sound comes a round trip earlier.
        const media = this.#wanted ? channel.request({ type: "listen" }) : null;
        media?.catch(() => {}); // heard of in #joined, or with the refusal of hello
        this.#joined(channel, await welcome, media);
        problem = problemOf(await channel.closed);
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        problem = error.problem;
      }
      signal.removeEventListener("abort", stop);
      if (signal.aborted) return;
      channel.close();
      if (this.#channel === channel) this.#channel = null;
      this.levels = {};
      this.#emit("speaking", this.levels);
      if (problem && isFinalRefusal(problem)) {
        return this.#finish(problem.status === 410 ? "ended" : this.#joinedOnce ? "evicted" : "denied", problem);
      }
      this.#refresh();
      if (problem) this.#emit("trouble", problem);
      if (performance.now() - opened > SETTLED) attempt = 0;
      await pause(Math.max(backoff(attempt), 1_000 * (problem?.retry_after ?? 0)), signal);
    }
  }

  #address() {
    return `${this.url.replace(/^http/, "ws")}/v1/spaces/${this.id}/socket`;
  }

  /** @param {Channel} channel @param {any} reply to hello: the whole truth @param {Promise<any> | null} media asked for already */
  #joined(channel, reply, media) {
    const wasMuted = this.muted;
    this.#channel = channel;
    this.#joinedOnce = true;
    this.#cursor = reply.seq;
    this.space = reply.space;
    this.hands = reply.hands ?? [];
    this.invitations = reply.invitations ?? [];
    this.#setYou(reply.you);
    if (this.#microphone) {
      this.#microphone.enabled = !this.muted;
      // If the server was killed before it could store that: who muted himself stays silent all the same.
      if (wasMuted && !this.muted) this.mute(true).catch(() => {}); // without a server nobody hears him either
    }
    this.#emit("space", this.space);
    this.#emit("hands", this.hands);
    this.#emit("invitations", this.invitations);
    if (reply.you.hand) this.#setHand(true);
    else if (this.handRaised && !this.onStage) channel.request({ type: "hand.raise" }).catch(() => this.#setHand(false));
    this.#refresh();
    this.#next?.close(); // it was offered on the socket that is gone
    this.#next = null;
    if (this.#wanted) this.#askForMedia(channel, media ?? undefined);
    else if (media) channel.request({ type: "leave" }).catch(() => {}); // the channel's end is noticed elsewhere
  }

  /** @param {{type: string, [field: string]: unknown}} message */
  #request(message) {
    if (!this.#channel) return Promise.reject(new ProblemError({ status: 0, code: "unreachable" }));
    return this.#channel.request(message);
  }

  /** @param {Channel} channel @param {any} event */
  #receive(channel, event) {
    this.#emit("message", event);
    if (event.seq !== undefined) {
      // What was missed is told again after a reconnection, but the snapshot already contains it.
      if (this.#cursor !== undefined && event.seq <= this.#cursor) return;
      this.#cursor = event.seq;
    }
    switch (event.type) {
      case "offer":
        return this.#negotiate(channel, event);
      case "space":
        return this.#setSpace({ ...event.space, you: this.space?.you });
      case "stage":
        return this.#setStage(event.stage);
      case "hands":
        this.hands = event.hands;
        return this.#emit("hands", this.hands);
      case "invitations":
        this.invitations = event.invitations;
        return this.#emit("invitations", this.invitations);
      case "invitation":
        if (this.you) this.#setYou({ ...this.you, invitation: event.invitation });
        return this.#emit("invitation", event.invitation);
      case "closing":
        return this.space && this.#setSpace({ ...this.space, closing_at: event.at });
      case "hand":
        return this.#setHand(event.raised);
      case "role":
        return this.#setRole(event.account, event.role);
      case "speaking":
        this.levels = event.levels;
        return this.#emit("speaking", this.levels);
      case "count":
        return this.space && this.#setSpace({ ...this.space, listeners: event.listeners });
      case "media":
        if (event.state === "lost" && (event.session ?? this.peer?.id) === this.peer?.id) this.peer?.abandon("lost");
        return;
      case "evicted":
        return this.#finish("evicted", event.problem);
      case "ended":
        if (this.space) this.#setSpace({ ...this.space, state: "ended" });
        return this.#finish("ended", null);
    }
  }

  // --- what is known

  /** @param {Space} space */
  #setSpace(space) {
    this.space = space;
    this.#emit("space", space);
  }

  /** @param {StageMember[]} stage */
  #setStage(stage) {
    const mine = stage.find(({ account }) => account.id === this.you?.account?.id);
    if (mine && mine.muted !== this.muted) {
      this.#setMuted(mine.muted);
      if (mine.muted) this.#emit("muted", true);
    }
    if (this.space) this.#setSpace({ ...this.space, stage });
  }

  /** @param {boolean} muted */
  #setMuted(muted) {
    if (this.#microphone) this.#microphone.enabled = !muted;
    if (this.you) this.#setYou({ ...this.you, muted });
  }

  /** @param {string} account @param {Role} role */
  #setRole(account, role) {
    if (this.you && account === this.you.account?.id) this.#setYou({ ...this.you, role });
    this.#emit("role", { account, role });
  }

  /** @param {You} you */
  #setYou(you) {
    this.you = you;
    if (this.onStage) this.#setHand(false);
    else this.#closeMicrophone();
    this.#emit("you", you);
  }

  /** @param {boolean} raised */
  #setHand(raised) {
    if (this.handRaised === raised) return;
    this.handRaised = raised;
    this.#emit("hand", raised);
  }

  /** @param {boolean} blocked */
  #setBlocked(blocked) {
    if (this.blocked === blocked) return;
    this.blocked = blocked;
    this.#emit("blocked", blocked);
  }

  // --- media

  /** @param {Channel} channel @param {Promise<any>} [asked] */
  async #askForMedia(channel, asked = channel.request({ type: "listen" })) {
    try {
      await asked;
    } catch (error) {
      const { problem } = /** @type {ProblemError} */ (error);
      if (channel !== this.#channel || !this.#wanted) return;
      this.#emit("trouble", problem);
      if (!isFinalRefusal(problem)) return this.#recover(problem.code);
      this.#refusal = problem;
      this.#wanted = false;
      this.#refresh();
      this.#emit("state", this.state); // also wakes `listen` if it never was more than joined
    }
  }

  /** @param {Channel} channel @param {{session: string, sdp: string, ice_servers?: RTCIceServer[]}} offer */
  #negotiate(channel, { session, sdp, ice_servers: iceServers }) {
    this.#negotiation = this.#negotiation.then(async () => {
      if (channel !== this.#channel || !this.#wanted) return;
      try {
        const peer = [this.peer, this.#next].find((one) => one?.id === session) ?? this.#prepare(session, iceServers);
        await channel.request({ type: "answer", session, sdp: await peer.answer(sdp) });
      } catch (error) {
        if (![this.peer?.id, this.#next?.id].includes(session)) return; // closed meanwhile
        const problem = error instanceof ProblemError ? error.problem : { status: 0, code: "browser", detail: `${error}` };
        this.#emit("trouble", problem);
        (this.#next ?? this.peer)?.abandon("negotiation");
      }
    });
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
      expectsSound: () => !this.onStage && this.space?.state === "live",
    });
    this.#next = peer;
    if (this.#microphone) peer.setMicrophone(this.#microphone);
    return peer;
  }

  /** The new session is connected: it is heard from now on, and the old one is not. @param {PeerSession} peer */
  #takeOver(peer) {
    this.peer?.close();
    this.peer = peer;
    this.#next = null;
    peer.playback.open();
    this.#heardOnce = true;
    setTimeout(() => this.peer === peer && peer.connected && (this.#mediaTries = 0), SETTLED);
    this.#refresh();
    this.#awaitFirstSound(peer);
  }

  /** @param {PeerSession} peer */
  async #awaitFirstSound(peer) {
    while (this.peer === peer && this.#listenedAt) {
      // Energy of what was decoded *for playing*: there is none before the browser really plays.
      if ((await peer.stats()).energy > 0 && !this.blocked && this.#listenedAt) {
        this.#emit("sound", { after: performance.now() - this.#listenedAt });
        this.#listenedAt = 0;
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
    } else if (peer !== this.peer) return;
    this.#refresh();
    this.#recover(reason);
  }

  /** Asks for a fresh session; the old one goes on sounding, if it can, until then. @param {string} reason */
  async #recover(reason) {
    const signal = this.#running?.signal;
    if (this.#recovering || this.#next || !this.#wanted || !signal) return;
    this.#recovering = true;
    this.#emit("trouble", { status: 0, code: "media_lost", detail: reason });
    const attempt = this.#mediaTries++;
    if (attempt > 0) await pause(backoff(attempt - 1), signal);
    this.#recovering = false;
    // Without a channel there is nobody to ask; the one that comes next asks by itself.
    if (this.#channel && this.#wanted && !this.peer?.connected) await this.#askForMedia(this.#channel);
  }

  #closeMicrophone() {
    if (!this.#microphone) return;
    this.#microphone.stop();
    this.#microphone = null;
    this.peer?.setMicrophone(null);
    this.#next?.setMicrophone(null);
    this.#emit("microphone", false);
  }

  #stopMedia() {
    this.#wanted = false;
    this.#listenedAt = 0;
    this.#closeMicrophone();
    this.peer?.close();
    this.#next?.close();
    this.peer = this.#next = null;
    this.#setBlocked(false);
  }

  // --- state

  /** @param {ClientState} state @param {Problem | null} problem */
  #finish(state, problem) {
    if (this.#final) return;
    this.#final = state;
    this.problem = problem;
    this.handRaised = false;
    this.levels = {};
    this.#cursor = undefined;
    this.#stopMedia();
    this.#running?.abort();
    this.#running = null;
    this.#channel = null;
    this.#refresh();
  }

  #refresh() {
    const state = stateOf({
      final: this.#final,
      running: this.#running !== null,
      joinedOnce: this.#joinedOnce,
      open: this.#channel !== null,
      wanted: this.#wanted,
      heardOnce: this.#heardOnce,
      media: this.peer?.connected ?? false,
    });
    if (state === this.state) return;
    this.state = state;
    this.#emit("state", state);
  }

  /** @param {() => boolean} condition looked at whenever the state changes */
  #until(condition) {
    return new Promise((/** @type {(value?: any) => void} */ resolve) => {
      const look = () => {
        if (!condition()) return;
        this.removeEventListener("state", look);
        resolve();
      };
      this.addEventListener("state", look);
      look();
    });
  }

  /** @param {string} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** The server closes with 4000 + HTTP's status. @param {number} code @returns {Problem | null} */
function problemOf(code) {
  return code >= 4400 && code < 4600 ? { status: code - 4000, code: `closed_${code}` } : null;
}
