/** The page: who is here, which view belongs to the address, and the frame around it. */
import { goToSignIn, hasSession, noteSession, setToken, takeTokenFromAddress, token } from "./account.js";
import { Api } from "./api.js";
import { toast } from "./dialogs.js";
import { h, icon, listen, show } from "./dom.js";
import { creatorPage } from "./page_creator.js";
import { frontPage, notFoundView } from "./page_front.js";
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
 * @property {() => void} signIn leaves for the page that does
 * @property {(milliseconds: number, load: () => Promise<unknown>) => Promise<void>} repeat
 *   Loads now and again later while the page can be seen; the first failure, and any that is not the network's, is shown.
 *
 * @typedef {import("./client.js").Account & {creator: string | null, address: string | null}} Me
 *   `creator`: the handle as a creator; `address`: of an account that signs in by mail
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
  // What a listener does not need is fetched when it is asked for.
  [/^\/pay\/([^/]+)$/, async (page, ref) => (await import("./page_pay.js")).payPage(page, ref)],
  [/^\/sign-in$/, async (page) => (await import("./page_sign_in.js")).signInPage(page)],
  [/^\/account$/, async (page) => (await import("./page_account.js")).accountPage(page)],
  [/^\/studio$/, async (page) => (await import("./page_studio.js")).studioPage(page)],
  [/^\/gift$/, async (page) => (await import("./page_gift.js")).giftPage(page)],
];

/** @returns {Promise<Me | null>} A sign-in that does not count any more is dropped, and said so. */
async function whoAmI() {
  if (!api.token && !hasSession()) return null;
  try {
    const { account, creator, address } = await api.get("/v1/me");
    return { ...account, creator, address };
  } catch (error) {
    if (/** @type {any} */ (error).problem?.status === 401) {
      if (!api.token) noteSession(false);
      setToken(null);
      api.token = null;
      toast(t("account.expired"));
    }
    return null; // else the page itself will say what is wrong
  }
}

/** @param {Me | null} me */
function drawBar(me) {
  show(
    bar,
    h("a.brand", { href: "/", "aria-label": t("app.home") }, icon("listen"), h("span", {}, t("app.name"))),
    me
      ? h("a.button.plain-button.account", { href: "/account", "aria-label": t("account.of", { name: me.name }) }, icon("person"), h("span", {}, me.name))
      : location.pathname !== "/sign-in" && button("sign-in", t("account.sign_in"), { kind: "plain-button" }),
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
  listen(bar, { "sign-in": goToSignIn });
  listen(main, { again: () => location.reload(), "sign-in": goToSignIn });
  for (const [pattern, page] of ROUTES) {
    const match = pattern.exec(location.pathname);
    if (!match) continue;
    try {
      return await page({ main, api, me, signIn: goToSignIn, repeat }, ...match.slice(1));
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
