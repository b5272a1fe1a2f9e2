/**
 * The SDK: one Space, live, in a browser. Nothing here touches the document; see docs/sdk.md.
 *
 *     const client = new SpaceClient({ space: "4fJ2k", token });
 *     client.on("state", () => show(client.state, client.problem));
 *     button.onclick = () => client.listen();
 */
import { ProblemError } from "./api.js";
import { RoomActs } from "./client_room.js";
import { FINAL } from "./client_state.js";
import { Talk } from "./client_talk.js";
import { Connection } from "./connection.js";
import { MicrophoneError, microphones, microphoneTrouble, openMicrophone, opensOther } from "./microphone.js";
import { unlockSound } from "./playback.js";

export { Api } from "./api.js";
export { MicrophoneError, microphones, microphoneTrouble, ProblemError };

/**
 * @typedef {import("./client_types.js").Problem} Problem
 * @typedef {import("./client_types.js").ClientState} ClientState
 * @typedef {import("./client_types.js").Role} Role
 * @typedef {import("./client_types.js").Account} Account
 * @typedef {import("./client_types.js").StageMember} StageMember
 * @typedef {import("./client_types.js").Hand} Hand
 * @typedef {import("./client_types.js").Invitation} Invitation
 * @typedef {import("./client_types.js").You} You
 * @typedef {import("./client_types.js").Policy} Policy
 * @typedef {import("./client_types.js").Space} Space
 * @typedef {import("./client_types.js").Token} Token
 * @typedef {import("./client_types.js").MicrophoneOptions} MicrophoneOptions
 * @typedef {import("./client_types.js").ClientEvents} ClientEvents
 */

/** Without packets for so long, in milliseconds, the path is taken for dead: they come every 20 to 60 ms while somebody else
 * speaks, and some even in silence. On stage nothing comes while nobody speaks. */
const [SILENCE_IN_SPEECH, SILENCE_MAX] = [1_000, 3_000];

/** One person's presence in one Space. Its events are `ClientEvents`. */
export class SpaceClient extends RoomActs {
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

