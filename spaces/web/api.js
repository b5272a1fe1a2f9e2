import { ProblemError, unreachable } from "./problem.js";

/**
 * REST under /v1, with the account's token; on the server's own pages a session's cookie does as well. Every failure is a
 * ProblemError.
 */
export class Api {
  /** @type {Map<string, string>} keys of writes that nobody has answered, by what was asked: see `post` */
  #unanswered = new Map();

  /** @param {{url?: string, token?: string | null}} [options] */
  constructor({ url = location.origin, token = null } = {}) {
    this.url = url.replace(/\/$/, "");
    this.token = token;
  }

  /** @param {string} path @returns {Promise<any>} */
  get(path) {
    return this.request("GET", path);
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
   * @param {string} method @param {string} path Absolute, or from the server's root. @param {object} [body]
   * @param {Record<string, string>} [more] headers
   */
  async request(method, path, body, more = {}) {
    const address = new URL(path, `${this.url}/`);
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...more };
    // A checkout may live at a payment provider's: our token is not theirs to see.
    if (this.token && address.origin === new URL(this.url).origin) headers.Authorization = `Bearer ${this.token}`;
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(address, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    } catch {
      throw unreachable();
    }
    if (response.ok) {
      if (response.status === 204) return null;
      return response.headers.get("Content-Type")?.includes("json") ? response.json() : response.text();
    }
    throw new ProblemError(await readProblem(response));
  }
}

/** Not randomUUID: that is for secure pages only. */
const randomKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** @param {Response} response @returns {Promise<import("./problem.js").Problem>} */
async function readProblem(response) {
  const fallback = { status: response.status, code: `http_${response.status}`, detail: response.statusText };
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  try {
    return { ...fallback, retry_after: retryAfter, ...(await response.json()) };
  } catch {
    return { ...fallback, retry_after: retryAfter }; // not JSON: a proxy in between answered
  }
}
