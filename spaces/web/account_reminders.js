/** What one is to be reminded of. */
import { h } from "./dom.js";
import { actButton } from "./forms.js";
import { t, timeText } from "./text.js";

/** @typedef {{space: import("./client.js").Space, reminder: {mail: boolean, since: string}}} Reminder */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function remindersPart({ api, acts, load: loadAll }) {
  /** @type {Reminder[]} */
  let reminders = [];
  return {
    async load() {
      ({ reminders } = await api.get("/v1/me/reminders"));
    },
    view: () => reminders.length === 0 ? null : h(
      "section.panel",
      { "aria-labelledby": "reminders-title" },
      h("h2", { id: "reminders-title" }, t("reminders.title")),
      h("ul.things", {}, reminders.map(({ space, reminder }) => h(
        "li.thing",
        { "data-key": space.id },
        h(
          "div.thing-what",
          {},
          h("p.thing-name", {}, h("a", { href: `/s/${space.id}` }, space.title)),
          h("p.quiet", {}, [
            space.state === "live" ? t("space.live") : space.scheduled_start ? timeText(space.scheduled_start) : t("plan.undated"),
            t(reminder.mail ? "reminders.by_mail" : "reminders.on_page"),
          ].join(" · ")),
        ),
        h("div.thing-acts", {}, actButton(acts, `forget-${space.id}`, "forget-reminder", t("reminders.withdraw"), {
          "data-space": space.id,
          "aria-label": t("reminders.withdraw_label", { title: space.title }),
        })),
      ))),
    ),
    actions: {
      "forget-reminder": ({ dataset: { space } }) => acts.run(`forget-${space}`, async () => {
        await api.delete(`/v1/spaces/${space}/reminder`);
        await loadAll();
      }),
    },
  };
}
