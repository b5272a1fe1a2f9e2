/** The creator's Spaces, and a form that opens another. */
import { h } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { moneyFields, minorOf } from "./money_fields.js";
import { card } from "./parts.js";
import { t } from "./text.js";

/** @typedef {import("./page_creator.js").Tier} Tier */

/** @param {import("./page_account.js").PartOf} part @returns {import("./page_account.js").Part} */
export function spacesPart({ api, me, acts }) {
  /** @type {import("./client.js").Space[]} */
  let spaces = [];
  /** @type {Tier[]} */
  let tiers = [];
  let access = "open";
  /** A Space that was made, whose tickets the server would not take: made once, not anew with each try. @type {string | null} */
  let made = null;

  async function openSpace(/** @type {Record<string, string>} */ given) {
    const ticketed = given.access.includes("ticketed");
    const terms = ticketed && {
      amount_minor: minorOf(given.price, given.currency, "price"),
      currency: given.currency,
      quantity: Number(given.quantity),
    };
    const schedule = given.start && {
      scheduled_start: new Date(given.start).toISOString(),
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    };
    const body = { title: given.title, access: policies(given.access), ...schedule };
    if (made) await api.patch(`/v1/spaces/${made}`, body);
    else ({ id: made } = await api.post("/v1/spaces", body));
    if (terms) await api.put(`/v1/spaces/${made}/ticket-offer`, terms);
    location.assign(`/s/${made}`);
  }

  return {
    async load() {
      ({ spaces, tiers } = await api.get(`/v1/creators/${me.creator}`));
      tiers = tiers.filter(({ state }) => state === "published");
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "spaces-title" },
      h("h2", { id: "spaces-title" }, t("studio.spaces")),
      spaces.length ? h("ul.cards", {}, spaces.map(card)) : h("p.none", {}, t("studio.no_spaces")),
      h("h3", {}, t("studio.new_space")),
      form("new-space", acts, t("studio.open_space"), (trouble) => [
        field("title", t("studio.space_title"), { required: true, maxlength: 200, trouble: trouble("title") }),
        field("access", t("studio.access"), {
          choices: accessChoices(tiers),
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
        field("start", t("studio.start"), { type: "datetime-local", hint: t("studio.start_hint"), trouble: trouble("scheduled_start") }),
      ]),
    ),
    actions: {
      access: (control) => {
        access = /** @type {HTMLSelectElement} */ (control).value;
        acts.draw();
      },
      "new-space": (control) => acts.run("new-space", () => openSpace(typed(control))),
    },
  };
}

/** @param {Tier[]} tiers @returns {[string, string][]} */
function accessChoices(tiers) {
  return [
    ["open", t("space.access.open")],
    ["members", t("space.access.members")],
    ...(tiers.length ? [/** @type {[string, string]} */ (["subscribers", t("studio.access.any_tier")])] : []),
    ...tiers.map(({ id, name }) => /** @type {[string, string]} */ ([`subscribers:${id}`, t("studio.access.tier", { name })])),
    ["ticketed", t("space.access.ticketed")],
    ...(tiers.length ? [/** @type {[string, string]} */ (["subscribers+ticketed", t("studio.access.both")])] : []),
  ];
}

/** As the API takes them: any of them admits. @param {string} choice */
function policies(choice) {
  return choice.split("+").map((one) => {
    const [policy, tier] = one.split(":");
    return tier ? { policy, tier } : { policy };
  });
}
