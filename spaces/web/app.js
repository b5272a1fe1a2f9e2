/** The page: who is here, which view belongs to the address, and the frame around it. */
import { setToken, takeTokenFromAddress, token } from "./account.js";
import { Api } from "./api.js";
import { ask, askForToken, toast } from "./dialogs.js";
import { h, icon, listen, show } from "./dom.js";
import { creatorPage } from "./page_creator.js";
import { frontPage, notFoundView } from "./page_front.js";
import { giftPage } from "./page_gift.js";
import { payPage } from "./page_pay.js";
import { spacePage } from "./page_space.js";
import { button, plainView } from "./parts.js";
import { errorText, t } from "./text.js";

/**
 * What a page is given.
 *
 * @typedef {object} Page
 * @property {HTMLElement} main
 * @property {Api} api
 * @property {Me | null} me
 * @property {() => Promise<void>} signIn
 * @property {(milliseconds: number, load: () => Promise<unknown>) => Promise<void>} repeat
 *   Loads now and again later while the page can be seen; the first failure, and any that is not the network's, is shown.
 *
 * @typedef {import("./client.js").Account & {creator: string | null}} Me with the handle as a creator
 */

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const bar = /** @type {HTMLElement} */ (document.querySelector("header"));
const api = new Api({ token: token() });
/** How long until a server that did not answer is asked again, in milliseconds. */
const RETRY_EVERY = 4_000;

/** @type {[RegExp, (page: Page, ...parts: string[]) => Promise<void>][]} */
const ROUTES = [
  [/^\/$/, frontPage],
  [/^\/@([\w.-]+)$/, creatorPage],
  [/^\/s\/([a-zA-Z0-9]{1,13})$/, spacePage],
  [/^\/pay\/[^/]+$/, payPage],
  [/^\/gift$/, giftPage],
];

/** @returns {Promise<Me | null>} A token that does not work any more is dropped, and said so. */
async function whoAmI() {
  if (!api.token) return null;
  try {
    const { account, creator } = await api.get("/v1/me");
    return { ...account, creator };
  } catch (error) {
    if (/** @type {any} */ (error).problem?.status === 401) {
      setToken(null);
      api.token = null;
      toast(t("account.expired"));
    }
    return null; // else the page itself will say what is wrong
  }
}

async function signIn() {
  const typed = await askForToken();
  if (!typed) return;
  try {
    await new Api({ token: typed }).get("/v1/me");
  } catch (error) {
    return toast(/** @type {any} */ (error).problem?.status === 401 ? t("account.bad_token") : errorText(error));
  }
  setToken(typed);
  location.reload();
}

/** @param {Me} me */
async function accountSheet(me) {
  const answer = await ask(t("account.signed_in_as", { name: me.name }), [
    me.creator !== null && h("a.button", { href: `/@${me.creator}` }, `@${me.creator}`),
    h("div.row", {}, button("cancel", t("app.close")), button("sign-out", t("account.sign_out"))),
  ]);
  if (answer?.action !== "sign-out") return;
  setToken(null);
  location.reload();
}

/** @param {Me | null} me */
function drawBar(me) {
  show(
    bar,
    h("a.brand", { href: "/", "aria-label": t("app.home") }, icon("listen"), h("span", {}, t("app.name"))),
    me
      ? button("account", me.name, { kind: "plain-button account", "aria-haspopup": "dialog" })
      : button("sign-in", t("account.sign_in"), { kind: "plain-button", "aria-haspopup": "dialog" }),
  );
}

/** @param {number} milliseconds @param {() => Promise<unknown>} load */
async function repeat(milliseconds, load) {
  await load();
  const again = async () => {
    try {
      if (document.visibilityState === "visible") await load();
    } catch (error) {
      if (/** @type {any} */ (error).problem?.status !== 0) return showError(error);
    }
    setTimeout(again, milliseconds);
  };
  setTimeout(again, milliseconds);
}

/** @param {unknown} error */
function showError(error) {
  const problem = /** @type {any} */ (error).problem;
  if (problem?.status === 404) return show(main, notFoundView());
  if (!problem) console.error(error);
  const title = t(problem?.status === 0 ? "error.unreachable" : "error.other");
  const text = problem?.status === 0 ? t("error.unreachable_text") : errorText(error);
  show(main, plainView({ title, text }, button("again", t("app.again"))));
}

/** The server is away, and it also serves this page: reloading now would lose it. */
async function reloadWhenBack() {
  try {
    await fetch("/healthz", { cache: "no-store" });
    location.reload();
  } catch {
    setTimeout(reloadWhenBack, RETRY_EVERY);
  }
}

async function open() {
  const me = await whoAmI();
  drawBar(me);
  listen(bar, { "sign-in": signIn, account: () => me && accountSheet(me) });
  listen(main, { again: () => location.reload(), "sign-in": signIn });
  for (const [pattern, page] of ROUTES) {
    const match = pattern.exec(location.pathname);
    if (!match) continue;
    try {
      return await page({ main, api, me, signIn, repeat }, ...match.slice(1));
    } catch (error) {
      if (/** @type {any} */ (error).problem?.status === 0) setTimeout(reloadWhenBack, RETRY_EVERY);
      return showError(error);
    }
  }
  show(main, notFoundView());
}

takeTokenFromAddress();
api.token = token();
addEventListener("hashchange", () => takeTokenFromAddress() && location.reload());
document.querySelector(".skip")?.replaceChildren(t("app.skip"));
open();
