/** The creator's Spaces, and a form that opens another. */
import { aboutFields, topicsOf } from "./about_fields.js";
import { accessChoices, loadAccess, policiesOf } from "./access_choices.js";
import { card } from "./cards.js";
import { FINANCE } from "./creator_roles.js";
import { h } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { moneyFields, minorOf } from "./money_fields.js";
import { recordingPlace } from "./recording_place.js";
import { ScheduleFields } from "./schedule_fields.js";
import { t } from "./text.js";

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function spacesPart({ api, me, acts }) {
  /** @type {Awaited<ReturnType<typeof loadAccess>>} */
  let there = { spaces: [], tiers: [], communities: [] };
  let access = "open";
  const schedule = new ScheduleFields(api);
  schedule.draw = () => acts.draw();
  /** A Space that was made, whose tickets the server would not take: made once, not anew with each try. @type {string | null} */
  let made = null;

  async function openSpace(/** @type {Record<string, string>} */ given) {
    const ticketed = given.access.includes("ticketed");
    const terms = ticketed && {
      amount_minor: minorOf(given.price, given.currency, "price"),
      currency: given.currency,
      quantity: Number(given.quantity),
    };
    const about = { topics: topicsOf(given.topics), ...(given.language && { language: given.language }) };
    const body = { title: given.title, access: policiesOf(given.access), ...about, ...schedule.body() };
    if (made) await api.patch(`/v1/spaces/${made}`, body);
    else ({ id: made } = await api.post("/v1/spaces", { ...body, creator: `@${me.creator}` }));
    if (terms) await api.put(`/v1/spaces/${made}/ticket-offer`, terms);
    location.assign(`/s/${made}`);
  }

  return {
    async load() {
      there = await loadAccess(api, String(me.creator));
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "spaces-title" },
      h("h2", { id: "spaces-title" }, t("studio.spaces")),
      there.spaces.length ? h("ul.cards", {}, there.spaces.map(card)) : h("p.none", {}, t("studio.no_spaces")),
      h("h3", {}, t("studio.new_space")),
      form("new-space", acts, t("studio.open_space"), (trouble) => [
        field("title", t("studio.space_title"), { required: true, maxlength: 200, trouble: trouble("title") }),
        field("access", t("studio.access"), {
          choices: accessChoices(there, { tickets: FINANCE.includes(me.role ?? "owner") }),
          hint: access === "invite" ? t("studio.invite_hint") : "",
          "data-action": "access",
          trouble: trouble("access"),
        }),
        access.includes("ticketed") && moneyFields("ticket", t("studio.ticket_price"), { trouble }),
        access.includes("ticketed") && field("quantity", t("studio.quantity"), {
          type: "number",
          required: true,
          min: 1,
          max: 1_000_000,
          value: "50",
          trouble: trouble("quantity"),
        }),
        ...schedule.view(trouble),
        ...aboutFields({ topics: [], language: null }, trouble),
        recordingPlace(),
      ]),
    ),
    actions: {
      ...schedule.actions,
      access: (control) => {
        access = /** @type {HTMLSelectElement} */ (control).value;
        acts.draw();
      },
      "new-space": (control) => acts.run("new-space", () => openSpace(typed(control))),
    },
  };
}
