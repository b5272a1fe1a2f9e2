/** Spaces of a creator that are over: what has been, when, and how many listened. */
import { h } from "./dom.js";
import { PagedList } from "./pages_of_lists.js";
import { t, timeText } from "./text.js";
import { durationText } from "./text_rare.js";

/** At first, and with each "Show more". */
const PAGE = 6;

/** @param {import("./parts_page.js").PartOf} part @param {string} handle @returns {import("./parts_page.js").Part} */
export function pastPart({ api, acts }, handle) {
  /** @type {PagedList<import("./client.js").Space>} */
  const spaces = new PagedList({
    api, acts, path: `/v1/creators/${handle}/spaces?state=ended&limit=${PAGE}`, what: "spaces", by: "cursor",
  });
  return {
    load: () => spaces.load(),
    view: () => spaces.empty ? null : h(
      "section",
      { "aria-labelledby": "past-title", "data-key": "past" },
      h("h2", { id: "past-title" }, t("creator.past")),
      spaces.view(pastView),
    ),
    actions: spaces.actions,
  };
}

/** @param {import("./client.js").Space} space */
function pastView({ id, title, started_at: start, ended_at: end, peak_listeners: peak }) {
  const lasted = start && end && durationText((Date.parse(end) - Date.parse(start)) / 1000);
  return h(
    "li.thing",
    { "data-key": id },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, h("a", { href: `/s/${id}` }, title)),
      h("p.quiet", {}, [start && timeText(start), lasted, peak ? t("creator.past_listeners", { count: peak }) : ""].filter(Boolean).join(" · ")),
    ),
  );
}
