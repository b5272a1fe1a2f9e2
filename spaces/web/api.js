/**
 * What the server refuses with: an RFC 9457 problem document.
 *
 * @typedef {object} Offer What would let the person in.
 * @property {"tier"} kind
 * @property {string} tier
 * @property {string} name
 * @property {string} creator The creator's handle.
 * @property {number} amount_minor
 * @property {string} currency ISO 4217
 * @property {string} interval
 * @property {string[]} [benefits] All that the tier gives.
 * @property {string} [url]
 *
 * @typedef {object} Problem
 * @property {number} status HTTP's; 0 when no answer came at all.
 * @property {string} code Stable and machine-readable.
 * @property {string} [detail]
 * @property {Offer[]} [offers]
 * @property {import("./tickets.js").TicketWay} [ticket] Tickets that would let one in.
 * @property {{id: string, name: string, step: string, rules_version: number}[]} [communities] Whose members would be let in.
 * @property {string} [field] What a 422 is about.
 * @property {number} [retry_after] Seconds.
 */

/** A refusal, or no answer at all (`code` is then `unreachable`). */
export class ProblemError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(`${problem.status} ${problem.code}${problem.detail ? `: ${problem.detail}` : ""}`);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** @returns {ProblemError} The network or the server did not answer. */
export const unreachable = () => new ProblemError({ status: 0, code: "unreachable" });

/**
 * REST under /v1, with the account's token; on the server's own pages a session's cookie does as well. Every failure is a
 * ProblemError.
 */
export class Api {
  /** @type {Map<string, string>} keys of writes that nobody has answered, by what was asked: see `post` */
  #unanswered = new Map();
  /** @type {Map<string, {token: string | null, answer: Promise<any>}>} */
  #asked = new Map();

  /** @param {{url?: string, token?: string | null}} [options] */
  constructor({ url = location.origin, token = null } = {}) {
    this.url = url.replace(/\/$/, "");
    this.token = token;
  }

  /** @param {string} path @returns {Promise<any>} */
  get(path) {
    const asked = this.#asked.get(path);
    this.#asked.delete(path);
    return asked && asked.token === this.token ? asked.answer : this.request("GET", path);
  }

  /** Asks already for what is to be got in a moment: the next `get` of it has that answer, for whom it was asked. @param {string} path */
  ask(path) {
    const answer = this.request("GET", path);
    answer.catch(() => {}); // whoever gets it hears of it
    this.#asked.set(path, { token: this.token, answer });
  }

  /**
   * What got no answer and is asked again goes with the same Idempotency-Key: nobody pays twice because a network broke.
   *
   * @param {string} path @param {object} [body] @returns {Promise<any>}
   */
  async post(path, body = {}) {
    const asked = `${path} ${JSON.stringify(body)}`;
    const key = this.#unanswered.get(asked) ?? randomKey();
    this.#unanswered.set(asked, key);
    try {
      const answer = await this.request("POST", path, body, { "Idempotency-Key": key });
      this.#unanswered.delete(asked);
      return answer;
    } catch (error) {
      if (/** @type {any} */ (error).problem?.status !== 0) this.#unanswered.delete(asked);
      throw error;
    }
  }

  /** @param {string} path @param {object} body @returns {Promise<any>} */
  put(path, body) {
    return this.request("PUT", path, body);
  }

  /** @param {string} path @param {object} body @returns {Promise<any>} */
  patch(path, body) {
    return this.request("PATCH", path, body);
  }

  /** @param {string} path @returns {Promise<any>} */
  delete(path) {
    return this.request("DELETE", path);
  }

  /**
   * @param {string} method @param {string} path Absolute, or from the server's root. @param {object} [body] JSON, or a file
   * @param {Record<string, string>} [more] headers
   */
  async request(method, path, body, more = {}) {
    const address = new URL(path, `${this.url}/`);
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...more };
    // A checkout may live at a payment provider's: our token is not theirs to see.
    if (this.token && address.origin === new URL(this.url).origin) headers.Authorization = `Bearer ${this.token}`;
    const file = body instanceof Blob;
    if (body) headers["Content-Type"] = file ? body.type : "application/json";
    let response;
    try {
      response = await fetch(address, { method, headers, body: file ? body : body && JSON.stringify(body), cache: "no-store" });
    } catch {
      throw unreachable();
    }
    if (response.ok) {
      if (response.status === 204) return null;
      const type = response.headers.get("Content-Type") ?? "";
      if (type.startsWith("audio/")) return response.blob();
      return type.includes("json") ? response.json() : response.text();
    }
    throw new ProblemError(await readProblem(response));
  }
}

/** Not randomUUID: that is for secure pages only. */
const randomKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** @param {Response} response @returns {Promise<Problem>} */
async function readProblem(response) {
  const fallback = { status: response.status, code: `http_${response.status}`, detail: response.statusText };
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  try {
    return { ...fallback, retry_after: retryAfter, ...(await response.json()) };
  } catch {
    return { ...fallback, retry_after: retryAfter }; // not JSON: a proxy in between answered
  }
}
