/** One's own tickets: where they lead, how they stand, and giving one to somebody else. */
import { refundReasons } from "./account_payments.js";
import { goToPay } from "./checkout.js";
import { ask, toast } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { accountOf, actButton, field } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { button } from "./parts.js";
import { money, t, timeText } from "./text.js";

/** @typedef {import("./tickets.js").Ticket} Ticket */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function ticketsPart({ api, me, acts, load: loadAll }) {
  /** @type {PagedList<Ticket>} */
  const tickets = new PagedList({ api, acts, path: "/v1/me/tickets", what: "tickets", keep: ({ state }) => state !== "void" });
  const one = (/** @type {HTMLElement} */ { dataset: { ticket } }) =>
    /** @type {Ticket} */ (tickets.rows.find(({ id }) => id === ticket));
  return {
    load: () => tickets.load(),
    view: () => h(
      "section.panel",
      { "aria-labelledby": "tickets-title" },
      h("h2", { id: "tickets-title" }, t("ticket.title")),
      tickets.empty ? h("p.none", {}, t("ticket.none")) : tickets.view((ticket) => ticketView(ticket, me.id, acts)),
    ),
    actions: {
      ...tickets.actions,
      "ticket-pay": (control) => goToPay(String(one(control).checkout_url)),
      "ticket-drop": (control) => acts.run(`ticket-${one(control).id}`, async () => {
        await api.post(`/v1/tickets/${one(control).id}/cancel`);
        await loadAll();
      }),
      "ticket-give": async (control) => {
        const ticket = one(control);
        const account = await askWhom(ticket);
        if (!account) return;
        await acts.run(`ticket-${ticket.id}`, async () => {
          await api.post(`/v1/tickets/${ticket.id}/transfer`, { account });
          toast(t("ticket.given", { account }));
          await loadAll();
        });
      },
    },
  };
}

/** @param {Ticket} ticket @returns {Promise<string | null>} an account, as the API takes it */
async function askWhom({ name }) {
  const answer = await ask(t("ticket.give_title", { name }), [
    h("p", {}, t("ticket.give_what")),
    field("give-to", t("ticket.give_to"), { autocapitalize: "none", spellcheck: "false", maxlength: 65, hint: t("ticket.give_hint") }),
    h("div.row", {}, button("cancel", t("app.cancel")), button("give", t("ticket.give"), { kind: "primary" })),
  ]);
  const typed = /** @type {HTMLInputElement | null} */ (answer?.dialog.querySelector("#give-to"))?.value.trim() ?? "";
  if (!typed) return null;
  return accountOf(typed);
}

/** @param {Ticket} ticket @param {string} me */
function standing(ticket, me) {
  if (ticket.account.id !== me) return t("ticket.gone", { name: ticket.account.name });
  if (ticket.state === "reserved") {
    return t(ticket.payment_state === "pending" ? "ticket.pending" : "ticket.held", { time: timeText(ticket.reserved_until) });
  }
  return t(`ticket.state.${ticket.state}`);
}

/** @param {Ticket} ticket @param {string} me @param {import("./acts.js").Acts} acts */
function ticketView(ticket, me, acts) {
  const { id, state } = ticket;
  const which = { "data-ticket": id };
  const label = (/** @type {string} */ text) => t("ticket.label", { act: text, name: ticket.name });
  const unpaid = state === "reserved" && ticket.payment_state !== "pending" && ticket.checkout_url;
  const refused = acts.of(`ticket-${id}`);
  return h(
    "li.thing",
    { "data-key": id, "data-status": state },
    h("span.thing-icon", { "aria-hidden": "true" }, icon("ticket")),
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, h("a", { href: `/s/${ticket.space}` }, ticket.name)),
      h("p.quiet", {}, `${money(ticket.amount_minor, ticket.currency)} · ${standing(ticket, me)}`),
      refundReasons(ticket),
      refused && h("p.trouble", { role: "alert" }, refused.text),
    ),
    h(
      "div.thing-acts",
      {},
      unpaid && button("ticket-pay", t("ticket.go_on"), { ...which, kind: "primary", "aria-label": label(t("ticket.go_on")) }),
      unpaid && actButton(acts, `ticket-${id}`, "ticket-drop", t("ticket.drop"), { ...which, "aria-label": label(t("ticket.drop")) }),
      state === "paid" && ticket.account.id === me && actButton(acts, `ticket-${id}`, "ticket-give", t("ticket.give"), {
        ...which,
        "aria-haspopup": "dialog",
        "aria-label": label(t("ticket.give")),
      }),
    ),
  );
}
