/** Around the talk, as the server tells it: the chat, pinned links, captions, and reactions. Part of the SDK. */

/**
 * @typedef {import("./client.js").Account} Account
 * @typedef {{id: string, account: Account, at: string, text: string}} ChatLine
 * @typedef {{url: string, title: string}} Pin
 * @typedef {{account: string, text: string, final: boolean, source: "speaker" | "server", earlier?: boolean}} Caption
 */

/** The names of the reactions that there are. */
export const REACTIONS = /** @type {const} */ (["heart", "clap", "laugh", "fire", "wow", "sad", "hundred", "wave"]);

/** Lines that are kept; the server has those before. */
const LINES_MAX = 200;

/**
 * Emits on its client: `chat` (ChatLine[]), `pins` (Pin[]), `reactions` (how often each was tapped since the last of these
 * events), `caption` (Caption).
 */
export class Talk {
  /** @type {ChatLine[]} the last ones, the oldest first */
  lines = [];
  /** @type {Pin[]} */
  pins = [];
  /** Whether captions were asked for. */
  captions = false;

  /**
   * @param {(message: {type: string, [field: string]: unknown}) => Promise<any>} request
   * @param {(type: string, detail: unknown) => void} emit
   */
  constructor(request, emit) {
    this.request = request;
    this.emit = emit;
  }

  /** @param {any} reply to hello: the whole truth */
  welcomed({ chat = [], pins = [] }) {
    this.lines = chat;
    this.#setPins(pins);
    this.emit("chat", this.lines);
    if (this.captions) this.request({ type: "captions", on: true }).catch(() => {}); // asked for again after the next welcome
  }

  /** @param {any} event */
  receive(event) {
    switch (event.type) {
      case "chat":
        return this.#setLines([...this.lines.filter(({ id }) => id !== event.line.id), event.line].slice(-LINES_MAX));
      case "chat.deleted":
        return this.#setLines(this.lines.filter(({ id }) => id !== event.line));
      case "chat.cleared":
        return this.#setLines(this.lines.filter(({ account }) => account.id !== event.account));
      case "pins":
        return this.#setPins(event.pins);
      case "reactions":
        return this.emit("reactions", event.counts);
      case "caption":
        return this.emit("caption", event);
    }
  }

  /** @param {typeof REACTIONS[number]} reaction */
  react(reaction) {
    return this.request({ type: "react", reaction });
  }

  /** @param {string} text */
  write(text) {
    return this.request({ type: "chat.write", text });
  }

  /** One's own line, or as a host anybody's. @param {string} line */
  erase(line) {
    return this.request({ type: "chat.delete", line });
  }

  /** All that somebody has written here. @param {string} account */
  eraseAll(account) {
    return this.request({ type: "chat.clear", account });
  }

  /** Hosts: one more link, or another title or place for one that is there. @param {string} url @param {{title?: string, place?: number}} [about] */
  pin(url, about = {}) {
    return this.request({ type: "pin.add", url, ...about });
  }

  /** @param {string} url */
  unpin(url) {
    return this.request({ type: "pin.remove", url });
  }

  /** From now on, also after a reconnection. @param {boolean} on */
  async wantCaptions(on) {
    this.captions = on;
    await this.request({ type: "captions", on });
  }

  /** On stage: what one is saying, in words: so far, or finished. @param {string} text @param {boolean} final */
  caption(text, final) {
    return this.request({ type: "caption", text, final });
  }

  /** @param {ChatLine[]} lines */
  #setLines(lines) {
    this.lines = lines;
    this.emit("chat", lines);
  }

  /** @param {Pin[]} pins */
  #setPins(pins) {
    this.pins = pins;
    this.emit("pins", pins);
  }
}
