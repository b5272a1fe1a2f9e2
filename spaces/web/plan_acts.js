/** What is done with a Space that is to come: being reminded, sharing it, giving it another time, calling it off. */
import { aboutFields, topicsOf } from "./about_fields.js";
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { formSheet } from "./form_sheet.js";
import { field } from "./forms.js";
import { button } from "./parts.js";
import { ScheduleFields } from "./schedule_fields.js";
import { shareSheet } from "./share.js";
import { errorText, t, timeText } from "./text.js";

/**
 * @typedef {{model: import("./page_space.js").Model, page: import("./app.js").Page, look: () => Promise<void>,
 *   control: HTMLElement}} Acting
 */

/** @param {string} name @param {Acting} acting */
export async function act(name, acting) {
  try {
    await ACTS[name](acting);
  } catch (error) {
    toast(errorText(error));
  }
}

/** @type {Record<string, (acting: Acting) => Promise<void>>} */
const ACTS = {
  remind: async ({ model, page }) => {
    if (!model.me) return page.signIn();
    model.reminder = await page.api.put(`/v1/spaces/${model.space.id}/reminder`, {});
    const soon = model.space.scheduled_start ? "plan.will_remind" : "plan.will_tell";
    dispatchEvent(new Event("spaces:reminded"));
    toast(`${t(soon)} ${t(model.reminder?.mail ? "plan.reminded_mail" : "plan.reminded_page")}`);
  },
  forget: async ({ model, page }) => {
    await page.api.delete(`/v1/spaces/${model.space.id}/reminder`);
    model.reminder = null;
    toast(t("plan.forgotten"));
  },
  share: ({ model }) => shareSheet({
    title: model.space.title,
    url: `${location.origin}/s/${model.space.id}`,
    picture: `/s/${model.space.id}/card.png`,
  }),
  "edit-plan": async ({ model, page, look }) => {
    const { space } = model;
    const schedule = new ScheduleFields(page.api, { start: space.scheduled_start, zone: space.time_zone });
    const done = await formSheet(t("plan.edit_title"), t("app.save"), schedule, (trouble) => [
      field("title", t("studio.space_title"), { required: true, maxlength: 200, value: space.title, trouble: trouble("title") }),
      ...schedule.view(trouble),
      space.scheduled_start && h("p.hint", {}, t("plan.move_hint")),
      ...aboutFields(space, trouble),
    ], async (given) => {
      const about = { title: given.title, topics: topicsOf(given.topics), language: given.language || null };
      const moved = schedule.changed ? schedule.body() : {};
      model.space = { ...model.space, ...await page.api.patch(`/v1/spaces/${space.id}`, { ...about, ...moved }) };
    });
    if (done) await look();
  },
  "cancel-plan": async ({ model, page, look }) => {
    const { id, scheduled_start: start, access } = model.space;
    const answer = await ask(t("plan.cancel_sure"), [
      h("p", {}, start ? t("plan.cancel_what", { time: timeText(start) }) : t("plan.cancel_undated")),
      access.some(({ policy }) => policy === "ticketed") && h("p", {}, t("plan.cancel_tickets")),
      h("div.row", {}, button("cancel", t("plan.keep")), button("call-off", t("plan.cancel"), { kind: "danger" })),
    ]);
    if (!answer) return;
    model.space = { ...model.space, ...await page.api.post(`/v1/spaces/${id}/cancel`) };
    await look();
  },
};
