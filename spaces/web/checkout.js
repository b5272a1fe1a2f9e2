/** To the place where one pays, and back. */
const BACK = "spaces.checkout_back";
const ENTER = "spaces.enter";

/**
 * @param {string} address where one pays, at this server or a payment provider's
 * @param {{enter?: string, back?: string}} [options] the Space to enter at once when back, and where that is if not here
 */
export function goToPay(address, { enter, back = location.pathname } = {}) {
  sessionStorage.setItem(BACK, back);
  if (enter) sessionStorage.setItem(ENTER, enter);
  location.assign(address);
}

/** Where the person came from, in this tab. @returns {string | null} */
export const wayBack = () => sessionStorage.getItem(BACK);

/** Whether the person just paid in order to enter this Space; true once. @param {string} space */
export function takeEntry(space) {
  const enter = sessionStorage.getItem(ENTER) === space;
  if (enter) sessionStorage.removeItem(ENTER);
  return enter;
}

/** The payment did not happen: do not enter by itself. */
export const forgetEntry = () => sessionStorage.removeItem(ENTER);
