/** The page: who is here, which view belongs to the address, and the frame around it. */
import { goToSignIn, hasSession, noteSession, setToken, takeTokenFromAddress } from "./account.js";
import { api } from "./ahead.js";
import { h, icon, listen, show } from "./dom.js";
import { keptSpace, spacePage } from "./page_space.js";
import { button, notFoundView, plainView } from "./parts.js";
import { breathe, takeTap } from "./tap.js";
import { LANGUAGES, chooseLanguage, errorText, language, t, texts, withTexts } from "./text.js";

/**
 * What a page is given.
 *
 * @typedef {object} Page
 * @property {HTMLElement} main
 * @property {import("./api.js").Api} api
 * @property {Me | null} me
 * @property {() => void} signIn leaves for the page that does
 * @property {AbortSignal} signal aborted when one goes to another view
 * @property {(milliseconds: number, load: () => Promise<unknown>, until?: AbortSignal) => Promise<void>} repeat
 *   Loads now and again later while the page can be seen; the first failure, and any that is not the network's, is shown.
 *
 * @typedef {import("./client.js").Account & {creator: string | null, address: string | null, isOperator: boolean}} Me
 *   `creator`: the handle as a creator; `address`: of an account that signs in by mail
 */

let main = /** @type {HTMLElement} */ (document.getElementById("main"));
const bar = /** @type {HTMLElement} */ (document.querySelector("header"));
/** How long until a server that did not answer is asked again, in milliseconds. */
const RETRY_EVERY = 4_000;

/** @type {Me | null} */
let me = null;
/** Of the view that is shown. */
let leaving = new AbortController();
/** The address that it belongs to. */
let shown = "";

/** @type {[RegExp, (page: Page, ...parts: string[]) => Promise<void>][]} */
const ROUTES = [
  [/^\/s\/([a-zA-Z0-9]{1,13})$/, spacePage],
  // What a listener does not need is fetched when it is asked for.
  [/^\/$/, async (page) => (await withTexts("front", import("./page_front.js"))).frontPage(page)],
  [/^\/@([\w.-]+)$/, async (page, handle) =>
    (await withTexts("pages front door studio community", import("./page_creator.js"))).creatorPage(page, handle)],
  [/^\/pay\/([^/]+)$/, async (page, ref) => (await withTexts("pages door", import("./page_pay.js"))).payPage(page, ref)],
  [/^\/sign-in$/, async (page) => (await withTexts("pages", import("./page_sign_in.js"))).signInPage(page)],
  [/^\/c\/([0-9]{1,19})$/, async (page, id) =>
    (await withTexts("pages front plan community", import("./page_community.js"))).communityPage(page, id)],
  [/^\/account$/, async (page) => (await withTexts("pages door studio community", import("./page_account.js"))).accountPage(page)],
  [/^\/studio$/, async (page) => (await withTexts("pages front plan door studio community hosting", import("./page_studio.js"))).studioPage(page)],
  [/^\/operator$/, async (page) => (await withTexts("pages operator", import("./page_operator.js"))).operatorPage(page)],
  [/^\/gift$/, async (page) => (await withTexts("pages door", import("./page_gift.js"))).giftPage(page)],
];

/** @returns {Promise<Me | null>} A sign-in that does not count any more is dropped, and said so. */
async function whoAmI() {
  if (!api.token && !hasSession()) return null;
  try {
    const { account, creator, address, is_operator: isOperator } = await api.get("/v1/me");
    return { ...account, creator, address, isOperator };
  } catch (error) {
    if (/** @type {any} */ (error).problem?.status === 401) {
      if (!api.token) noteSession(false);
      setToken(null);
      api.token = null;
      const { toast } = await withTexts("", import("./dialogs.js"));
      toast(t("account.expired"));
    }
    return null; // else the page itself will say what is wrong
  }
}

