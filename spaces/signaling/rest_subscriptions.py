"""Subscriptions over HTTP: subscribe, pay with test money, cancel."""

from __future__ import annotations

from access import follows
from access.model import Account, Subscription
from spaces.signaling import rest_gifts, rest_tickets
from spaces.signaling.answers import SubscribersView, SubscriptionsView, SubscriptionView
from spaces.signaling.bodies import Cancellation, NewSubscription, Payment
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.pages_of_lists import next_page, read_before
from spaces.signaling.rest_creators import read_id
from spaces.signaling.schemas_gifts import GiftView
from spaces.signaling.schemas_money import PortalView, SubscriptionChange, TestPayment
from spaces.signaling.schemas_tickets import TicketView
from spaces.signaling.views import subscription_view


async def subscribe(call: Call) -> Answer:
    body: NewSubscription = call.body
    access = call.services.access
    creator = await access.creator(call.match("handle"))
    subscription = await access.follows.subscribe(
        call.me,
        creator,
        tier=int(body.tier),
        currency=body.currency,
        interval=body.interval,
        coupon=body.coupon,
    )
    return Answer((await _show(call, [subscription], call.me))[0], 201)


async def list_subscribers(call: Call) -> SubscribersView:
    access = call.services.access
    creator, before = await access.creator(call.match("handle")), read_before(call)
    found = await access.follows.subscribers(call.me, creator, before=before)
    return SubscribersView(subscriptions=await _show(call, found, call.me), next=next_page(found, follows.LISTED_MAX))


async def list_mine(call: Call) -> SubscriptionsView:
    found = await call.services.access.follows.of_account(call.me)
    return SubscriptionsView(subscriptions=await _show(call, found, call.me))


async def cancel(call: Call) -> SubscriptionView:
    body: Cancellation = call.body
    return await _changed(call, await call.services.access.follows.cancel(call.me, _number(call), at=body.at))


async def change(call: Call) -> SubscriptionView:
    body: SubscriptionChange = call.body
    changed = await call.services.access.follows.change(
        call.me, _number(call), tier=int(body.tier), interval=body.interval
    )
    return await _changed(call, changed)


async def resume(call: Call) -> SubscriptionView:
    return await _changed(call, await call.services.access.follows.resume(call.me, _number(call)))


async def pause(call: Call) -> SubscriptionView:
    return await _changed(call, await call.services.access.follows.pause(call.me, _number(call)))


async def choose_payment(call: Call) -> SubscriptionView:
    body: TestPayment = call.body
    chosen = await call.services.access.follows.choose_payment(call.me, _number(call), body.outcome)
    return await _changed(call, chosen)


async def portal(call: Call) -> PortalView:
    """`return_path` of the query: where the payer comes back to, below the server's address."""
    path = own_path(call.request.query.get("return_path", "/"))
    return PortalView(url=await call.services.access.follows.portal_url(call.me, _number(call), return_path=path))


async def get_checkout(call: Call) -> SubscriptionView | TicketView | GiftView:
    """What an address `…/pay/{ref}` asks money for; whoever has the address may see it."""
    if (ticket := await rest_tickets.get_checkout(call)) is not None:
        return ticket
    if (gift := await rest_gifts.get_checkout(call)) is not None:
        return gift
    subscription = await call.services.access.follows.checkout(call.match("ref"))
    return (await _show(call, [subscription], None, payer=True))[0]


async def pay(call: Call) -> SubscriptionView | TicketView | GiftView:
    body: Payment = call.body
    if await rest_tickets.get_checkout(call) is not None:
        return await rest_tickets.pay(call, body.outcome)
    if await rest_gifts.get_checkout(call) is not None:
        return await rest_gifts.pay(call, body.outcome)
    subscription = await call.services.access.follows.pay(call.match("ref"), body.outcome)
    call.services.rights.nudge()
    return (await _show(call, [subscription], None, payer=True))[0]


def own_path(wanted: str) -> str:
    """A path below the server's own address, whatever was asked for."""
    return wanted if wanted.startswith("/") and not wanted.startswith("//") else "/"


def _number(call: Call) -> int:
    return read_id(call.match("subscription"), "subscription")


async def _changed(call: Call, subscription: Subscription) -> SubscriptionView:
    call.services.rights.nudge()
    return (await _show(call, [subscription], call.me))[0]


async def _show(
    call: Call, subscriptions: list[Subscription], viewer: Account | None, *, payer: bool = False
) -> list[SubscriptionView]:
    """`payer`: whoever asks holds the address to pay at."""
    accounts = await call.services.access.accounts(
        {account for s in subscriptions for account in (s.account, s.creator)}
    )  # fmt: skip

    def may_pay(subscription: Subscription) -> bool:
        return payer or (viewer is not None and viewer.id == subscription.account)

    return [subscription_view(s, accounts, viewer, may_pay=may_pay) for s in subscriptions]
