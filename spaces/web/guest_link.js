/**
 * A guest link (`#guest=…`): it brings one person to the stage. Who is signed in comes by that account; others give a name
 * and get a pass, which is kept in this browser and opens this one Space.
 */
import { passKey } from "./account.js";
import { toast } from "./dialogs.js";
import { errorText, texts, withTexts } from "./text.js";

/** What may be otherwise in a moment: the stage is full, or no server is there. Then the link stays in the address. */
const MAY_CHANGE = [0, 409, 429, 503];

/**
 * @param {string} space @param {import("./app.js").Page} page
 * @returns {Promise<string | null>} the guest's pass; null: comes by an account, or as anybody
 */
export async function useGuestLink(space, page) {
  const token = new URLSearchParams(location.hash.slice(1)).get("guest");
  if (token && page.me) await useWithAccount(space, token, page.api);
  if (page.me) return null;
  const pass = keptPass(space);
  if (pass || !token) return pass;
  const { guestDoor } = await withTexts("hosting pages", import("./guest_door.js"));
  const made = await guestDoor(space, token, page);
  leaveAddress();
  if (made) localStorage.setItem(passKey(space), JSON.stringify({ token: made.token, expires_at: made.expires_at }));
  return made?.token ?? null;
}

/** It opens nothing any more. @param {string} space */
export const dropPass = (space) => localStorage.removeItem(passKey(space));

/** @param {string} space @returns {string | null} */
function keptPass(space) {
  const { token, expires_at: end } = JSON.parse(localStorage.getItem(passKey(space)) ?? "{}");
  if (token && Date.parse(end) > Date.now()) return token;
  dropPass(space);
  return null;
}

/** @param {string} space @param {string} token @param {import("./api.js").Api} api */
async function useWithAccount(space, token, api) {
  try {
    await api.post(`/v1/spaces/${space}/guest-links/use`, { token });
  } catch (error) {
    const { problem } = /** @type {any} */ (error);
    if (!problem) throw error;
    await texts("hosting");
    toast(errorText(error));
    if (MAY_CHANGE.includes(problem.status)) return;
  }
  leaveAddress();
}

const leaveAddress = () => history.replaceState(history.state, "", location.pathname + location.search);
