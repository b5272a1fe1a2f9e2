/** Discounts at the creator's shop: what each tier takes off, who has codes, and keys for the shop that asks about them. */
import { h } from "./dom.js";
import { saveFile } from "./download.js";
import { actButton, field, form, refusal, typed } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { t, timeText } from "./text.js";
import { percentText } from "./text_rare.js";

/**
 * @typedef {{tier: string, percent: number, codes_per_month_max: number}} Discount
 * @typedef {{id: string, account: import("./client.js").Account, percent: number, state: "issued" | "redeemed" | "revoked", good: boolean,
 *   issued_at: string, redeemed_at: string | null, order: string | null}} Code
 * @typedef {{id: string, name: string, created_at: string, revoked_at: string | null, token: string | null}} Key
 */

/** Codes shown before one asks for more; the file has all. */
const FEW = 20;

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function discountsPart({ api, me, acts, load: loadAll }) {
  const base = `/v1/creators/${me.creator}`;
  /** @type {Discount[]} */
  let discounts = [];
  /** @type {PagedList<Code>} */
  const codes = new PagedList({ api, acts, path: `${base}/merch-codes`, what: "codes", few: FEW });
  /** @type {Key[]} */
  let keys = [];
  /** @type {import("./page_creator.js").Tier[]} */
  let tiers = [];
  /** Of a key that was made just now; told once. */
  let token = "";
  return {
    async load() {
      [{ discounts }, { keys }, { tiers }] = await Promise.all([
        api.get(`${base}/discounts`), api.get(`${base}/keys`), api.get(base), codes.load(),
      ]);
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "discounts-title" },
      h("h2", { id: "discounts-title" }, t("discount.title")),
      h("p.quiet", {}, t("discount.how")),
      refusal(acts, "end-discount", "codes-file", "revoke-code", "revoke-key"),
      discounts.length
        ? h("ul.things", {}, discounts.map((discount) => discountView(discount, tiers, acts)))
        : h("p.none", {}, t("discount.none")),
      tiers.length > 0 && form("discount", acts, t("app.save"), (trouble) => [
        field("discount-tier", t("give.tier"), { name: "tier", choices: tiers.map(({ id, name }) => [id, name]), trouble: trouble("tier") }),
        h(
          "div.field-pair",
          {},
          field("discount-percent", t("coupon.percent"), { name: "percent", type: "number", min: 1, max: 100, required: true, value: "10", trouble: trouble("percent") }),
          field("discount-codes", t("discount.codes_max"), { name: "most", type: "number", min: 1, max: 100, required: true, value: "1", trouble: trouble("codes_per_month_max") }),
        ),
      ], { kind: "" }),
      h("h3", {}, t("discount.codes")),
      codes.empty ? h("p.none", {}, t("discount.no_codes")) : codes.view((code) => codeView(code, acts)),
      !codes.empty && h("div.row.start", {}, actButton(acts, "codes-file", "codes-file", t("discount.file"), { icon: "down" })),
      h("h3", {}, t("discount.keys")),
      h("p.quiet", {}, t("discount.keys_how")),
      token && h("div.copy", { "data-key": "token" }, h("label", { for: "key-token" }, t("discount.token")), h("input", { id: "key-token", readonly: true, value: token }), h("p.hint", {}, t("discount.token_once"))),
      keys.some(({ revoked_at: over }) => !over) && h("ul.things", {}, keys.filter(({ revoked_at: over }) => !over).map((key) => keyView(key, acts))),
      form("new-key", acts, t("discount.make_key"), (trouble) => [
        field("key-name", t("discount.key_name"), { name: "name", required: true, maxlength: 100, trouble: trouble("name") }),
      ], { kind: "" }),
    ),
    actions: {
      ...codes.actions,
      discount: (control) => acts.run("discount", async () => {
        const { tier, percent, most } = typed(control);
        await api.put(`${base}/tiers/${tier}/discount`, { percent: Number(percent), codes_per_month_max: Number(most) });
        await loadAll();
      }),
      "end-discount": ({ dataset: { tier } }) => acts.run("end-discount", async () => {
        await api.delete(`${base}/tiers/${tier}/discount`);
        await loadAll();
      }),
      "revoke-code": ({ dataset: { code } }) => acts.run("revoke-code", async () => {
        await api.delete(`${base}/merch-codes/${code}`);
        await loadAll();
      }),
      "codes-file": () => acts.run("codes-file", async () => saveFile(await api.get(`${base}/merch-codes.csv`), "codes.csv", "text/csv")),
      "new-key": (control) => acts.run("new-key", async () => {
        ({ token } = await api.post(`${base}/keys`, { name: typed(control).name }));
        /** @type {HTMLFormElement} */ (control).reset();
        await loadAll();
      }),
      "revoke-key": ({ dataset: { shop } }) => acts.run("revoke-key", async () => {
        await api.delete(`${base}/keys/${shop}`);
        token = "";
        await loadAll();
      }),
    },
  };
}

/** @param {Discount} discount @param {import("./page_creator.js").Tier[]} tiers @param {import("./acts.js").Acts} acts */
function discountView({ tier, percent, codes_per_month_max: most }, tiers, acts) {
  const of = tiers.find(({ id }) => id === tier);
  const name = of?.name ?? "";
  return h(
    "li.thing",
    { "data-key": tier },
    h("div.thing-what", {}, h("p.thing-name", {}, `${name} · ${percentText(percent / 100)}`), h("p.quiet", {}, t("discount.per_month", { count: most })), !of?.benefits.includes("merch.discount") && h("p.trouble", {}, t("discount.not_given"))),
    h("div.thing-acts", {}, actButton(acts, "end-discount", "end-discount", t("discount.end"), { "data-tier": tier, "aria-label": t("discount.end_label", { name }) })),
  );
}

/** @param {Code} code @param {import("./acts.js").Acts} acts */
function codeView({ id, account, percent, state, good, issued_at: issued, order }, acts) {
  const standing = state === "issued" && !good ? "lapsed" : state;
  return h(
    "li.thing",
    { "data-key": id },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, `${account.name} · ${percentText(percent / 100)}`),
      h("p.quiet", {}, [t(`discount.state.${standing}`), timeText(issued), order && t("discount.order", { order })].filter(Boolean).join(" · ")),
    ),
    state === "issued" && h("div.thing-acts", {}, actButton(acts, "revoke-code", "revoke-code", t("discount.revoke"), { "data-code": id, "aria-label": t("discount.revoke_label", { name: account.name }) })),
  );
}

/** @param {Key} key @param {import("./acts.js").Acts} acts */
const keyView = ({ id, name, created_at: made }, acts) => h(
  "li.thing",
  { "data-key": `key-${id}` },
  h("div.thing-what", {}, h("p.thing-name", {}, name), h("p.quiet", {}, timeText(made))),
  h("div.thing-acts", {}, actButton(acts, "revoke-key", "revoke-key", t("discount.revoke"), { "data-shop": id, "aria-label": t("discount.revoke_key_label", { name }) })),
);
