/** Longest wait between two attempts, in milliseconds: after a restart of the server people hear again within 5 s, the second
 * or two included that a new connection takes. */
const LONGEST = 3_000;

/**
 * How long to wait before attempt number `attempt` (0 is the first *re*try).
 *
 * Doubles from half a second, with jitter: when a server restarts, thousands of pages must not come back in one instant.
 *
 * @param {number} attempt
 * @param {number} [random] 0 to 1
 * @returns {number} milliseconds
 */
export function backoff(attempt, random = Math.random()) {
  return Math.min(LONGEST, 500 * 2 ** attempt) * (0.4 + 0.6 * random);
}

/**
 * A wait that the return of the network cuts short.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} signal Ends the wait too.
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
