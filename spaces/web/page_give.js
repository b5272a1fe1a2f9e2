/** Giving months of a creator's tier to somebody: which, how long, and for whom. */
import { Acts } from "./acts.js";
import { goToPay } from "./checkout.js";
import { h, listen, show } from "./dom.js";
import { accountOf, field, form, typed } from "./forms.js";
import { priceText } from "./offers.js";
import { plainView } from "./parts.js";
import { t } from "./text.js";

/** @typedef {import("./page_creator.js").Creator} Creator */

/** @param {import("./app.js").Page} page @param {string} handle the creator's */
export async function givePage({ main, api, me, signIn }, handle) {
  if (!me) return signIn();
  const creator = /** @type {Creator} */ (await api.get(`/v1/creators/${encodeURIComponent(handle)}`));
  document.title = t("app.title", { title: t("give.title", { name: creator.name }) });
  const draw = () => show(main, giveView(creator, acts));
  const acts = new Acts(draw);
  listen(main, {
    give: (control) => acts.run("give", async () => {
      const { offer, intervals, recipient } = typed(control);
      const [tier, currency, interval] = offer.split(" ");
      const whom = recipient && { recipient: accountOf(recipient) };
      const gift = await api.post(`/v1/creators/${creator.handle}/gifts`, {
        tier, currency, interval, intervals: Number(intervals), ...whom,
      });
      goToPay(gift.checkout_url, { back: "/account" });
    }),
  });
  draw();
}

/** @param {Creator} creator @param {Acts} acts */
function giveView(creator, acts) {
  /** @type {[string, string][]} */
  const offers = creator.tiers.filter(({ state }) => state === "published").flatMap(({ id, name, prices }) =>
    prices.map((price) => /** @type {[string, string]} */ ([`${id} ${price.currency} ${price.interval}`, `${name}, ${priceText(price)}`])));
  const title = t("give.title", { name: creator.name });
  const back = h("a.button", { href: `/@${creator.handle}` }, t("pay.back"));
  if (!offers.length) return plainView({ title, text: t("creator.no_tiers", { name: creator.name }) }, back);
  return h(
    "section.narrow",
    { "data-key": "give" },
    h("h1", { tabindex: "-1" }, title),
    h("p.lead", {}, t("give.how")),
    form("give", acts, t("give.go"), (trouble) => [
      field("offer", t("give.tier"), { choices: offers, trouble: trouble("tier") || trouble("currency") || trouble("interval") }),
      field("intervals", t("give.intervals"), {
        type: "number", min: 1, max: 36, required: true, value: "1", inputmode: "numeric", trouble: trouble("intervals"),
      }),
      field("recipient", t("give.recipient"), {
        autocapitalize: "none", spellcheck: "false", maxlength: 65, hint: t("give.recipient_hint"), trouble: trouble("recipient"),
      }),
    ], { kind: "primary big", more: [back] }),
  );
}
