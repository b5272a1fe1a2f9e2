/** The tickets of one Space, for its creator: what they cost, how many there are, who has them; paying one back. */
import { Acts } from "./acts.js";
import { ask, openSheet, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { field, form, refusal, tick, typed } from "./forms.js";
import { minorOf, moneyFields } from "./money_fields.js";
import { PagedList } from "./pages_of_lists.js";
import { button, face } from "./parts.js";
import { money, t } from "./text.js";
import { digitsOf } from "./text_rare.js";

/**
 * @typedef {import("./tickets.js").Ticket} Ticket
 * @typedef {{amount_minor: number, currency: string, quantity: number, left: number, sale: string, sale_start: string | null, sale_end: string | null}} Offer
 */

/** States in which a ticket is somebody's. */
const HELD = ["paid", "admitted"];

/** @param {import("./api.js").Api} api @param {string} space */
export async function ticketsSheet(api, space) {
  const path = `/v1/spaces/${space}`;
  /** @type {Offer | null} */
  let offer = null;
  const acts = new Acts(() => sheet.draw());
  /** @type {PagedList<Ticket>} */
  const tickets = new PagedList({ api, acts, path: `${path}/tickets`, what: "tickets" });
  const load = async () => {
    [offer] = await Promise.all([
      api.get(`${path}/ticket-offer`).catch((error) => {
        if (error.problem?.status === 404) return null; // none was ever offered
        throw error;
      }),
      tickets.load(),
    ]);
    sheet.draw();
  };
  const sheet = openSheet(t("tickets.title"), () => [offerForm(offer, acts), refusal(acts, "refund"), soldView(offer, tickets)], {
    ...tickets.actions,
    offer: (control) => acts.run("offer", async () => {
      const { price, currency, quantity, open } = typed(control);
      await api.put(`${path}/ticket-offer`, {
        amount_minor: minorOf(price, currency, "price"), currency, quantity: Number(quantity), open: open === "yes",
        ...(offer?.sale_start && { sale_start: offer.sale_start }), ...(offer?.sale_end && { sale_end: offer.sale_end }),
      });
      await load();
      toast(t("app.saved"));
    }),
    refund: async ({ dataset: { ticket } }) => {
      const { account, amount_minor: amount, currency } = /** @type {Ticket} */ (tickets.rows.find(({ id }) => id === ticket));
      const sure = await ask(t("tickets.refund_sure", { name: account.name }), [
        h("p", {}, t("tickets.refund_what", { amount: money(amount, currency) })),
        h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("tickets.refund"), { kind: "danger" })),
      ]);
      if (!sure) return;
      await acts.run("refund", async () => {
        await api.post(`/v1/tickets/${ticket}/refund`);
        await load();
      });
    },
  });
  try {
    await load();
  } catch (error) {
    sheet.close();
    throw error;
  }
}

/** @param {Offer | null} offer @param {Acts} acts */
function offerForm(offer, acts) {
  const price = offer && (offer.amount_minor / 10 ** digitsOf(offer.currency)).toFixed(digitsOf(offer.currency));
  return form("offer", acts, t("app.save"), (trouble) => [
    moneyFields("offer", t("studio.ticket_price"), { trouble, price: price ?? "", currency: offer?.currency }),
    field("offer-quantity", t("studio.quantity"), {
      name: "quantity", type: "number", required: true, min: 1, max: 1_000_000, value: String(offer?.quantity ?? 50), trouble: trouble("quantity"),
    }),
    tick("open", t("tickets.open"), { checked: offer?.sale !== "closed" }),
  ], { kind: "" });
}

/** @param {Offer | null} offer @param {PagedList<Ticket>} tickets */
function soldView(offer, tickets) {
  const held = tickets.rows.filter(({ state }) => HELD.includes(state)).length;
  return [
    h("h3", { "data-key": "sold-title", id: "sold-title" }, t("tickets.sold")),
    offer && h("p.quiet", { "data-key": "count" }, t("tickets.count", { count: tickets.whole ? held : offer.quantity - offer.left, quantity: offer.quantity })),
    tickets.empty
      ? h("p.none", { "data-key": "none" }, t("tickets.none"))
      : tickets.view(({ id, account, state, amount_minor: amount, currency }) => h(
        "li.person-row",
        { "data-key": id, "data-status": state },
        face(account, "small"),
        h("span.person-row-name", {}, account.name, h("span.quiet", {}, `${money(amount, currency)} · ${t(`tickets.state.${state}`)}`)),
        HELD.includes(state) && button("refund", t("tickets.refund"), { "data-ticket": id, "aria-label": t("tickets.refund_label", { name: account.name }) }),
      ), "ul.person-list", { "aria-labelledby": "sold-title" }),
  ];
}
