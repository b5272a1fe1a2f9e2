/** Coupons: codes that take something off a tier's price. */
import { h } from "./dom.js";
import { actButton, field, form, refusal, typed } from "./forms.js";
import { minorOf, moneyFields } from "./money_fields.js";
import { money, t, timeText } from "./text.js";
import { percentText } from "./text_rare.js";

/**
 * @typedef {{code: string, percent_off: number | null, amount_off_minor: number | null, currency: string | null,
 *   duration: "once" | "months" | "forever", months: number | null, tier: string | null, redemptions: number,
 *   redemptions_max: number | null, expires_at: string | null, archived_at: string | null}} Coupon
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function couponsPart({ api, me, acts, load: loadAll }) {
  const path = `/v1/creators/${me.creator}/coupons`;
  /** @type {Coupon[]} */
  let coupons = [];
  /** @type {import("./page_creator.js").Tier[]} */
  let tiers = [];
  let kind = "percent";
  let duration = "once";
  return {
    async load() {
      [{ coupons }, { tiers }] = await Promise.all([api.get(path), api.get(`/v1/creators/${me.creator}`)]);
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "coupons-title" },
      h("h2", { id: "coupons-title" }, t("coupon.title")),
      h("p.quiet", {}, t("coupon.how")),
      refusal(acts, "archive-coupon"),
      coupons.length
        ? h("ul.things", {}, coupons.map((coupon) => couponView(coupon, tiers, acts)))
        : h("p.none", {}, t("coupon.none")),
      h("h3", {}, t("coupon.new")),
      form("new-coupon", acts, t("coupon.make"), (trouble) => [
        field("coupon-code", t("coupon.code"), {
          name: "code", required: true, maxlength: 30, autocapitalize: "none", spellcheck: "false", hint: t("coupon.code_hint"), trouble: trouble("code"),
        }),
        field("coupon-kind", t("coupon.kind"), {
          name: "kind",
          choices: [["percent", t("coupon.kind.percent")], ["amount", t("coupon.kind.amount")]],
          "data-action": "coupon-kind",
        }),
        kind === "percent"
          ? field("coupon-percent", t("coupon.percent"), { name: "percent", type: "number", min: 1, max: 100, required: true, value: "20", trouble: trouble("percent_off") })
          : moneyFields("coupon", t("coupon.amount"), { trouble: (name) => trouble(name) || (name === "price" ? trouble("amount_off_minor") : "") }),
        field("coupon-duration", t("coupon.duration"), {
          name: "duration",
          choices: [["once", t("coupon.duration.once")], ["months", t("coupon.duration.months")], ["forever", t("coupon.duration.forever")]],
          "data-action": "coupon-duration",
        }),
        duration === "months" && field("coupon-months", t("coupon.months"), { name: "months", type: "number", min: 1, max: 36, value: "3", required: true, trouble: trouble("months") }),
        field("coupon-tier", t("coupon.tier"), {
          name: "tier",
          choices: [["", t("coupon.any_tier")], ...tiers.filter(({ state }) => state === "published").map(({ id, name }) => /** @type {[string, string]} */ ([id, name]))],
          trouble: trouble("tier"),
        }),
        field("coupon-max", t("coupon.max"), { name: "max", type: "number", min: 1, hint: t("coupon.max_hint"), trouble: trouble("redemptions_max") }),
      ], { kind: "" }),
    ),
    actions: {
      "coupon-kind": (control) => {
        kind = /** @type {HTMLSelectElement} */ (control).value;
        acts.draw();
      },
      "coupon-duration": (control) => {
        duration = /** @type {HTMLSelectElement} */ (control).value;
        acts.draw();
      },
      "new-coupon": (control) => acts.run("new-coupon", async () => {
        const given = typed(control);
        const off = kind === "percent"
          ? { percent_off: Number(given.percent) }
          : { amount_off_minor: minorOf(given.price, given.currency, "price"), currency: given.currency };
        await api.post(path, {
          code: given.code,
          ...off,
          duration,
          ...(duration === "months" && { months: Number(given.months) }),
          ...(given.tier && { tier: given.tier }),
          ...(given.max && { redemptions_max: Number(given.max) }),
        });
        /** @type {HTMLFormElement} */ (control).reset();
        [kind, duration] = ["percent", "once"];
        await loadAll();
      }),
      "archive-coupon": ({ dataset: { code = "" } }) => acts.run("archive-coupon", async () => {
        await api.delete(`${path}/${encodeURIComponent(code)}`);
        await loadAll();
      }),
    },
  };
}

/** @param {Coupon} coupon */
function offText({ percent_off: percent, amount_off_minor: amount, currency }) {
  return percent === null ? money(amount ?? 0, currency ?? "USD") : percentText(percent / 100);
}

/** @param {Coupon} coupon @param {import("./page_creator.js").Tier[]} tiers @param {import("./acts.js").Acts} acts */
function couponView(coupon, tiers, acts) {
  const { code, duration, months, tier, redemptions, redemptions_max: most, expires_at: end, archived_at: over } = coupon;
  return h(
    "li.thing",
    { "data-key": code, "data-status": over ? "canceled" : "active" },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, h("code", {}, code), " · ", t("coupon.off", { off: offText(coupon) })),
      h("p.quiet", {}, [
        duration === "months" ? t("coupon.for_months", { count: months ?? 1 }) : t(`coupon.duration.${duration}`),
        tier && tiers.find(({ id }) => id === tier)?.name,
        most ? t("coupon.used_of", { count: redemptions, most }) : t("coupon.used", { count: redemptions }),
        end && t("creator.until", { time: timeText(end) }),
        over && t("coupon.over"),
      ].filter(Boolean).join(" · ")),
    ),
    !over && h("div.thing-acts", {}, actButton(acts, "archive-coupon", "archive-coupon", t("coupon.end"), {
      "data-code": code, "aria-label": t("coupon.end_label", { code }),
    })),
  );
}
