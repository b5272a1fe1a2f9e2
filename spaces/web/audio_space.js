/**
 * `<audio-space>`: one Space in any page, with one line of HTML; see docs/sdk.md.
 *
 *     <script type="module" src="https://spaces.example/web/audio_space.js"></script><audio-space space="4fJ2k"></audio-space>
 *
 * It lives in the page itself, not in a frame, and needs no cookie and no storage: who listens is said by a token, if at all.
 */
import { Api } from "./api.js";
import { embedSheet } from "./audio_space_style.js";
import { embedView } from "./audio_space_view.js";
import { MicrophoneError, ProblemError, SpaceClient } from "./client.js";
import { FINAL } from "./client_state.js";
import { listen, show } from "./dom.js";
import { openMicrophone } from "./microphone.js";
import { drawLevels } from "./rings.js";

/** @typedef {import("./client_types.js").Space} Space @typedef {import("./client_types.js").Problem} Problem */

/** How often a Space that one is not in is looked at, in milliseconds. */
const LOOK_EVERY = 15_000;
const LANGUAGES = ["en", "fr"];
/** What may change the view. */
const DRAWN = /** @type {const} */ (["space", "you", "hand", "invitation", "muted", "microphone", "device", "blocked"]);

/**
 * Attributes: `space` (its id), `server` (default: where this module came from), `token`, `lang` (default: the page's, of
 * en and fr). It sets `state` (of the client) and `sound-after` (milliseconds from the tap to the first sound), for style
 * sheets and tests. Events: `state` and `sound`, as the client's; all others are told by `client`.
 */
export class AudioSpace extends HTMLElement {
  static observedAttributes = ["space", "server", "token", "lang"];

  /** @type {SpaceClient | null} the SDK at work; another one when `space` or `server` change */
  client = null;

  /** @type {import("./client_types.js").Token} */
  #token = null;
  /** @type {Space | null} as it was looked at from outside */
  #space = null;
  /** @type {Problem | null} why it could not be looked at */
  #problem = null;
  /** What to say about the last thing that was tried, as a key of messages. */
  #notice = "";
  /** To speak: from the tap until one is on stage. */
  #asking = false;
  /** @type {Record<string, string>} */
  #messages = {};
  /** @type {AbortController | null} of what is shown now */
  #life = null;
  #restarting = false;
  #root = document.createElement("div");

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [embedSheet()];
    shadow.append(this.#root);
    listen(this.#root, this.#actions());
  }

  /** Who listens: an account token, or what fetches one. Goes before the attribute. */
  get token() {
    return this.#token ?? this.getAttribute("token");
  }

  set token(token) {
    this.#token = token;
    this.#restart();
  }

  get server() {
    return this.getAttribute("server") ?? new URL(import.meta.url).origin;
  }

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#end();
  }

  attributeChangedCallback() {
    this.#restart();
  }

  /** As the button. Call it in a tap. */
  async listen() {
    await this.#try(() => this.client?.listen());
  }

  leave() {
    this.#asking = false;
    return this.client?.leave();
  }

  /** Once for all that is changed in one go. */
  #restart() {
    if (this.#restarting || !this.isConnected) return;
    this.#restarting = true;
    queueMicrotask(() => {
      this.#restarting = false;
      if (this.isConnected) this.#begin();
    });
  }

