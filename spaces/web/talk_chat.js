/** The chat of a Space: what was written, and a line to write in. */
import { h, icon } from "./dom.js";
import { openMenu } from "./menu.js";
import { button, face } from "./parts.js";
import { locale, t } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model @typedef {import("./client_talk.js").ChatLine} ChatLine */

const CHARACTERS_MAX = 500;
/** What the server would refuse, and nobody types: control characters, and those that turn the direction of what follows. */
const UNWANTED = /[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu;

/** @type {{older: ChatLine[], more: boolean, sending: boolean}} */
const known = { older: [], more: false, sending: false };

/** @param {Model} model */
export function followChat({ client }) {
  const begin = () => {
    known.older = [];
    known.more = client.talk.lines.length >= 50; // as many as a welcome has
  };
  client.addEventListener("state", () => client.state === "joined" && begin());
  begin();
}

/** @param {Model} model */
export function chatView(model) {
  const { client, space } = model;
  const lines = [...known.older, ...client.talk.lines];
  const off = space.chat === "off";
  return h(
    "div.chat",
    { "data-key": "chat" },
    h("h2", { id: "chat-title" }, t("chat.title")),
    known.more && !off && button("chat-earlier", t("chat.earlier"), { kind: "plain-button", "data-key": "earlier" }),
    h(
      "div.chat-lines",
      { role: "log", "aria-labelledby": "chat-title", tabindex: lines.length ? "0" : null, "data-key": "lines" },
      off ? null : lines.map((line) => lineView(line, client)),
    ),
    lines.length === 0 && !off && h("p.none", { "data-key": "none" }, t("chat.none")),
    writeView(model),
  );
}

/** @param {ChatLine} line @param {import("./client.js").SpaceClient} client */
function lineView({ id, account, at, text }, client) {
  const mine = account.id === client.you?.account?.id;
  return h(
    `div.chat-line${mine ? ".mine" : ""}`,
    { "data-key": id },
    face(account, "small"),
    h(
      "div.chat-said",
      {},
      h("span.chat-name", {}, h("bdi", {}, account.name), h("time.quiet", { datetime: at }, clock(at))),
      h("bdi.chat-text", { dir: "auto" }, text),
    ),
    (mine || client.hosting) && h(
      "button.person-more",
      { type: "button", "data-action": "chat-line", "data-line": id, "data-account": account.id, "aria-haspopup": "menu",
        "aria-label": t("chat.line_menu", { name: account.name }) },
      icon("more"),
    ),
  );
}

/** @param {Model} model */
function writeView({ client, space, me }) {
  if (space.chat === "off") return h("p.none", { "data-key": "off" }, t("chat.off"));
  if (space.state !== "live") return h("p.none", { "data-key": "later" }, t("chat.later"));
  if (!client.you?.account) {
    return button("sign-in", t("chat.sign_in"), { kind: "big", "data-key": "sign-in" });
  }
  const slow = client.onStage ? 0 : space.chat_seconds ?? 0;
  const only = space.chat === "subscribers" && !client.onStage && t("chat.subscribers");
  const hint = [only, slow && t("chat.slow", { count: slow })].filter(Boolean).join(" ");
  return h(
    "form.chat-form",
    { "data-submit": "chat-write", "data-key": "write" },
    h("label.hidden", { for: "chat-text" }, t("chat.line")),
    h("input", {
      id: "chat-text", name: "text", type: "text", maxlength: CHARACTERS_MAX, autocomplete: "off", enterkeyhint: "send",
      placeholder: t("chat.line"), dir: "auto", "aria-describedby": hint && me ? "chat-hint" : null,
    }),
    h("button.button.primary", { type: "submit", "aria-disabled": known.sending && "true" }, h("span", {}, t("chat.send"))),
    hint && h("p.hint", { id: "chat-hint", "data-key": "hint" }, hint),
  );
}

/** @param {Model} model @param {import("./app.js").Page} page @returns {Record<string, (control: HTMLElement) => unknown>} */
export function chatActions({ client }, { api }) {
  return {
    "chat-write": async (form) => {
      const input = /** @type {HTMLInputElement} */ (form.querySelector("input"));
      const text = input.value.replace(UNWANTED, " ").trim();
      if (!text || known.sending) return;
      known.sending = true;
      try {
        await client.talk.write(text);
        input.value = "";
      } finally {
        known.sending = false;
        input.focus({ preventScroll: true });
      }
    },
    "chat-earlier": async () => {
      const [first] = [...known.older, ...client.talk.lines];
      const { lines, before } = await api.get(`/v1/spaces/${client.id}/chat${first ? `?before=${first.id}` : ""}`);
      known.older = [...lines, ...known.older];
      known.more = before !== null;
    },
    "chat-line": async (control) => {
      const { line = "", account = "" } = control.dataset;
      const mine = account === client.you?.account?.id;
      const choice = await openMenu(control, t("chat.menu"), [
        { action: "erase", text: t("chat.erase"), icon: "cross", danger: true },
        client.hosting && !mine && { action: "erase-all", text: t("chat.erase_all"), icon: "block", danger: true },
      ]);
      if (choice === "erase") {
        await client.talk.erase(line);
        known.older = known.older.filter(({ id }) => id !== line);
      }
      if (choice === "erase-all") {
        await client.talk.eraseAll(account);
        known.older = known.older.filter((one) => one.account.id !== account);
      }
    },
  };
}

/** @param {string} at */
const clock = (at) => new Date(at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
