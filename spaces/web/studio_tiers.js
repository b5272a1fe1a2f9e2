/** The creator's tiers: what is offered, putting one on sale or off it, and a form for another. */
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton, field, form, tick, typed } from "./forms.js";
import { formSheet } from "./form_sheet.js";
import { minorOf, moneyFields } from "./money_fields.js";
import { priceText } from "./offers.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** @typedef {import("./page_creator.js").Tier} Tier */

/** What a tier may give. */
const BENEFITS = /** @type {const} */ (["space.join", "space.speak", "space.replay", "newsletter", "merch.discount", "community.member"]);

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function tiersPart({ api, me, acts, load: loadAll }) {
  /** @type {Tier[]} */
  let tiers = [];
  const move = (/** @type {string} */ act) => (/** @type {HTMLElement} */ { dataset: { tier } }) => acts.run(`tier-${tier}`, async () => {
    await api.post(`/v1/tiers/${tier}/${act}`);
    await loadAll();
  });
  return {
    async load() {
      ({ tiers } = await api.get(`/v1/creators/${me.creator}`));
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "tiers-title" },
      h("h2", { id: "tiers-title" }, t("studio.tiers")),
      tiers.length ? h("ul.things", {}, tiers.map((tier) => tierView(tier, acts))) : h("p.none", {}, t("studio.no_tiers")),
      h("h3", {}, t("studio.new_tier")),
      form("new-tier", acts, t("studio.offer_tier"), (trouble) => [
        field("tier-name", t("studio.tier_name"), { name: "name", required: true, maxlength: 100, trouble: trouble("name") }),
        moneyFields("tier", t("studio.tier_price"), { trouble }),
        field("tier-trial", t("studio.trial"), {
          name: "trial", type: "number", required: true, min: 0, max: 90, value: "0", hint: t("studio.trial_hint"), trouble: trouble("trial_days"),
        }),
        field("level", t("studio.level"), {
          type: "number",
          required: true,
          min: 1,
          max: 1_000,
          value: String(Math.max(0, ...tiers.map(({ level }) => level)) + 1),
          hint: t("studio.level_hint"),
          trouble: trouble("level"),
        }),
      ]),
    ),
    actions: {
      "tier-benefits": async ({ dataset: { tier } }) => {
        const { name, benefits } = /** @type {Tier} */ (tiers.find(({ id }) => id === tier));
        const answer = await ask(t("studio.benefits_title", { name }), [
          ...BENEFITS.map((benefit) => tick("benefit", t(`benefit.${benefit}`), { value: benefit, checked: benefits.includes(benefit) })),
          h("p.hint", {}, t("studio.benefits_hint")),
          h("div.row", {}, button("cancel", t("app.cancel")), button("save", t("app.save"), { kind: "primary" })),
        ]);
        if (!answer) return;
        const chosen = [...answer.dialog.querySelectorAll("input:checked")].map((one) => /** @type {HTMLInputElement} */ (one).value);
        await acts.run(`tier-${tier}`, async () => {
          await api.put(`/v1/tiers/${tier}/benefits`, { benefits: chosen });
          await loadAll();
        });
      },
      "tier-prices": async ({ dataset: { tier } }) => {
        const chosen = /** @type {Tier} */ (tiers.find(({ id }) => id === tier));
        if (await pricesSheet(api, chosen)) await loadAll();
      },
      "tier-publish": move("publish"),
      "tier-archive": move("archive"),
      "new-tier": (control) => acts.run("new-tier", async () => {
        const { name, price, currency, level, trial } = typed(control);
        const amount = { amount_minor: minorOf(price, currency, "price"), currency };
        await api.post(`/v1/creators/${me.creator}/tiers`, { name, level: Number(level), price: amount, trial_days: Number(trial) });
        /** @type {HTMLFormElement} */ (control).reset();
        toast(t("studio.tier_made", { name }));
        await loadAll();
      }),
    },
  };
}

/** Another price, or one in the place of what there is. @param {import("./api.js").Api} api @param {Tier} tier @returns {Promise<boolean>} */
function pricesSheet(api, { id, name, prices }) {
  return formSheet(t("studio.prices_title", { name }), t("app.save"), { actions: {}, draw: () => {} }, (trouble) => [
    h("ul.benefits", {}, prices.map((price) => h("li", {}, priceText(price)))),
    moneyFields("new-price", t("studio.price_new"), { trouble, currency: prices[0]?.currency }),
    field("new-price-interval", t("studio.interval"), {
      name: "interval", choices: ["year", "month"].map((one) => [one, t(`studio.interval.${one}`)]), trouble: trouble("interval"),
    }),
    h("p.hint", {}, t("studio.price_hint")),
  ], ({ price, currency, interval }) =>
    api.post(`/v1/tiers/${id}/prices`, { amount_minor: minorOf(price, currency, "price"), currency, interval }));
}

/** @param {Tier} tier @param {import("./acts.js").Acts} acts */
function tierView({ id, name, level, state, prices, trial_days: trial }, acts) {
  const refused = acts.of(`tier-${id}`);
  return h(
    "li.thing",
    { "data-key": id },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, name),
      h("p.quiet", {}, [...prices.map(priceText), t("studio.at_level", { level }), t(`studio.tier.${state}`)].join(" · ")),
      trial ? h("p.quiet", {}, t("pay.trial", { count: trial })) : null,
      refused && h("p.trouble", { role: "alert" }, refused.text),
    ),
    h(
      "div.thing-acts",
      {},
      state !== "archived" && button("tier-benefits", t("studio.benefits"), {
        "data-tier": id, "aria-haspopup": "dialog", "aria-label": t("studio.benefits_label", { name }),
      }),
      state !== "archived" && button("tier-prices", t("studio.prices"), {
        "data-tier": id, "aria-haspopup": "dialog", "aria-label": t("studio.prices_label", { name }),
      }),
      state === "draft" && actButton(acts, `tier-${id}`, "tier-publish", t("studio.publish"), {
        "data-tier": id,
        "aria-label": t("studio.publish_label", { name }),
      }),
      state === "published" && actButton(acts, `tier-${id}`, "tier-archive", t("studio.archive"), {
        "data-tier": id,
        "aria-label": t("studio.archive_label", { name }),
      }),
    ),
  );
}
