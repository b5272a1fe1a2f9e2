/**
 * Who is signed in here. By a session cookie, which no script can read: only that there is one is noted. Or by an account
 * token from a personal link, kept for this tab alone (sessionStorage); it goes before a session.
 */
const TOKEN = "spaces.token";
const SEAT = "spaces.seat";
const SESSION = "spaces.signed_in";
const AFTER = "spaces.after_sign_in";

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

/** Whether this browser has signed in and not out: strangers need not be asked who they are. */
export const hasSession = () => localStorage.getItem(SESSION) !== null;

/** @param {boolean} signedIn */
export function noteSession(signedIn) {
  if (signedIn) localStorage.setItem(SESSION, "yes");
  else localStorage.removeItem(SESSION);
}

/** Leaves for the page that signs in, and remembers the way back. */
export function goToSignIn() {
  // Not the tab's: the link in the mail may open another. What follows # is a gift's code.
  localStorage.setItem(AFTER, location.pathname + location.search + location.hash);
  location.assign("/sign-in");
}

/** Where whoever has signed in came from. */
export function takeWayBack() {
  const way = localStorage.getItem(AFTER) ?? "/";
  localStorage.removeItem(AFTER);
  return way;
}

/** Ends it, whichever it is, and starts over. @param {import("./api.js").Api} api */
export async function signOut(api) {
  if (api.token) setToken(null);
  else {
    await api.post("/v1/sign-out");
    noteSession(false);
  }
  location.assign("/");
}

/** Where a guest's pass for this Space is kept. @param {string} space */
export const passKey = (space) => `spaces.guest.${space}`;

/** Whether one comes by a guest link, or has come by one before. @param {string} space */
export const mayBeGuest = (space) => location.hash.includes("guest=") || localStorage.getItem(passKey(space)) !== null;

/** A name for this tab among the account's seats: a reload takes its own seat over, another tab has another. */
export function seatName() {
  let name = sessionStorage.getItem(SEAT);
  if (!name) {
    name = `web-${[...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    sessionStorage.setItem(SEAT, name);
  }
  return name;
}
