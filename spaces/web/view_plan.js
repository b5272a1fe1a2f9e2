/** A Space that is to come: when, what has changed of that, and being reminded. */
import { h } from "./dom.js";
import { button, shareButton } from "./parts.js";
import { t, timeText, zoneText } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model */

/** Asked for only where a time is shown: the first format of a time costs a phone some tens of milliseconds. */
const here = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @param {Model} model */
export function planView(model) {
  const { space } = model;
  const start = space.scheduled_start;
  return h(
    "section.plan",
    { "aria-label": t("plan.title"), "data-key": "plan" },
    start && space.time_zone && space.time_zone !== here() && h("p.quiet", {}, zoneText(start, space.time_zone)),
    start && space.moved_at && h(
      "p.notice",
      { "data-key": "moved", role: "status" },
      space.moved_from ? t("plan.moved", { time: timeText(space.moved_from) }) : t("plan.dated"),
    ),
    h(
      "div.row",
      {},
      remindButton(model),
      start && h("a.button", { href: `/v1/spaces/${space.id}/calendar.ics`, download: `space-${space.id}.ics` }, t("plan.calendar")),
      shareButton(),
      isHost(model) && button("edit-plan", t("plan.edit"), { "aria-haspopup": "dialog" }),
      isHost(model) && button("cancel-plan", t("plan.cancel"), { kind: "danger", "aria-haspopup": "dialog" }),
    ),
  );
}

/** @param {Model} model */
function remindButton({ reminder, me }) {
  if (!reminder) return button("remind", t(me ? "plan.remind" : "plan.remind_signed_out"), { icon: "bell" });
  return button("forget", t("plan.reminded"), {
    icon: "check",
    kind: "toggled",
    "aria-pressed": "true",
    title: t(reminder.mail ? "plan.reminded_mail" : "plan.reminded_page"),
  });
}

/** @param {Model} model */
const isHost = ({ client, space }) => (client.you?.role ?? space.you?.role) === "host";
