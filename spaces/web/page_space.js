/** One Space: what the person does becomes calls of the SDK, what the SDK tells becomes the view. */
import { seatName } from "./account.js";
import { takeEntry } from "./checkout.js";
import { SpaceClient } from "./client.js";
import { listen, show } from "./dom.js";
import { useGuestLink } from "./guest_link.js";
import { loadingView } from "./parts.js";
import { drawLevels } from "./rings.js";
import { VOLUME, enter, spaceActions, toggleMute } from "./space_actions.js";
import { followClient } from "./space_events.js";
import { t } from "./text.js";
import { loadStanding } from "./tickets.js";
import { spaceView } from "./view_space.js";

/** How often a Space that one is not in is looked at, in milliseconds. */
const LOOK_EVERY = 5_000;

/**
 * What the view is made from.
 *
 * @typedef {object} Model
 * @property {import("./client.js").Space} space
 * @property {SpaceClient} client
 * @property {import("./app.js").Me | null} me
 * @property {string} microphone Why there is none, as a key of messages; or empty.
 * @property {string} status What is being waited for, as a key of messages; or empty.
 * @property {boolean} asking To speak: from the tap on, until one is on stage, withdraws or is declined.
 * @property {boolean} waiting To hear it as soon as it starts.
 * @property {string} busy The tier that is being opened, or `ticket`.
 * @property {import("./tickets.js").TicketStanding | null} tickets At a door that a ticket opens.
 */

/** @param {import("./app.js").Page} page @param {string} id */
export async function spacePage(page, id) {
  const { main, api, me, signIn, repeat } = page;
  show(main, loadingView());
  if (!(await useGuestLink(id, page))) return;
  const client = new SpaceClient({
    space: id,
    token: api.token,
    client: seatName(),
    volume: Number(localStorage.getItem(VOLUME) ?? 1),
  });
  Object.assign(window, { spaces: { client } }); // for whoever embeds, measures or debugs
  /** @type {Model} */
  const model = {
    space: /** @type {any} */ (null),
    client,
    me,
    microphone: "",
    status: "",
    asking: false,
    waiting: false,
    busy: "",
    tickets: null,
  };

  const draw = () => {
    if (!model.space) return;
    const focused = document.activeElement;
    document.title = t("app.title", { title: model.space.title });
    document.documentElement.dataset.state = client.state;
    show(main, spaceView(model));
    drawLevels(main, client.levels);
    if (focused !== document.activeElement && document.activeElement === document.body) {
      const next = [".dock .primary", ".dock button", "h1"].map((one) => main.querySelector(one)).find(Boolean);
      /** @type {HTMLElement | undefined} */ (next)?.focus({ preventScroll: true });
    }
  };

  const look = async () => {
    if (client.state === "idle" || ["denied", "evicted"].includes(client.state)) {
      model.space = await api.get(`/v1/spaces/${id}`);
      const way = model.space.you?.problem?.ticket;
      model.tickets = way ? await loadStanding(api, id, me !== null, way) : null;
      draw();
    }
  };

  followClient(model, draw);
  listen(main, spaceActions(model, draw, { api, signIn, look }));
  addEventListener("keydown", (event) => {
    const typing = /** @type {Element} */ (event.target).closest?.("input, textarea, select, dialog");
    if (event.key.toLowerCase() !== "m" || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing) return;
    if (client.speaking) toggleMute(client);
  });
  addEventListener("pagehide", () => client.close());
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // came back by "back": all is stale

  await repeat(LOOK_EVERY, look);
  if (takeEntry(id) && model.space.you?.admitted !== false) enter(model, draw);
}
