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
 * @property {string} [url]
 *
 * @typedef {object} Problem
 * @property {number} status HTTP's; 0 when no answer came at all.
 * @property {string} code Stable and machine-readable.
 * @property {string} [detail]
 * @property {Offer[]} [offers]
 * @property {import("./tickets.js").TicketWay} [ticket] Tickets that would let one in.
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
