/** One Space: looked at and drawn first; what it takes to be in it (the SDK, and what is done with it) is fetched behind that. */
import { mayBeGuest } from "./account.js";
import { listen, show } from "./dom.js";
import { loadingView } from "./parts.js";
import { openDoor, openPlan, openStage } from "./space_parts.js";
import { breathe, fetchModules, takeTap } from "./tap.js";
import { t } from "./text.js";
import { spaceView } from "./view_space.js";

/** @typedef {import("./client.js").SpaceClient} SpaceClient */

/** How often a Space that one is not in is looked at, in milliseconds. */
const LOOK_EVERY = 5_000;
/** Nothing stands in the view for so long, in milliseconds, before it says that it waits. */
const WAIT_TOLD_AFTER = 300;
const SOUNDING = ["starting", "listening", "reconnecting"];

/**
 * What the view is made from.
 *
 * @typedef {object} Model
 * @property {import("./client.js").Space} space
 * @property {SpaceClient} client at rest until what it takes to be in is here
 * @property {import("./app.js").Me | null} me
 * @property {string} microphone Why there is none, as a key of messages; or empty.
 * @property {string} status What is being waited for, as a key of messages; or empty.
 * @property {boolean} asking To speak: from the tap on, until one is on stage, withdraws or is declined.
 * @property {boolean} waiting To hear it as soon as it starts.
 * @property {boolean} guest Came by a guest link, without an account.
 * @property {boolean} mutedByHost Since one has last unmuted oneself.
 * @property {boolean} holding The key or the button down, one is heard for as long as that.
 * @property {boolean} unheard One talks, and is muted.
 * @property {string} newMicrophone The name of one that was plugged in while another is used.
 * @property {string} busy The tier that is being opened, or `ticket`.
 * @property {import("./tickets.js").TicketStanding | null} tickets At a door that a ticket opens.
 * @property {"off" | "on" | "paused"} sound Paused by the lock screen or a headset's key, to go on; kept while reconnecting.
 * @property {{mail: boolean, since: string} | null} reminder Of a Space that is to come.
 *
 * @typedef {{path: string, main: HTMLElement, model: Model, draw: () => void, changed: () => void, close: () => void}} Presence
 *   `changed`: the client's state
 */

/** @type {Presence | null} the Space that one is in, also while something else is looked at */
let present = null;

/** The Space whose sound is to go on when one goes to another view. */
export const keptSpace = () =>
  (present && (present.model.sound === "paused" || SOUNDING.includes(present.model.client.state)) ? present : null);

/** @param {import("./app.js").Page} page @param {string} id */
export async function spacePage(page, id) {
  const { main, api, me, repeat } = page;
  setTimeout(() => main.childElementCount || show(main, loadingView()), WAIT_TOLD_AFTER);
  const pass = mayBeGuest(id) ? await (await import("./guest_link.js")).useGuestLink(id, page) : null;
  /** @type {Model} */
  const model = {
    space: /** @type {any} */ (null),
    client: atRest(id),
    me,
    microphone: "",
    status: "",
    asking: false,
    waiting: false,
    guest: pass !== null,
    mutedByHost: false,
    holding: false,
    unheard: false,
    newMicrophone: "",
    busy: "",
    tickets: null,
    sound: "off",
    reminder: null,
  };
  const over = new AbortController();

  /** @type {Presence} */
  const presence = {
    path: location.pathname,
    main,
    model,
    draw: () => {
      if (!model.space) return;
      const focused = document.activeElement;
      show(main, spaceView(model));
      if (!main.isConnected) return; // something else is looked at
      document.title = t("app.title", { title: model.space.title });
      document.documentElement.dataset.state = model.client.state;
      if (focused !== document.activeElement && document.activeElement === document.body) {
        const next = [".dock .primary", ".dock button", "h1"].map((one) => main.querySelector(one)).find(Boolean);
        /** @type {HTMLElement | undefined} */ (next)?.focus({ preventScroll: true });
      }
    },
    changed: () => {
      if (!SOUNDING.includes(model.client.state) || present === presence) return;
      present?.close(); // one Space is heard at a time
      present = presence;
    },
    close: () => {
      over.abort();
      model.client.close();
    },
  };
  page.signal.addEventListener("abort", () => keptSpace() !== presence && presence.close());

  /** @type {import("./dom.js").Actions | null} */
  let actions = null;
  /** @type {Promise<void> | null} */
  let coming = null;
  const be = () => (coming ??= fetchPresence()
    .then(({ bePresent }) => void (actions = bePresent(presence, page, look, pass)))
    .catch((error) => {
      coming = null; // the next who needs it tries again
      throw error;
    }));

  const look = async () => {
    if (!["idle", "denied", "evicted"].includes(model.client.state)) return;
    model.space = await api.get(`/v1/spaces/${id}`);
    if (main.childElementCount > 0) await breathe(); // else nothing is seen before this
    model.reminder = model.space.you?.reminder ?? null;
    if (model.guest && model.client.state === "idle") model.space.you = { role: "speaker", admitted: true, problem: null };
    const { role, problem } = model.space.you ?? {};
    if (problem && problem.code !== "not_live") await openDoor(model, api);
    else model.tickets = null;
    if (model.space.state === "scheduled") await openPlan();
    if (role && role !== "listener") {
      await be();
      await openStage(model, presence.draw);
    }
    presence.draw();
  };

  listen(main, (name, control) => {
    if (!model.space) return; // what the server has drawn: tap.js hears it
    if (actions) return actions[name]?.(control);
    if (name === "listen") {
      model.status = "status.connecting";
      presence.draw();
    }
    const cannot = () => {
      model.status = "error.unreachable";
      presence.draw();
    };
    return be().then(() => actions?.[name]?.(control), cannot); // tapped before it was here
  });
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // came back by "back": all is stale

  await repeat(LOOK_EVERY, look, over.signal);
  takeTap(main)?.click();
  try {
    await be();
  } catch {
    return; // what is drawn stays: the next tap tries again, and says if it cannot
  }
  if (!over.signal.aborted) (await fetchPresence()).enterUnasked(presence);
}

/** What views see of a client that is not here yet. @param {string} id @returns {SpaceClient} */
const atRest = (id) => /** @type {any} */ ({
  id, state: "idle", problem: null, you: null, hosting: false, onStage: false, handRaised: false, blocked: false, close: () => {},
});

/** With all that it imports side by side, which the server has named in the page, instead of one behind the other. */
async function fetchPresence() {
  const script = /** @type {HTMLElement | null} */ (document.querySelector("script[data-behind]"));
  const named = script?.dataset.behind?.split(" ") ?? [];
  script?.removeAttribute("data-behind");
  await fetchModules(named);
  return import("./space_presence.js");
}
