import { h, show } from "./dom.js";
import { card, homeLink, loadingView, plainView } from "./parts.js";
import { t } from "./text.js";

/** How often the lists are looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;

/** The front: who is live, and who will be. @param {import("./app.js").Page} page */
export async function frontPage({ main, api, repeat }) {
  show(main, loadingView());
  await repeat(REFRESH_EVERY, async () => {
    const [live, scheduled] = await Promise.all(["live", "scheduled"].map((state) => api.get(`/v1/spaces?state=${state}`)));
    show(main, frontView(live.spaces, scheduled.spaces));
  });
}

/** @param {import("./client.js").Space[]} live @param {import("./client.js").Space[]} scheduled */
function frontView(live, scheduled) {
  return h(
    "div.page",
    { "data-key": "front" },
    h("h1", { tabindex: "-1" }, t("front.title")),
    list("live", t("front.live"), live, t("front.no_live")),
    list("scheduled", t("front.scheduled"), scheduled, t("front.no_scheduled")),
  );
}

/** @param {string} id @param {string} title @param {import("./client.js").Space[]} spaces @param {string} none */
function list(id, title, spaces, none) {
  return h(
    "section",
    { "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title` }, title),
    spaces.length ? h("ul.cards", {}, spaces.map(card)) : h("p.none", {}, none),
  );
}

export const notFoundView = () => plainView({ title: t("error.not_found"), text: t("error.not_found_text") }, homeLink());