function drawBar() {
  show(
    bar,
    h("a.brand", { href: "/", "aria-label": t("app.home") }, icon("listen"), h("span", {}, t("app.name"))),
    h(
      "div.bar-end",
      {},
      h("button.button.plain-button.language", {
        type: "button", "data-action": "language", "aria-haspopup": "menu", "aria-label": t("app.language"), title: t("app.language"),
      }, icon("globe")),
      me
        ? h("a.button.plain-button.account", { href: "/account", "aria-label": t("account.of", { name: me.name }) }, icon("person"), h("span", {}, me.name))
        : location.pathname !== "/sign-in" && button("sign-in", t("account.sign_in"), { kind: "plain-button" }),
    ),
  );
  document.querySelector(".skip")?.replaceChildren(t("app.skip"));
}

/** @param {HTMLElement} opener */
async function languageMenu(opener) {
  const { openMenu } = await import("./menu.js");
  const choices = Object.entries(LANGUAGES).map(([code, name]) =>
    ({ action: code, text: name, lang: code, icon: code === language ? "check" : "globe" }));
  const code = await openMenu(opener, t("app.language"), choices);
  if (code && code !== language) await chooseLanguage(code);
}

/** @param {number} milliseconds @param {() => Promise<unknown>} load @param {AbortSignal} until */
async function repeat(milliseconds, load, until) {
  await load();
  const again = async () => {
    if (until.aborted) return;
    try {
      if (document.visibilityState === "visible") await load();
    } catch (error) {
      if (!until.aborted && /** @type {any} */ (error).problem?.status !== 0) return showError(error);
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

/** The view that belongs to the address. A Space that sounds goes on, whatever is looked at. */
async function open() {
  const space = keptSpace();
  const back = space?.path === location.pathname;
  leaving.abort();
  leaving = new AbortController();
  const drawn = !shown && main.childElementCount > 0; // by the server
  shown = location.pathname;
  useMain(drawn ? main : back ? space.main : /** @type {HTMLElement} */ (main.cloneNode(false)));
  if (space) import("./mini_player.js").then(({ miniPlayer }) => miniPlayer(space));
  if (back || drawn) drawBar();
  if (back) return space.draw();
  if (drawn) await breathe();
  // With the first of the view: a frame for the bar alone takes a slow phone as long as one with both.
  if (!drawn) new MutationObserver((_, observer) => {
    observer.disconnect();
    drawBar();
  }).observe(main, { childList: true });
  const { signal } = leaving;
  for (const [pattern, page] of ROUTES) {
    const match = pattern.exec(location.pathname);
    if (!match) continue;
    try {
      return await page({
        main, api, me, signIn: goToSignIn, signal, repeat: (milliseconds, load, until = signal) => repeat(milliseconds, load, until),
      }, ...match.slice(1));
    } catch (error) {
      if (signal.aborted) return;
      if (/** @type {any} */ (error).problem?.status === 0) setTimeout(reloadWhenBack, RETRY_EVERY);
      return showError(error);
    }
  }
  show(main, notFoundView());
}

/** @param {HTMLElement} next */
function useMain(next) {
  if (next !== main) main.replaceWith(next);
  main = next;
  if (main.dataset.heard) return;
  main.dataset.heard = "";
  listen(main, { again: () => location.reload(), "sign-in": goToSignIn });
}

/** Within this page, where a new one would end the sound. @param {string} address */
async function goInside(address) {
  history.pushState(null, "", address);
  scrollTo(0, 0);
  await open();
  main.querySelector("h1")?.focus({ preventScroll: true });
}

/** @param {HTMLAnchorElement} link */
const isInside = ({ origin, pathname }) =>
  origin === location.origin && keptSpace() !== null && ROUTES.some(([pattern]) => pattern.test(pathname));

addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button || link.target || link.download) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || !isInside(link) || link.hash) return;
  event.preventDefault();
  goInside(link.href);
});
addEventListener("popstate", () => location.pathname !== shown && open());
addEventListener("spaces:language", () => open());

async function begin() {
  [me] = await Promise.all([whoAmI(), texts()]);
  listen(bar, { "sign-in": goToSignIn, language: languageMenu });
  takeTap(bar)?.click();
  if (me) withTexts("plan", import("./notices.js")).then(({ watchNotices }) => watchNotices(api)).catch(() => {}); // the page goes on without
  await open();
}

addEventListener("hashchange", () => takeTokenFromAddress() && location.reload());
begin().catch(reloadWhenBack); // without words there is nothing to show
