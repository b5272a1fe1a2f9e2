"""Tickets over HTTP: the offer, buying, giving away, paying back."""

from __future__ import annotations

from access import ticket_service
from access.model import Account
from access.ticket_model import SoldTicket
from access.ticket_offers import Settings
from access.ticket_rights import TicketTerms
from spaces.errors import RequestError
from spaces.room_rules import State
from spaces.signaling.accounts import need_account
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.pages_of_lists import next_page, read_before
from spaces.signaling.rest_creators import read_id
from spaces.signaling.schemas_tickets import NewTicketOffer, TicketOfferView, TicketsView, TicketTransfer, TicketView
from spaces.signaling.views import Accounts, account_view, refunds_asked


async def set_offer(call: Call) -> TicketOfferView:
    body: NewTicketOffer = call.body
    record = await call.services.rooms.record(call.match("space"))
    if record.state in (State.ENDED, State.CANCELLED):
        raise RequestError(410, str(record.state), f"this Space is {record.state}")
    settings = Settings(
        amount_minor=body.amount_minor,
        currency=body.currency,
        quantity=body.quantity,
        sale_start=body.sale_start,
        sale_end=body.sale_end,
        open=body.open,
    )
    return _offer(call, await call.services.access.tickets.set_offer(call.me, record.id, record.creator, settings))


async def get_offer(call: Call) -> TicketOfferView:
    record = await call.services.rooms.record(call.match("space"))
    return _offer(call, await call.services.access.tickets.offer(record.id))


async def buy(call: Call) -> Answer:
    record = await call.services.rooms.record(call.match("space"))
    if record.state in (State.ENDED, State.CANCELLED):
        raise RequestError(410, str(record.state), f"this Space is {record.state}")
    bought = await call.services.access.tickets.buy(call.me, record.id, name=record.title)
    return Answer((await _show(call, [bought], call.me))[0], 201)


async def list_of_space(call: Call) -> TicketsView:
    record = await call.services.rooms.record(call.match("space"))
    sold = call.services.access.tickets
    found = await sold.of_space(call.me, record.id, record.creator, before=read_before(call))
    following = next_page(found, ticket_service.LISTED_MAX)
    return TicketsView(tickets=await _show(call, found, call.me, finance=True), next=following)


async def list_mine(call: Call) -> TicketsView:
    found = await call.services.access.tickets.of_account(call.me, before=read_before(call))
    following = next_page(found, ticket_service.LISTED_MAX)
    return TicketsView(tickets=await _show(call, found, call.me), next=following)


async def transfer(call: Call) -> TicketView:
    body: TicketTransfer = call.body
    to = await need_account(call.services.access, call.me, body.account)
    moved = await call.services.access.tickets.transfer(call.me, _number(call), to)
    call.services.rights.nudge()
    return (await _show(call, [moved], call.me))[0]


async def give_up(call: Call) -> TicketView:
    ended = await call.services.access.tickets.give_up(call.me, _number(call))
    return (await _show(call, [ended], call.me))[0]


async def refund(call: Call) -> TicketView:
    back = await call.services.access.tickets.refund(call.me, _number(call))
    call.services.rights.nudge()
    return (await _show(call, [back], call.me, finance=True))[0]


async def get_checkout(call: Call) -> TicketView | None:
    """What the address asks money for, if it is a ticket."""
    found = await call.services.access.tickets.checkout(call.match("ref"))
    return None if found is None else (await _show(call, [found], None, payer=True))[0]


async def pay(call: Call, outcome: str) -> TicketView:
    paid = await call.services.access.tickets.pay(call.match("ref"), outcome)
    call.services.rights.nudge()
    return (await _show(call, [paid], None, payer=True))[0]


def _number(call: Call) -> int:
    return read_id(call.match("ticket"), "ticket")


def _offer(call: Call, terms: TicketTerms) -> TicketOfferView:
    return TicketOfferView(
        space=terms.space,
        amount_minor=terms.amount_minor,
        currency=terms.currency,
        quantity=terms.quantity,
        left=terms.left,
        sale=call.services.access.tickets.sale(terms),  # type: ignore[arg-type]
        sale_start=terms.sale_start,
        sale_end=terms.sale_end,
    )


async def _show(
    call: Call, tickets: list[SoldTicket], viewer: Account | None, *, payer: bool = False, finance: bool = False
) -> list[TicketView]:
    """`payer`: whoever asks holds the address to pay at; `finance`: is of the creator's."""
    accounts = await call.services.access.accounts({a for one in tickets for a in (one.account, one.payer)})
    shown = []
    for one in tickets:
        pays = viewer is not None and viewer.id == one.payer
        shown.append(_view(one, accounts, viewer, may_pay=payer or pays, told=pays or finance))
    return shown


def _view(one: SoldTicket, accounts: Accounts, viewer: Account | None, *, may_pay: bool, told: bool) -> TicketView:
    return TicketView(
        id=str(one.id),
        space=one.space,
        account=account_view(accounts[one.account], viewer),
        payer=account_view(accounts[one.payer], viewer),
        state=one.state,  # type: ignore[arg-type]
        name=one.name,
        amount_minor=one.amount_minor,
        currency=one.currency,
        test_money=one.provider == "test",
        checkout_url=one.checkout_url if may_pay else None,
        payment_state=one.payment_state,
        reserved_until=one.reserved_until,
        refund_reason=one.refund_reason,
        refunds_asked=refunds_asked(one.refunds_asked) if told else [],
        admitted_at=one.admitted_at,
        created_at=one.created_at,
    )
