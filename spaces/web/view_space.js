/** A Space in all its states: which parts are there, and in what order. Each part is a module of its own. */
import { h, icon } from "./dom.js";
import { accessText, creatorLink, face, homeLink, isLocked, shareButton, stateMark, topicLink } from "./parts.js";
import { doorView, planView, stageOf } from "./space_parts.js";
import { t, timeText } from "./text.js";
import { dockView } from "./view_dock.js";
import { bannersView, stageView } from "./view_stage.js";

/** @typedef {import("./page_space.js").Model} Model */

/** @param {Model} model */
export function spaceView(model) {
  const { space, client } = model;
  const over = space.state === "ended" || space.state === "cancelled";
  const refused = client.problem ?? (client.state === "idle" ? space.you?.problem : null);
  const locked = !over && refused && refused.code !== "not_live";
  const inside = !over && !locked;
  return h(
    `div.page.space${inside ? "" : ".shut"}`,
    { "data-key": "space", "data-view": over ? space.state : locked ? client.state === "evicted" ? "evicted" : "locked" : space.state },
    inside && bannersView(model), // first: what is to be answered is seen on the smallest screen too
    headView(space),
    space.state === "scheduled" ? planView(model) : space.state === "live" && h("div.plan.row", { "data-key": "plan" }, shareButton()),
    over ? overView(model) : locked ? doorView(model, refused) : null,
    !over && h(
      "div.room",
      { "data-key": "room" },
      inside && stageOf(model)?.requests(),
      stageView(model),
      inside && client.you && h("section.talk", { "data-key": "talk", "data-own": true, "aria-label": t("talk.title") }), // talk.js fills it
    ),
    inside && dockView(model),
  );
}

/** @param {import("./client.js").Space} space */
function headView(space) {
  return h(
    "div.space-head",
    {},
    h(
      "p.space-marks",
      {},
      stateMark(space),
      space.locked && space.state === "live" && h("span.mark.locked-mark", { "data-key": "locked" }, icon("lock"), t("space.locked")),
      space.state === "live" && h("span.quiet", {}, t("space.listeners", { count: space.listeners })),
      space.state === "scheduled" && space.scheduled_start
        && h("span.quiet", {}, t("space.starts", { time: timeText(space.scheduled_start) })),
      h("span.lock.quiet", {}, isLocked(space) && icon("lock"), h("span", {}, accessText(space))),
    ),
    h("h1", { tabindex: "-1" }, space.title),
    h("p.space-by", {}, face(space.creator, "small"), h("span", {}, `${t("space.by")} `, creatorLink(space.creator))),
    space.topics.length > 0 && h("ul.topics", {}, space.topics.map((topic) => h("li", {}, topicLink(topic)))),
  );
}

/** @param {Model} model */
function overView({ space }) {
  const { creator } = space;
  return h(
    "section.box",
    { "data-key": "over", role: "status" },
    h("h2", {}, t(`${space.state}.title`)),
    h("p", {}, t(`${space.state}.text`)),
    space.state === "cancelled" && space.scheduled_start
      && h("p.quiet", {}, t("cancelled.was", { time: timeText(space.scheduled_start) })),
    space.state === "cancelled" && space.access.some(({ policy }) => policy === "ticketed") && h("p", {}, t("cancelled.tickets")),
    space.state === "ended" && !space.recording && h("p.quiet", {}, t("ended.unrecorded")),
    space.peak_listeners ? h("p.quiet", {}, t("ended.peak", { count: space.peak_listeners })) : null,
    h(
      "p.row",
      {},
      creator.handle && h("a.button.primary", { href: `/@${creator.handle}` }, t("ended.more", { creator: creator.name })),
      homeLink(),
    ),
  );
}