  async #begin() {
    this.#end();
    const space = this.getAttribute("space");
    if (!space) return;
    const { signal } = (this.#life = new AbortController());
    const client = new SpaceClient({
      space,
      url: this.server,
      token: () => this.#currentToken(),
      client: `embed-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`,
    });
    this.client = client;
    client.on("state", (state) => this.client === client && this.#stateChanged(client, state));
    client.on("sound", (detail) => {
      this.setAttribute("sound-after", String(Math.round(detail.after)));
      this.#tell("sound", detail);
    });
    client.on("speaking", (levels) => drawLevels(this.#root, levels)); // too often for a whole view
    DRAWN.forEach((type) => client.on(type, () => this.#draw()));
    client.on("you", () => {
      if (!client.onStage || !this.#asking) return;
      this.#asking = false;
      this.#try(() => client.speak()); // who asked is ready to be heard
    });
    addEventListener("pagehide", () => client.close(), { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && this.#restart(), { signal }); // came back by "back"
    await this.#fetchWords().catch(() => {}); // without them it shows their keys
    while (!signal.aborted) {
      if (document.visibilityState === "visible" && (client.state === "idle" || FINAL.has(client.state))) await this.#look(signal);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  }

  #end() {
    const { client } = this;
    this.#life?.abort();
    this.client = this.#life = this.#space = this.#problem = null;
    client?.close();
    this.#notice = "";
    this.#asking = false;
    this.removeAttribute("state");
    this.removeAttribute("sound-after");
    show(this.#root);
  }

  /** From outside, as anybody with this token sees it. @param {AbortSignal} signal */
  async #look(signal) {
    try {
      const api = new Api({ url: this.server, token: await this.#currentToken() });
      const space = await api.get(`/v1/spaces/${encodeURIComponent(String(this.getAttribute("space")))}`);
      if (signal.aborted) return;
      this.#space = space;
      this.#problem = null;
    } catch (error) {
      if (signal.aborted) return;
      this.#problem = error instanceof ProblemError ? error.problem : { status: 0, code: "no_token" };
    }
    this.#draw();
  }

  async #currentToken() {
    const { token } = this;
    return typeof token === "function" ? await token() : token;
  }

  async #fetchWords() {
    const wanted = (/** @type {HTMLElement | null} */ (this.closest("[lang]"))?.lang ?? "").split("-")[0];
    const language = LANGUAGES.includes(wanted) ? wanted : "en";
    this.#messages = (await import(`./messages_embed_${language}.js`)).messages;
    this.#root.lang = language;
  }

  /** @param {SpaceClient} client @param {import("./client_types.js").ClientState} state */
  #stateChanged(client, state) {
    this.setAttribute("state", state);
    if (state === "listening") this.#notice = "";
    else if (state !== "reconnecting") this.removeAttribute("sound-after");
    if (FINAL.has(state)) this.#space = client.space ?? this.#space;
    this.#tell("state", state);
    this.#draw();
    if (FINAL.has(state) && this.#life) this.#look(this.#life.signal);
  }

  #draw() {
    const { client } = this;
    if (!client || !this.#life) return;
    const view = embedView({
      t: (key, values = {}) => (this.#messages[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")),
      space: client.space && !FINAL.has(client.state) ? client.space : this.#space,
      client,
      problem: this.#problem,
      notice: this.#notice,
      asking: this.#asking,
      page: `${this.server}/s/${this.getAttribute("space")}`,
      language: this.#root.lang,
    });
    const focused = this.shadowRoot?.activeElement;
    show(this.#root, view);
    drawLevels(this.#root, client.levels);
    if (!focused || this.shadowRoot?.activeElement) return;
    const next = this.#root.querySelector(".controls button"); // the keyboard stays at the controls
    /** @type {HTMLElement | null} */ (next)?.focus({ preventScroll: true });
  }

  #actions() {
    return {
      listen: () => this.listen(),
      leave: () => this.#try(() => this.leave()),
      again: () => this.#life && this.#look(this.#life.signal),
      ask: () => this.#try(() => this.#ask()),
      withdraw: () => this.#try(() => {
        this.#asking = false;
        return this.client?.lowerHand();
      }),
      microphone: () => this.#try(() => this.client?.speak()),
      mute: () => this.#try(() => this.client?.mute(!this.client.muted)),
      "step-down": () => this.#try(() => this.client?.bringDown()),
      "invitation-accept": () => this.#try(() => this.client?.acceptInvitation()),
      "invitation-decline": () => this.#try(() => this.client?.declineInvitation()),
      volume: (/** @type {HTMLElement} */ control) => {
        if (this.client) this.client.volume = Number(/** @type {HTMLInputElement} */ (control).value);
      },
    };
  }

  /** Whoever is accepted should not have to look for a prompt then: the browser asks first. */
  async #ask() {
    (await openMicrophone()).stop();
    this.#asking = true;
    await this.client?.raiseHand();
  }

  /** A refusal is said. @param {() => unknown} act */
  async #try(act) {
    this.#notice = "";
    try {
      await act();
    } catch (error) {
      if (error instanceof MicrophoneError) this.#notice = `embed.microphone.${error.code}`;
      else if (!(error instanceof ProblemError)) throw error;
      else if (!FINAL.has(this.client?.state ?? "")) this.#notice = error.problem.code === "not_live" ? "embed.not_live" : "embed.refused";
    }
    this.#draw();
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

customElements.define("audio-space", AudioSpace);
