/** Signing in: an address, the code that was mailed to it, and at the first time what one is called. */
import { noteSession, setToken, takeWayBack } from "./account.js";
import { Acts } from "./acts.js";
import { Api } from "./api.js";
import { ask } from "./dialogs.js";
import { h, listen, show } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { button, plainView } from "./parts.js";
import { firstOf, t, timeText } from "./text.js";

/** The address that waits for its code: a phone may drop this page while the mail is read. */
const ASKED = "spaces.asked";

/** @typedef {{address: string, expires_at: string}} Asked */

/** @param {import("./app.js").Page} page */
export async function signInPage({ main, api, me }) {
  /** @type {"address" | "code" | "name" | "signed-in"} */
  let step = me ? "signed-in" : "address";
  /** @type {Asked | null} */
  let asked = JSON.parse(sessionStorage.getItem(ASKED) ?? "null");
  if (asked && new Date(asked.expires_at) < new Date()) asked = null;
  if (asked && !me) step = "code";
  let mail = true;
  /** @type {string | null} what the OpenID provider is called, if one may sign in there */
  let provider = null;
  let trouble = "";
  let shown = "";
  const draw = () => {
    show(main, views[step]());
    if (step !== shown) /** @type {HTMLElement | null} */ (main.querySelector("input") ?? main.querySelector("h1"))?.focus();
    shown = step;
  };
  const acts = new Acts(draw);

  /** @param {Asked | null} value */
  function setAsked(value) {
    asked = value;
    if (value) sessionStorage.setItem(ASKED, JSON.stringify(value));
    else sessionStorage.removeItem(ASKED);
  }

  async function ask(/** @type {string} */ address) {
    const { expires_at } = await api.post("/v1/sign-in", { address });
    setAsked({ address, expires_at });
    step = "code";
  }

  async function answer(/** @type {string} */ code) {
    const { account } = await api.post("/v1/sign-in/code", { code });
    setAsked(null);
    noteSession(true);
    setToken(null);
    if (account.handle !== null) return location.assign(takeWayBack());
    step = "name";
  }

  /** The code of a link in a mail: what follows # is in no log. */
  async function takeCode() {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (!code) return;
    history.replaceState(history.state, "", location.pathname);
    step = "code";
    const done = await acts.run("code", () => answer(code));
    if (!done && acts.trouble?.problem?.code === "no_sign_in") step = asked ? "code" : "address";
    draw();
  }

  /** Back from the OpenID provider: this browser has a session now, or hears why not. */
  async function comeBack() {
    const told = new URLSearchParams(location.hash.slice(1));
    if (!told.has("signed-in") && !told.has("trouble")) return;
    history.replaceState(history.state, "", location.pathname);
    if (told.has("trouble")) {
      trouble = firstOf([`error.${told.get("trouble")}`, "error.oidc_refused"]);
      return draw();
    }
    setAsked(null);
    noteSession(true);
    setToken(null);
    const { account } = await new Api({ token: null }).get("/v1/me");
    if (account.handle !== null) return location.assign(takeWayBack());
    step = "name";
    draw();
  }

  const views = {
    address: () => addressView(acts, provider, trouble),
    code: () => codeView(acts, asked, mail),
    name: () => nameView(acts),
    "signed-in": () => plainView(
      { title: t("account.signed_in_as", { name: me?.name ?? "" }), icon: "person" },
      h("div.row", {}, h("a.button.primary", { href: "/account" }, t("account.open")), h("a.button", { href: "/" }, t("app.home"))),
    ),
  };
  listen(main, {
    address: (control) => acts.run("address", () => ask(typed(control).address)),
    code: (control) => acts.run("code", () => answer(typed(control).code)),
    "ask-again": () => {
      setAsked(null);
      step = "address";
      acts.trouble = null;
      draw();
    },
    name: (control) => acts.run("name", async () => {
      const { name, handle } = typed(control);
      await api.patch("/v1/me", { ...(name && { name }), ...(handle && { handle }) });
      location.assign(takeWayBack());
    }),
    later: () => location.assign(takeWayBack()),
    "use-token": () => useToken(acts),
  });
  document.title = t("app.title", { title: t("account.sign_in") });
  addEventListener("hashchange", takeCode);
  draw();
  await takeCode();
  await comeBack();
  ({ mail, oidc: provider } = await api.get("/v1/sign-in"));
  draw();
}

