/** Spaces in a list. */
import { h, icon } from "./dom.js";
import { accessText, face, isLocked, stateMark } from "./parts.js";
import { t, timeText } from "./text.js";

/** One Space in a list; all of it leads there. @param {import("./client.js").Space} space */
export function card(space) {
  const when = space.state === "live"
    ? t("card.listeners", { count: space.listeners })
    : space.scheduled_start && timeText(space.scheduled_start);
  const people = space.stage.length ? space.stage.slice(0, 4).map(({ account }) => account) : [space.creator];
  return h(
    "li",
    { "data-key": space.id },
    h(
      `a.card.${space.state}`,
      { href: `/s/${space.id}` },
      h("span.card-top", {}, stateMark(space), h("span.quiet", {}, when)),
      h("span.card-title", {}, space.title),
      space.topics.length > 0 && h("span.card-topics.quiet", {}, space.topics.join(" · ")),
      h(
        "span.card-people",
        {},
        h("span.faces", {}, people.map((account) => face(account, "small"))),
        h("span.card-by", {}, t("card.by", { name: space.creator.name })),
        isLocked(space) && h(
          "span.lock",
          {},
          icon(space.may_join ? "check" : "lock"),
          h("span", {}, space.may_join ? t("card.may_join") : accessText(space)),
        ),
      ),
    ),
  );
}
