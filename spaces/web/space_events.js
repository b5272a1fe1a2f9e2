/** What the SDK tells, turned into what the view is made from, and into words for those who do not look. */
import { toast } from "./dialogs.js";
import { dropPass } from "./guest_link.js";
import { showOnLockScreen } from "./lock_screen.js";
import { drawLevels } from "./rings.js";
import { startSound } from "./space_actions.js";
import { openDoor, openStage } from "./space_parts.js";
import { t } from "./text.js";

/** Reconnecting for longer than this is told in other words, in milliseconds. */
const LONG = 8_000;

/** @typedef {import("./page_space.js").Model} Model */

/** @param {Model} model @param {() => void} draw @param {import("./api.js").Api} api */
export function followClient(model, draw, api) {
  const { client } = model;
  /** @param {string} type @param {(detail: any) => void} handle */
  const on = (type, handle) =>
    client.addEventListener(type, (event) => {
      handle(/** @type {CustomEvent} */ (event).detail);
      draw();
    });
  followState(model, on, draw, api);
  followRole(model, on, draw);
  followOthers(model, on);
  followClosing(model, on, draw);
  client.addEventListener("speaking", () => drawLevels(document.body, client.levels)); // too often for a whole view
  on("muted", () => {
    model.mutedByHost = true;
    toast(t("event.you_are_muted"));
  });
  on("invitation", () => {}); // the banner says it
  on("invitations", () => {});
  for (const type of ["you", "microphone"]) client.addEventListener(type, () => showOnLockScreen(model));
  on("microphone", () => {}); // who speaks has a module of his own
  on("blocked", () => {});
  on("sound", ({ after }) => {
    document.documentElement.dataset.sound = "on";
    document.documentElement.dataset.soundAfter = String(Math.round(after));
  });
}

/** @typedef {(type: string, handle: (detail: any) => void) => void} On */

/** @param {Model} model @param {On} on @param {() => void} draw @param {import("./api.js").Api} api */
function followState(model, on, draw, api) {
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
      model.waiting = model.mutedByHost = model.holding = false;
      if (state !== "ended") openDoor(model, api).then(draw, () => {}); // looked at again soon
      model.status = model.microphone = "";
      if (model.guest && client.problem) {
        dropPass(client.id);
        model.guest = false;
        client.token = null; // anybody, from now on
      }
      const calledOff = client.space?.state === "cancelled" || client.problem?.code === "cancelled";
      if (state === "ended") model.space = { ...model.space, state: calledOff ? "cancelled" : "ended" };
    }
    before = state;
    showOnLockScreen(model);
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
    if (client.onStage && wasOnStage !== true) openStage(model, draw).then(draw, () => {}); // the next word of the server tries again
    if (client.onStage && wasOnStage === false) {
      toast(t("event.you_on_stage"));
      // Who asked is ready to be heard; who was brought up unasked decides about the microphone.
      if (model.asking && client.state === "listening") openStage(model, draw).then((stage) => stage.turnOnMicrophone());
    } else if (!client.onStage && wasOnStage) {
      toast(t("event.you_off_stage"));
      model.microphone = "";
    }
    wasOnStage = client.onStage;
    if (client.onStage) model.asking = false;
    if (!client.muted) model.mutedByHost = false;
  });
  on("role", ({ account, role }) => {
    if (role !== "host" && role !== "cohost") return;
    const mine = account === client.you?.account?.id;
    const member = model.space.stage.find((one) => one.account.id === account);
    if (mine) toast(t(`event.you_${role}`));
    else if (member) toast(t(`event.${role}`, { name: member.account.name }));
  });
}

/** The time that is left without a host goes by in the view. @param {Model} model @param {On} on @param {() => void} draw */
function followClosing(model, on, draw) {
  /** @type {any} */
  let clock;
  on("space", () => {
    const closing = model.space.state === "live" && Boolean(model.space.closing_at);
    if (closing === (clock !== undefined)) return;
    clearInterval(clock);
    clock = closing ? setInterval(draw, 1_000) : undefined;
    if (!closing && model.space.state === "live") toast(t("event.host_back"));
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
    if (Boolean(space.locked) !== Boolean(model.space.locked)) toast(t(space.locked ? "event.locked" : "event.unlocked"));
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
