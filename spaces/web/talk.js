/** What goes on around the talk: reactions, chat, pinned links, captions. It draws into places of its own, when they change. */
import { toast } from "./dialogs.js";
import { listen, show } from "./dom.js";
import { captionsButton, captionsView, followCaptions, toggleCaptions } from "./talk_captions.js";
import { chatView, chatActions, followChat } from "./talk_chat.js";
import { pinsView } from "./talk_pins.js";
import { followReactions, react, reactionsBar } from "./talk_reactions.js";
import { errorText, withTexts } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model @typedef {import("./app.js").Page} Page */

const CHANGES = ["chat", "pins", "caption", "space", "you", "state", "blocked"];

/** @param {Model} model @param {Page} page */
export function startTalk(model, page) {
  const { client } = model;
  const { main } = page;
  let due = false;
  const drawNow = () => {
    due = false;
    const panel = main.querySelector(".talk");
    const dock = main.querySelector(".talk-dock");
    const before = bottomed(panel);
    if (panel) show(panel, pinsView(model), chatView(model));
    if (before) toBottom(panel);
    if (dock) show(dock, captionsView(model), reactionsBar(model, captionsButton(model)));
  };
  const draw = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(drawNow);
  };
  /** A refusal is said. @param {(control: HTMLElement) => unknown} act */
  const saying = (act) => async (/** @type {HTMLElement} */ control) => {
    try {
      await act(control);
    } catch (error) {
      toast(errorText(error));
    }
    draw();
  };
  const actions = {
    react: (/** @type {HTMLElement} */ control) => react(client, control),
    captions: saying(() => toggleCaptions(client)),
    "pins-sheet": saying(async () => (await withTexts("talk hosting", import("./pins_sheet.js"))).pinsSheet(client)),
    ...Object.fromEntries(Object.entries(chatActions(model, page)).map(([name, act]) => [name, saying(act)])),
  };
  addStyle("/web/talk.css").then(() => {
    followChat(model);
    followReactions(client, draw);
    followCaptions(model, draw);
    CHANGES.forEach((type) => client.addEventListener(type, draw));
    listen(main, actions);
    draw();
  });
}

/** Whether the newest line is seen, so that the next one is to be seen too. @param {Element | null} panel */
function bottomed(panel) {
  const lines = panel?.querySelector(".chat-lines");
  return !lines || lines.scrollHeight - lines.scrollTop - lines.clientHeight < 32;
}

/** @param {Element | null} panel */
function toBottom(panel) {
  const lines = panel?.querySelector(".chat-lines");
  if (lines) lines.scrollTop = lines.scrollHeight;
}

/** @param {string} address */
function addStyle(address) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  document.head.append(link);
  return new Promise((resolve) => (link.onload = link.onerror = resolve));
}
