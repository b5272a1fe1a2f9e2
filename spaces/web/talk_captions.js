/** Live captions, for whoever wants them: the last words of those who speak. */
import { h } from "./dom.js";
import { button } from "./parts.js";
import { t } from "./text.js";

const WANTED = "spaces.captions";
/** Finished sentences that stay on the screen. */
const LINES = 3;
/** And how long, in milliseconds. */
const STAYS = 12_000;

/** @typedef {import("./client_talk.js").Caption} Caption */

/** @type {{done: {key: number, caption: Caption, until: number}[], now: Map<string, Caption>, next: number}} */
const shown = { done: [], now: new Map(), next: 0 };

/** @param {import("./page_space.js").Model} model @param {() => void} draw */
export function followCaptions({ client }, draw) {
  client.addEventListener("caption", (event) => {
    const caption = /** @type {CustomEvent<Caption>} */ (event).detail;
    if (caption.final) {
      shown.now.delete(caption.account);
      shown.done = [...shown.done, { key: shown.next++, caption, until: performance.now() + STAYS }].slice(-LINES);
      setTimeout(draw, STAYS + 50);
    } else shown.now.set(caption.account, caption);
  });
  if (localStorage.getItem(WANTED)) client.talk.wantCaptions(true).catch(() => {}); // the next welcome asks again
}

/** @param {import("./client.js").SpaceClient} client */
export async function toggleCaptions(client) {
  const on = !client.talk.captions;
  if (on) localStorage.setItem(WANTED, "on");
  else localStorage.removeItem(WANTED);
  shown.done = [];
  shown.now.clear();
  await client.talk.wantCaptions(on);
}

/** @param {import("./page_space.js").Model} model */
export function captionsButton({ client, space }) {
  if (space.captions === "off" || space.state !== "live") return null;
  return button("captions", t("captions.short"), {
    kind: client.talk.captions ? "toggled cc" : "cc",
    "aria-label": t("captions.title"),
    "aria-pressed": String(client.talk.captions),
    "data-key": "captions-toggle",
  });
}

/** @param {import("./page_space.js").Model} model */
export function captionsView({ client, space }) {
  if (!client.talk.captions || space.captions === "off" || space.state !== "live") return null;
  shown.done = shown.done.filter(({ until }) => until > performance.now());
  const name = (/** @type {string} */ id) => space.stage.find(({ account }) => account.id === id)?.account.name ?? "";
  const guesses = [...shown.now.values()];
  return h(
    "div.captions",
    { "data-key": "captions" },
    h(
      "div",
      { role: "log", "aria-label": t("captions.title"), "data-key": "done" },
      shown.done.map(({ key, caption }) => captionView(caption, name, { "data-key": `c${key}` })),
    ),
    h(
      "div",
      { "aria-hidden": "true", "data-key": "guesses" }, // they change as one speaks
      guesses.map((caption) => captionView(caption, name, { "data-key": `g${caption.account}` })),
    ),
    shown.done.length + guesses.length === 0 && h("p.quiet", { "data-key": "none" }, t("captions.none")),
  );
}

/** @param {Caption} caption @param {(id: string) => string} name @param {Record<string, string>} attributes */
function captionView({ account, text, final }, name, attributes) {
  return h(
    `p.caption${final ? "" : ".guess"}`,
    attributes,
    name(account) && h("b.caption-name", {}, h("bdi", {}, name(account)), ": "),
    h("bdi", { dir: "auto" }, text),
  );
}
