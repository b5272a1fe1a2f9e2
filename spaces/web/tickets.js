/** Tickets at a Space's door: what is on sale, what is one's own already, and buying. */
import { forgetEntry, goToPay } from "./checkout.js";
import { h } from "./dom.js";
import { button } from "./parts.js";
import { money, t, timeText } from "./text.js";

/**
 * @typedef {{id: string, space: string, name: string, state: "reserved" | "paid" | "admitted" | "disputed" | "refunding" | "refunded"
 *   | "void", amount_minor: number, currency: string, test_money: boolean, checkout_url: string | null,
 *   payment_state: string | null, reserved_until: string, account: import("./client.js").Account,
 *   payer: import("./client.js").Account, refund_reason: string | null, created_at: string,
 *   refunds_asked: import("./account_payments.js").RefundAsked[]}} Ticket
 *
 * @typedef {{amount_minor: number, currency: string, left: number, sale: "on_sale" | "sold_out" | "not_yet" | "closed"}} TicketWay
 *
 * @typedef {{mine: Ticket | null, saleStart: string | null}} TicketStanding
 */

/** States in which a ticket has something to say at the door. */
const TELLING = ["reserved", "disputed", "refunding", "refunded"];

/**
 * What this person has to do with the tickets of this Space.
 *
 * @param {import("./api.js").Api} api @param {string} space @param {boolean} signedIn @param {TicketWay} way
 * @returns {Promise<TicketStanding>}
 */
export async function loadStanding(api, space, signedIn, way) {
  const [own, offer] = await Promise.all([
    signedIn ? api.get("/v1/me/tickets") : { tickets: [] },
    way.sale === "not_yet" ? api.get(`/v1/spaces/${space}/ticket-offer`) : null,
  ]);
  const here = own.tickets.filter((/** @type {Ticket} */ one) => one.space === space && TELLING.includes(one.state));
  here.sort((/** @type {Ticket} */ a, /** @type {Ticket} */ b) => TELLING.indexOf(a.state) - TELLING.indexOf(b.state));
  return { mine: here[0] ?? null, saleStart: offer?.sale_start ?? null };
}

/** @param {import("./page_space.js").Model} model @param {TicketWay} way @param {boolean} signedOut */
export function ticketOffer({ space, tickets, busy }, way, signedOut) {
  const mine = tickets?.mine;
  if (mine?.state === "reserved") return ownView(mine);
  const price = money(way.amount_minor, way.currency);
  const text = way.sale === "not_yet" && tickets?.saleStart
    ? t("ticket.sale_begins", { time: timeText(tickets.saleStart) })
    : t(`ticket.sale.${way.sale}`, { count: way.left });
  return h(
    "li.offer.ticket",
    { "data-key": "ticket", "data-sale": way.sale },
    h("h3.offer-name", {}, t("ticket.one")),
    h("p.offer-price", {}, price),
    h("p.quiet", {}, text),
    mine && h("p.quiet", {}, t(`ticket.door.${mine.state}`)),
    space.state === "scheduled" && way.sale === "on_sale" && h("p.quiet", {}, t("ticket.called_off")),
    way.sale === "on_sale" && !signedOut && button("buy-ticket", t(busy === "ticket" ? "tier.opening" : "ticket.buy"), {
      kind: "primary",
      "aria-label": t("ticket.buy_label", { price }),
      "aria-disabled": busy === "ticket" && "true",
    }),
  );
}

/** A seat that is held while its payment is waited for. @param {Ticket} ticket */
function ownView(ticket) {
  const pending = ticket.payment_state === "pending";
  return h(
    "li.offer.ticket.yours",
    { "data-key": "ticket", "data-sale": "reserved" },
    h("h3.offer-name", {}, t("ticket.yours")),
    h("p.offer-price", {}, money(ticket.amount_minor, ticket.currency)),
    h("p.quiet", {}, t(pending ? "ticket.pending" : "ticket.held", { time: timeText(ticket.reserved_until) })),
    !pending && ticket.checkout_url && button("pay-ticket", t("ticket.go_on"), { kind: "primary", "data-address": ticket.checkout_url }),
    !pending && ticket.checkout_url && button("drop-ticket", t("ticket.drop"), { "data-ticket": ticket.id }),
  );
}

/**
 * @param {import("./page_space.js").Model} model @param {() => void} draw
 * @param {{api: import("./api.js").Api, signIn: () => void, look: () => Promise<void>}} page
 * @returns {Record<string, (control: HTMLElement) => Promise<void> | void>} what may be refused
 */
export function ticketActions(model, draw, { api, signIn, look }) {
  const { id } = model.client;
  return {
    "buy-ticket": async () => {
      if (!model.me) return signIn();
      if (model.busy) return;
      model.busy = "ticket";
      draw();
      try {
        const { checkout_url: address } = await api.post(`/v1/spaces/${id}/tickets`);
        if (address) goToPay(address, { enter: id });
        else await look();
      } finally {
        model.busy = "";
      }
    },
    "pay-ticket": ({ dataset: { address = "" } }) => goToPay(address, { enter: id }),
    "drop-ticket": async ({ dataset: { ticket } }) => {
      await api.post(`/v1/tickets/${ticket}/cancel`);
      forgetEntry();
      await look();
    },
  };
}
