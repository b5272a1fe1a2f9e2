/** From an offer to the place where one pays, and back. */
const CHECKOUT = "spaces.checkout";
const ENTER = "spaces.enter";

/**
 * @typedef {object} Checkout What the pay page shows, kept in the tab.
 * @property {string} name
 * @property {string} creator
 * @property {number} amount_minor
 * @property {string} currency
 * @property {string} interval
 * @property {string} back Where the person came from.
 */

/**
 * Subscribes, and goes to where one pays.
 *
 * @param {import("./api.js").Api} api
 * @param {{creator: string, tier: string}} choice
 * @param {Omit<Checkout, "back">} what
 * @param {{enter?: string}} [options] the Space to enter at once when back
 */
export async function goToCheckout(api, { creator, tier }, what, { enter } = {}) {
  const { checkout_url: address } = await api.post(`/v1/creators/${creator}/subscriptions`, { tier });
  sessionStorage.setItem(CHECKOUT, JSON.stringify({ ...what, back: location.pathname }));
  if (enter) sessionStorage.setItem(ENTER, enter);
  location.assign(address);
}

/** @returns {Checkout | null} */
export const currentCheckout = () => JSON.parse(sessionStorage.getItem(CHECKOUT) ?? "null");

/** Whether the person just paid in order to enter this Space; true once. @param {string} space */
export function takeEntry(space) {
  const enter = sessionStorage.getItem(ENTER) === space;
  if (enter) sessionStorage.removeItem(ENTER);
  return enter;
}

/** The payment did not happen: do not enter by itself. */
export const forgetEntry = () => sessionStorage.removeItem(ENTER);
