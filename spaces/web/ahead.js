/** Asks for what the page at this address shows first, while most of the page's modules are still under way. */
import { hasSession, mayBeGuest, takeTokenFromAddress, token } from "./account.js";
import { Api } from "./api.js";

takeTokenFromAddress();
export const api = new Api({ token: token() });

const space = /^\/s\/([a-zA-Z0-9]{1,13})$/.exec(location.pathname)?.[1];
if (api.token || hasSession()) api.ask("/v1/me");
if (space && !mayBeGuest(space)) api.ask(`/v1/spaces/${space}`); // a guest may first have to give a name