  /** The chat, pinned links, captions and reactions. */
  talk = new Talk((message) => this.send(message), (type, detail) => this.#emit(/** @type {keyof ClientEvents} */ (type), detail));

  /** @type {Connection} */
  #connection;
  /** @type {MediaStreamTrack | null} */
  #microphone = null;
  /** @type {MicrophoneOptions} what was last wanted of the browser's processing */
  #processing = {};

  /**
   * @param {{space: string, url?: string, token?: Token, client?: string, volume?: number}} options
   *   `client` names this seat among those of the account; the same name elsewhere takes the seat over.
   */
  constructor({ space, url = location.origin, token = null, client = "default", volume = 1 }) {
    super();
    this.id = space;
    this.url = url.replace(/\/$/, "");
    /** @type {Token} may be changed; it counts from the next time one enters */
    this.token = token;
    this.client = client;
    this.#connection = new Connection(`${this.url.replace(/^http/, "ws")}/v1/spaces/${space}/socket`, {
      hello: () => this.#hello(),
      welcomed: (reply) => this.#welcomed(reply),
      received: (event) => this.#receive(event),
      lost: () => this.#setLevels({}),
      changed: () => this.#stateChanged(),
      silenceMax: () => this.#silenceMax(),
      emit: (type, detail) => this.#emit(/** @type {keyof ClientEvents} */ (type), detail),
    });
    this.volume = volume;
  }

  /** @returns {ClientState} */
  get state() {
    return this.#connection.state;
  }

  /** @returns {Problem | null} why it is denied or evicted */
  get problem() {
    return this.#connection.problem;
  }

  /** Whether this person may send sound now. */
  get onStage() {
    return this.you !== null && this.you.role !== "listener";
  }

  /** Whether this person is host or co-host. */
  get hosting() {
    return this.you?.role === "host" || this.you?.role === "cohost";
  }

  /** Whether this person's microphone is open (it may be muted). */
  get speaking() {
    return this.#microphone !== null;
  }

  /** @returns {MediaStreamTrack | null} the open microphone; LevelMeter of level_meter.js shows how loud it is */
  get microphone() {
    return this.#microphone;
  }

  get muted() {
    return this.you?.muted ?? false;
  }

  get volume() {
    return this.#connection.media.volume;
  }

  set volume(volume) {
    this.#connection.media.volume = volume;
  }

  /** True while the browser keeps silent until the person taps; then call `listen()` in that tap. */
  get blocked() {
    return this.#connection.media.blocked;
  }

  /** @returns {import("./peer.js").PeerSession | null} the media session that is heard; `peer.pc` is its RTCPeerConnection */
  get peer() {
    return this.#connection.media.current;
  }

  /** @returns {Map<string, MediaStreamTrack>} what is heard, by mid: `mix`, `slot0`… */
  get tracks() {
    return this.peer?.tracks ?? new Map();
  }

  /**
   * As addEventListener, with the value itself.
   *
   * @template {keyof ClientEvents} Name
   * @param {Name} type @param {(detail: ClientEvents[Name]) => void} handle
   * @returns {() => void} ends it
   */
  on(type, handle) {
    const listener = (/** @type {Event} */ event) => handle(/** @type {CustomEvent} */ (event).detail);
    this.addEventListener(type, listener);
    return () => this.removeEventListener(type, listener);
  }

  /**
   * Enters the Space, for its events; sound comes by `listen()`. Stays in until `close()` or a final state.
   *
   * @returns {Promise<void>} once inside; rejects with ProblemError when refused
   */
  async join() {
    const connection = this.#connection;
    if (connection.state === "idle" || FINAL.has(connection.state)) this.you = null;
    connection.open();
    await this.#until(() => connection.joinedOnce || FINAL.has(this.state));
    if (!connection.joinedOnce) throw new ProblemError(this.problem ?? { status: 0, code: this.state });
  }

  /**
   * Starts the sound, entering first if need be. Call it in the handler of a tap: browsers want one before sound.
   *
   * @returns {Promise<void>} once media flows; rejects with ProblemError when refused
   */
  async listen() {
    unlockSound();
    const { media } = this.#connection;
    media.unblock();
    if (!media.wanted || FINAL.has(this.state)) {
      media.want();
      await this.join(); // a new connection asks for media as soon as it is in
    }
    await this.#until(() => this.state === "listening" || !media.wanted || FINAL.has(this.state));
    const problem = FINAL.has(this.state) ? (this.problem ?? { status: 0, code: this.state }) : media.refusal;
    if (problem) throw new ProblemError(problem);
  }

  /** Ends the sound, both ways; events go on. */
  async leave() {
    this.#closeMicrophone();
    await this.#connection.leave();
  }

  /** Leaves for good. */
  close() {
    this.#connection.finish("closed", null);
  }

  /**
   * Opens the microphone, and unmutes. Needs a place on stage to be heard; may show the browser's prompt. With another
   * device or other processing than what is open, that takes its place, as muted as it was.
   *
   * @param {MicrophoneOptions} [options]
   * @throws {MicrophoneError} with a `code` to explain
   */
  async speak({ deviceId, ...processing } = {}) {
    const before = this.#microphone;
    this.#processing = { ...this.#processing, ...processing };
    const wanted = { ...this.#processing, ...(deviceId && { deviceId }) };
    if (!before || opensOther(before, wanted)) {
      const track = await openMicrophone(wanted);
      if (!this.onStage) return track.stop(); // brought down while the prompt was open
      await this.#takeMicrophone(track, before !== null && this.muted);
      this.#emit("microphone", true);
    }
    if (!before && this.muted) await this.mute(false);
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
      await this.send({ type: "mute", muted });
    } catch (error) {
      // Refused: as the server has it. Without a server, silent stays silent.
      if (!(muted && /** @type {ProblemError} */ (error).problem?.status === 0)) this.#setMuted(before);
      throw error;
    }
  }

  /** Asks to speak. */
  async raiseHand() {
    await this.send({ type: "hand.raise" });
    this.#setHand(true);
  }

  async lowerHand() {
    await this.send({ type: "hand.lower" });
    this.#setHand(false);
  }

  /** Somebody, or oneself, to the audience. @param {string} [account] */
  bringDown(account = this.you?.account?.id ?? "") {
    return super.bringDown(account);
  }

  /** @param {{type: string, [field: string]: unknown}} message @returns {Promise<any>} */
  send(message) {
    return this.#connection.request(message);
  }

  /** @returns {Promise<import("./peer.js").LinkStats | null>} null without media */
  async stats() {
    return this.peer ? this.peer.stats() : null;
  }

  /** @param {MediaStreamTrack} track @param {boolean} muted */
  async #takeMicrophone(track, muted) {
    const before = this.#microphone;
    track.addEventListener("ended", () => this.#microphone === track && this.#replaceMicrophone(track));
    track.enabled = !muted;
    this.#microphone = track;
    await this.#connection.media.setMicrophone(track);
    before?.stop();
  }

  /** Unplugged, or taken by another program: one that is left goes on in its place. @param {MediaStreamTrack} lost */
  async #replaceMicrophone(lost) {
    try {
      const track = await openMicrophone(this.#processing);
      if (this.#microphone !== lost) return track.stop(); // closed or changed meanwhile
      await this.#takeMicrophone(track, this.muted);
      this.#emit("device", track.label);
    } catch {
      if (this.#microphone === lost) this.#closeMicrophone();
    }
  }

  /** What to say at the door. */
  async #hello() {
    let token = this.token;
    try {
      if (typeof token === "function") token = await token();
    } catch (error) {
      throw new ProblemError({ status: 0, code: "no_token", detail: `${error}` });
    }
    // Whom nobody knows is known by the seat that he was given, should the Space come from another node meanwhile.
    const given = this.you && !this.you.account ? this.you.seat?.slice(2) : undefined;
    return { token: token ?? undefined, client: given ?? this.client };
  }

  #silenceMax() {
    const me = this.you?.account?.id;
    if (Object.keys(this.levels).some((account) => account !== me)) return SILENCE_IN_SPEECH;
    return !this.onStage && this.space?.state === "live" ? SILENCE_MAX : Infinity;
  }

  // --- what is told

  /** @param {any} reply to hello: the whole truth */
  #welcomed(reply) {
    const wasMuted = this.muted;
    this.space = reply.space;
    this.hands = reply.hands ?? [];
    this.invitations = reply.invitations ?? [];
    this.#setYou(reply.you);
    if (this.#microphone) {
      this.#microphone.enabled = !this.muted;
      // If the server was killed before it could store that: who muted himself stays silent all the same.
      if (wasMuted && !this.muted) this.mute(true).catch(() => {}); // without a server nobody hears him either
    }
    this.talk.welcomed(reply);
    this.#emit("space", this.space);
    this.#emit("hands", this.hands);
    this.#emit("invitations", this.invitations);
    if (reply.you.hand) this.#setHand(true);
    else if (this.handRaised && !this.onStage) this.send({ type: "hand.raise" }).catch(() => this.#setHand(false));
  }

  /** @param {any} event */
  #receive(event) {
    switch (event.type) {
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
        return this.#setLevels(event.levels);
      case "count":
        return this.space && this.#setSpace({ ...this.space, listeners: event.listeners });
      case "ended":
        // The Space itself has told, as a rule, whether it is over or called off.
        return this.space && ["scheduled", "live"].includes(this.space.state) && this.#setSpace({ ...this.space, state: "ended" });
      default:
        this.talk.receive(event);
    }
  }

  #stateChanged() {
    if (FINAL.has(this.state)) {
      this.handRaised = false;
      this.levels = {};
      this.#closeMicrophone();
    }
    this.#emit("state", this.state);
  }

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

  /** @param {Record<string, number>} levels */
  #setLevels(levels) {
    this.levels = levels;
    this.#emit("speaking", levels);
  }

  #closeMicrophone() {
    if (!this.#microphone) return;
    this.#microphone.stop();
    this.#microphone = null;
    this.#connection.media.setMicrophone(null);
    this.#emit("microphone", false);
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

  /** @param {keyof ClientEvents} type @param {unknown} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
