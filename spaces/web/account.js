/**
 * Who is signed in here: an account token, kept for this tab only (sessionStorage), as it came in a personal link.
 */
const TOKEN = "spaces.token";
const SEAT = "spaces.seat";

/** Moves a token from the address (`#token=…`) into the tab's storage, so that it is not bookmarked or shared. */
export function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return false;
  setToken(token);
  history.replaceState(history.state, "", location.pathname + location.search);
  return true;
}

/** @returns {string | null} */
export const token = () => sessionStorage.getItem(TOKEN);

/** @param {string | null} value */
export function setToken(value) {
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.removeItem(TOKEN);
}

/** A name for this tab among the account's seats: a reload takes its own seat over, another tab has another. */
export function seatName() {
  let name = sessionStorage.getItem(SEAT);
  if (!name) {
    name = `web-${[...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    sessionStorage.setItem(SEAT, name);
  }
  return name;
}
