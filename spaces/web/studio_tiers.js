/** The creator's tiers: what is offered, putting one on sale or off it, and a form for another. */
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton, field, form, typed } from "./forms.js";
import { minorOf, moneyFields } from "./money_fields.js";
import { priceText, t } from "./text.js";

/** @typedef {import("./page_creator.js").Tier} Tier */

/** @param {import("./page_account.js").PartOf} part @returns {import("./page_account.js").Part} */
export function tiersPart({ api, me, acts, load: loadAll }) {
  /** @type {Tier[]} */
  let tiers = [];
  const move = (/** @type {string} */ act) => ({ dataset: { tier } }) => acts.run(`tier-${tier}`, async () => {
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
      "tier-publish": move("publish"),
      "tier-archive": move("archive"),
      "new-tier": (control) => acts.run("new-tier", async () => {
        const { name, price, currency, level } = typed(control);
        const amount = { amount_minor: minorOf(price, currency, "price"), currency };
        await api.post(`/v1/creators/${me.creator}/tiers`, { name, level: Number(level), price: amount });
        /** @type {HTMLFormElement} */ (control).reset();
        toast(t("studio.tier_made", { name }));
        await loadAll();
      }),
    },
  };
}

/** @param {Tier} tier @param {import("./acts.js").Acts} acts */
function tierView({ id, name, level, state, prices }, acts) {
  const refused = acts.of(`tier-${id}`);
  return h(
    "li.thing",
    { "data-key": id },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, name),
      h("p.quiet", {}, [...prices.map(priceText), t("studio.at_level", { level }), t(`studio.tier.${state}`)].join(" · ")),
      refused && h("p.trouble", { role: "alert" }, refused.text),
    ),
    h(
      "div.thing-acts",
      {},
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
