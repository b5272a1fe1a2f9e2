/** The shut door of a Space: why it is shut, and the ways in. */
import { goToPay } from "./checkout.js";
import { h, icon } from "./dom.js";
import { firstPrice, offerCard } from "./offers.js";
import { accessText, button } from "./parts.js";
import { firstOf, t } from "./text.js";
import { loadStanding, ticketActions, ticketOffer } from "./tickets.js";

/** @typedef {import("./page_space.js").Model} Model */

/** Codes of an eviction because the same person came in elsewhere. */
const ELSEWHERE = ["displaced", "replaced"];

/** Codes of an eviction that is told also where the door is open. */
const SAID = ["removed", "guest_over"];

/** @param {Model} model @param {import("./client.js").Problem} problem */
export function lockedView(model, problem) {
  const { space, client, me, busy } = model;
  const evicted = client.state === "evicted";
  const elsewhere = ELSEWHERE.includes(problem.code);
  const open = space.you?.admitted && !elsewhere; // paid meanwhile, or invited
  const offers = open ? [] : (problem.offers ?? []);
  const ticket = open ? null : space.you?.problem?.ticket ?? problem.ticket;
  const signedOut = !me && problem.status === 401;
  return h(
    `section.box.locked${evicted ? ".evicted" : ""}`,
    { "data-key": "locked", "data-code": problem.code, role: evicted ? "alert" : undefined },
    h("span.box-icon", {}, icon(ticket && !offers.length ? "ticket" : "lock")),
    h("h2", {}, lockedTitle(space, problem.code, evicted, offers.length > 0, Boolean(ticket))),
    h("p", {}, open && !SAID.includes(problem.code) ? t("locked.open") : reasonText(model, problem, offers.length > 0, ticket ?? null)),
    signedOut && button("sign-in", t("account.sign_in"), { kind: "primary big" }),
    (offers.length > 0 || ticket) && h(
      "ul.offers",
      {},
      ticket && ticketOffer(model, ticket, signedOut),
      byTier(offers).map((offer) => offerCard({ ...offer, busy: busy === offer.tier })),
    ),
    offers.length > 0 && h("p.hint", {}, t("tier.renews")),
    !open && (problem.communities ?? []).map(({ id, name, step }) => h(
      "a.button.primary",
      { href: `/c/${id}`, "data-key": `community-${id}` },
      t(`locked.community.${step}`, { name }),
    )),
    elsewhere && button("listen", t("action.listen_here"), { kind: "primary big", icon: "listen" }),
    open && button("listen", t(problem.code === "removed" ? "action.come_back" : "action.come_in"), { kind: "primary big", icon: "listen" }),
    client.state === "denied" && !open && !offers.length && !ticket && !signedOut && !problem.communities?.length
      && button("listen", t("action.enter_again"), { kind: "big" }),
  );
}

/** A tier has an offer for each of its prices: one card with all of them. @param {import("./api.js").Offer[]} offers */
function byTier(offers) {
  const tiers = new Map(offers.map(({ tier }) => [tier, offers.filter((one) => one.tier === tier)]));
  return [...tiers.values()].map((prices) => ({ ...firstPrice(prices), prices }));
}

/**
 * @param {Model} model @param {import("./client.js").Problem} problem
 * @param {boolean} tiers whether any is on sale @param {import("./tickets.js").TicketWay | null} ticket
 */
function reasonText({ space, client, me, tickets }, problem, tiers, ticket) {
  const values = { creator: space.creator.name };
  const onSale = ticket?.sale === "on_sale";
  if (client.state === "evicted") return firstOf([`evicted.${problem.code}`, "evicted.other"], values);
  if (tickets?.mine?.state === "reserved") return t("locked.reserved");
  if (!me && problem.status === 401) {
    return t(ticket ? "locked.not_signed_in_ticket" : tiers ? "locked.not_signed_in_offers" : "locked.not_signed_in", values);
  }
  if (tiers && onSale) return t("locked.either", values);
  if (ticket && !tiers && !onSale) return t(`locked.ticket.${ticket.sale}`, values);
  return firstOf([`locked.${problem.code}`, "locked.other"], values);
}

/**
 * @param {import("./client.js").Space} space @param {string} code @param {boolean} evicted @param {boolean} tiers
 * @param {boolean} ticket
 */
function lockedTitle(space, code, evicted, tiers, ticket) {
  if (evicted) return firstOf([`evicted.title.${code}`, "evicted.title"], {});
  if (["locked", "full", "blocked"].includes(code)) return t(`locked.title.${code}`);
  if (tiers && ticket) return t("locked.both_title");
  if (tiers) return t("locked.title");
  if (ticket) return t("locked.ticket_title");
  return space.access.some(({ policy }) => policy === "members") ? t("locked.members_title") : accessText(space);
}

/** What else the door has to know. @param {Model} model @param {import("./api.js").Api} api */
export async function look(model, api) {
  const way = model.space.you?.problem?.ticket;
  model.tickets = way ? await loadStanding(api, model.client.id, model.me !== null, way) : null;
}

/**
 * @param {Model} model @param {() => void} draw @param {import("./app.js").Page} page @param {() => Promise<void>} again
 * @returns {Record<string, (control: HTMLElement) => Promise<void> | void>}
 */
export const doorActions = (model, draw, { api, signIn }, again) => ({
  ...ticketActions(model, draw, { api, signIn, look: again }),
  subscribe: async ({ dataset: { tier = "", creator = "", currency, interval } }) => {
    if (!tier || model.busy) return;
    if (!model.me) return signIn();
    model.busy = tier;
    draw();
    try {
      const { checkout_url: address } = await api.post(`/v1/creators/${creator}/subscriptions`, { tier, currency, interval });
      if (address) goToPay(address, { enter: model.client.id });
    } finally {
      model.busy = "";
    }
  },
});
