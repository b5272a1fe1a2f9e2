/** A guest link (`#guest=…`): it brings whoever opens it, once signed in, to the stage. */
import { toast } from "./dialogs.js";
import { errorText } from "./text.js";

/** What may be otherwise in a moment: the stage is full, or no server is there. Then the link stays in the address. */
const MAY_CHANGE = [0, 409, 429, 503];

/** @param {string} space @param {import("./app.js").Page} page @returns {Promise<boolean>} false: one is to sign in first */
export async function useGuestLink(space, { api, me, signIn }) {
  const token = new URLSearchParams(location.hash.slice(1)).get("guest");
  if (!token) return true;
  if (!me) {
    signIn(); // and comes back to this address
    return false;
  }
  try {
    await api.post(`/v1/spaces/${space}/guest-links/use`, { token });
  } catch (error) {
    const { problem } = /** @type {any} */ (error);
    if (!problem) throw error;
    toast(errorText(error));
    if (MAY_CHANGE.includes(problem.status)) return true;
  }
  history.replaceState(history.state, "", location.pathname + location.search);
  return true;
}
