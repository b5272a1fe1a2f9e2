/** What the SDK tells, turned into what the view is made from, and into words for those who do not look. */
import { toast } from "./dialogs.js";
import { showOnLockScreen } from "./lock_screen.js";
import { drawLevels } from "./rings.js";
import { startSound, turnOnMicrophone } from "./space_actions.js";
import { t } from "./text.js";

/** Reconnecting for longer than this is told in other words, in milliseconds. */
const LONG = 8_000;

/** @typedef {import("./page_space.js").Model} Model */

/** @param {Model} model @param {() => void} draw */
export function followClient(model, draw) {
  const { client } = model;
  /** @param {string} type @param {(detail: any) => void} handle */
  const on = (type, handle) =>
    client.addEventListener(type, (event) => {
      handle(/** @type {CustomEvent} */ (event).detail);
      draw();
    });
  followState(model, on, draw);
  followRole(model, on, draw);
  followOthers(model, on);
  client.addEventListener("speaking", () => drawLevels(document.body, client.levels)); // too often for a whole view
  on("muted", () => toast(t("event.you_are_muted")));
  on("microphone", (open) => (model.microphone = open || !client.onStage ? "" : "microphone.lost"));
  on("blocked", () => {});
  on("sound", ({ after }) => {
    const end = performance.now();
    document.documentElement.dataset.sound = "on";
    performance.mark("spaces:sound");
    performance.measure("spaces:tap-to-sound", { start: end - after, end });
  });
}

/** @typedef {(type: string, handle: (detail: any) => void) => void} On */

/** @param {Model} model @param {On} on @param {() => void} draw */
function followState(model, on, draw) {
  const { client } = model;
  let before = client.state;
  /** @type {any} */
  let longWait;
  on("state", (state) => {
    clearTimeout(longWait);
    if (state === "listening") {
      if (before === "reconnecting") toast(t("event.reconnected"));
      model.status = "";
    } else if (state === "reconnecting") {
      longWait = setTimeout(() => {
        model.status ||= "status.reconnecting_long";
        draw();
      }, LONG);
    } else delete document.documentElement.dataset.sound;
    if (["denied", "evicted", "ended"].includes(state)) {
      model.waiting = false;
      model.status = model.microphone = "";
      if (state === "ended") model.space = { ...model.space, state: client.space?.state === "cancelled" ? "cancelled" : "ended" };
    }
    before = state;
    showOnLockScreen(client);
  });
  on("trouble", (problem) => {
    if (problem.code === "media_lost" && problem.detail === "no_connection") model.status = "status.media_blocked";
    if (problem.status === 429 || problem.status === 503) model.status = "status.busy";
  });
}

/** @param {Model} model @param {On} on @param {() => void} draw */
function followRole(model, on, draw) {
  const { client } = model;
  /** @type {boolean | null} */
  let wasOnStage = null;
  on("hand", (raised) => {
    if (raised || client.onStage || !model.asking) return;
    model.asking = false; // neither withdrawn nor accepted
    toast(t("event.declined"));
  });
  on("you", () => {
    document.documentElement.dataset.role = client.you?.role;
    if (client.onStage && wasOnStage === false) {
      toast(t("event.you_on_stage"));
      // Who asked is ready to be heard; who was brought up unasked decides about the microphone.
      if (model.asking && client.state === "listening") turnOnMicrophone(model, draw);
    } else if (!client.onStage && wasOnStage) {
      toast(t("event.you_off_stage"));
      model.microphone = "";
    }
    wasOnStage = client.onStage;
    if (client.onStage) model.asking = false;
  });
}

/** @param {Model} model @param {On} on */
function followOthers(model, on) {
  const { client } = model;
  /** @type {Set<string>} */
  let asking = new Set();
  let joining = true;
  client.addEventListener("state", () => (joining = client.state === "connecting" || client.state === "reconnecting"));
  on("hands", (/** @type {import("./client.js").Hand[]} */ hands) => {
    for (const { account } of hands) if (!joining && !asking.has(account.id)) toast(t("event.hand", { name: account.name }));
    asking = new Set(hands.map(({ account }) => account.id));
  });
  on("space", (/** @type {import("./client.js").Space} */ space) => {
    tellStage(model.space.stage, space.stage, client.you?.account?.id);
    if (model.space.state === "scheduled" && space.state === "live") {
      toast(t("event.started"));
      if (model.waiting) startSound(model);
      model.waiting = false;
    }
    model.space = space;
  });
}

/** @param {import("./client.js").StageMember[]} before @param {import("./client.js").StageMember[]} now @param {string} [me] */
function tellStage(before, now, me) {
  const ids = (/** @type {import("./client.js").StageMember[]} */ stage) => new Set(stage.map(({ account }) => account.id));
  const [were, are] = [ids(before), ids(now)];
  for (const { account } of now) if (!were.has(account.id) && account.id !== me) toast(t("event.on_stage", { name: account.name }));
  for (const { account } of before) if (!are.has(account.id) && account.id !== me) toast(t("event.off_stage", { name: account.name }));
}
