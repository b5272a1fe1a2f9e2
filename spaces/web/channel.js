import { ProblemError, unreachable } from "./api.js";

/** Closed with this, the server keeps the seat and its sound for a while. */
const COMES_BACK = 4100;
/** How long the server may take to answer, in milliseconds: after that the socket is taken for dead. */
const REPLY_WITHIN = 5_000;

/**
 * One WebSocket to one Space: numbered requests with their replies, and the server's events.
 *
 * It never reconnects: that is SpaceClient's business. `onevent` gets every message that is not a reply; `closed`
 * resolves with the close code once the socket is gone, for whatever reason.
 */
export class Channel {
  /** When the server was last heard, of performance.now(). */
  heardAt = performance.now();

  /** Whether it was given up because nothing at all was heard while it opened: no answer, and no refusal either. */
  unanswered = false;
  /** Whether it was given up here, for whatever reason. */
  abandoned = false;

  #next = 1;
  /** @type {Map<number, {resolve: (reply: any) => void, reject: (error: Error) => void, timer: any}>} */
  #waiting = new Map();
  /** @type {(code: number) => void} */
  #close = () => {};

  /**
   * @param {string} address ws: or wss: @param {(event: any) => void} onevent
   * @param {number} [openWithin] in milliseconds
   */
  constructor(address, onevent, openWithin = REPLY_WITHIN) {
    this.onevent = onevent;
    /** @type {Promise<number>} */
    this.closed = new Promise((resolve) => (this.#close = resolve));
    this.socket = new WebSocket(address);
    this.socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    this.socket.onclose = ({ code }) => this.#ended(code);
    const timer = setTimeout(() => {
      this.unanswered = true;
      this.abandon();
    }, openWithin);
    /** @type {Promise<void>} rejects with ProblemError when there is no server to be had */
    this.opened = new Promise((resolve, reject) => {
      this.socket.onopen = () => resolve();
      this.closed.then(() => reject(unreachable()));
    });
    this.opened.catch(() => {}).finally(() => clearTimeout(timer)); // whoever waits for it hears of it
  }

  get open() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /**
   * @param {{type: string, [field: string]: unknown}} message
   * @returns {Promise<any>} rejects with ProblemError when refused or when no answer comes
   */
  request(message) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (!this.open) return reject(unreachable());
      const timer = setTimeout(() => this.abandon(), REPLY_WITHIN);
      this.#waiting.set(id, { resolve, reject, timer });
      this.socket.send(JSON.stringify({ id, ...message }));
    });
  }

  close() {
    this.socket.close(1000);
    this.#ended(1000);
  }

  /** Gives it up without a word: a TCP connection over a lost network can look open for minutes. */
  abandon() {
    this.abandoned = true;
    this.socket.close(COMES_BACK);
    this.#ended(1006);
  }

  /** @param {any} message */
  #receive(message) {
    this.heardAt = performance.now();
    if (message.re === undefined) return this.onevent(message);
    const waiting = this.#waiting.get(message.re);
    if (!waiting) return;
    this.#waiting.delete(message.re);
    clearTimeout(waiting.timer);
    if (message.type === "ok") waiting.resolve(message);
    else waiting.reject(new ProblemError(message.problem));
  }

  /** @param {number} code */
  #ended(code) {
    this.onevent = () => {};
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(unreachable());
    }
    this.#waiting.clear();
    this.#close(code);
  }
}
