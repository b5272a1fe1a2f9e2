/** Spaces of a creator that are over: what has been, when, and how many listened. */
import { h } from "./dom.js";
import { button } from "./parts.js";
import { t, timeText } from "./text.js";
import { durationText } from "./text_rare.js";

/** At first, and with each "More". */
const PAGE = 6;

/** @param {import("./parts_page.js").PartOf} part @param {string} handle @returns {import("./parts_page.js").Part} */
export function pastPart({ api, acts }, handle) {
  /** @type {import("./client.js").Space[]} */
  let spaces = [];
  let limit = PAGE;
  let more = false;
  const load = async () => {
    const answer = await api.get(`/v1/creators/${handle}/spaces?state=ended&limit=${limit}`);
    spaces = answer.spaces;
    more = answer.next !== null && limit < 100;
  };
  return {
    load,
    view: () => spaces.length === 0 ? null : h(
      "section",
      { "aria-labelledby": "past-title", "data-key": "past" },
      h("h2", { id: "past-title" }, t("creator.past")),
      h("ul.things", {}, spaces.map(pastView)),
      more && button("more-past", t("front.more")),
    ),
    actions: {
      "more-past": () => acts.run("past", async () => {
        limit = Math.min(100, limit + PAGE);
        await load();
      }),
    },
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
