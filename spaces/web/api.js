import { ProblemError, unreachable } from "./problem.js";

/** REST under /v1, with the account's token. Every failure is a ProblemError. */
export class Api {
  /** @param {{url?: string, token?: string | null}} [options] */
  constructor({ url = location.origin, token = null } = {}) {
    this.url = url.replace(/\/$/, "");
    this.token = token;
  }

  /** @param {string} path @returns {Promise<any>} */
  get(path) {
    return this.request("GET", path);
  }

  /** @param {string} path @param {object} [body] @returns {Promise<any>} */
  post(path, body = {}) {
    return this.request("POST", path, body);
  }

  /** @param {string} path @returns {Promise<any>} */
  delete(path) {
    return this.request("DELETE", path);
  }

  /** @param {string} method @param {string} path Absolute, or from the server's root. @param {object} [body] */
  async request(method, path, body) {
    const address = new URL(path, `${this.url}/`);
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    // A checkout may live at a payment provider's: our token is not theirs to see.
    if (this.token && address.origin === new URL(this.url).origin) headers.Authorization = `Bearer ${this.token}`;
    if (body) headers["Content-Type"] = "application/json";
    let response;
    try {
      response = await fetch(address, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
    } catch {
      throw unreachable();
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    throw new ProblemError(await readProblem(response));
  }
}

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