/** @param {Acts} acts */
async function useToken(acts) {
  const given = await askForToken();
  if (!given) return;
  await acts.run("token", async () => {
    try {
      await new Api({ token: given }).get("/v1/me");
    } catch (error) {
      const problem = /** @type {any} */ (error).problem;
      if (problem?.status === 401) problem.code = "bad_token";
      throw error;
    }
    setToken(given);
    location.assign(takeWayBack());
  });
}

/** @param {Acts} acts @param {string | null} provider @param {string} trouble */
function addressView(acts, provider, trouble) {
  const late = acts.of("code")?.text ?? acts.of("token")?.text ?? trouble;
  return h(
    "section.narrow",
    { "data-key": "address" },
    h("h1", { tabindex: "-1" }, t("account.sign_in")),
    h("p.lead", {}, t("sign_in.how")),
    late && h("p.notice", { role: "alert" }, late),
    form("address", acts, t("sign_in.send"), (trouble) => [
      field("address", t("sign_in.address"), {
        type: "email",
        required: true,
        autocomplete: "email",
        inputmode: "email",
        trouble: trouble("address"),
      }),
    ], { kind: "primary big" }),
    provider && h("a.button", { href: "/v1/sign-in/oidc" }, t("sign_in.at", { name: provider })),
    button("use-token", t("sign_in.token"), { kind: "plain-button", "aria-haspopup": "dialog" }),
  );
}

/** @param {Acts} acts @param {Asked | null} asked @param {boolean} mail whether this server sends any */
function codeView(acts, asked, mail) {
  return h(
    "section.narrow",
    { "data-key": "code" },
    h("h1", { tabindex: "-1" }, t("sign_in.code_title")),
    h("p.lead", {}, asked ? t(mail ? "sign_in.sent" : "sign_in.shown", { address: asked.address }) : t("app.loading")),
    asked && h("p.quiet", {}, t(mail ? "sign_in.until" : "sign_in.until_shown", { time: timeText(asked.expires_at) })),
    form("code", acts, t("account.sign_in"), (trouble) => [
      field("code", t("sign_in.code"), {
        required: true,
        autocomplete: "one-time-code",
        autocapitalize: "characters",
        spellcheck: "false",
        maxlength: 64,
        class: "code-input",
        trouble: trouble("code"),
      }),
    ], { kind: "primary big" }),
    button("ask-again", t("sign_in.ask_again"), { kind: "plain-button" }),
  );
}

/** @param {Acts} acts */
function nameView(acts) {
  return h(
    "section.narrow",
    { "data-key": "name" },
    h("h1", { tabindex: "-1" }, t("sign_in.name_title")),
    h("p.lead", {}, t("sign_in.name_how")),
    form("name", acts, t("app.save"), (trouble) => [
      field("name", t("profile.name"), { autocomplete: "name", maxlength: 100, trouble: trouble("name") }),
      field("handle", t("profile.handle"), {
        autocapitalize: "none",
        spellcheck: "false",
        maxlength: 31,
        hint: t("profile.handle_once"),
        trouble: trouble("handle"),
      }),
    ], { kind: "primary big", more: [button("later", t("sign_in.later"), { kind: "plain-button" })] }),
  );
}

/** @returns {Promise<string | null>} the token that was typed */
async function askForToken() {
  const field = h("textarea", { id: "token", rows: 4, autofocus: true, spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
  const answer = await ask(t("account.sign_in"), [
    h("p", {}, t("account.token_how")),
    h("label", { for: "token" }, t("account.token")),
    field,
    h("div.row", {}, button("cancel", t("app.cancel")), button("use-token", t("account.sign_in"), { kind: "primary" })),
  ]);
  return answer ? /** @type {HTMLTextAreaElement} */ (field).value.trim() || null : null;
}
