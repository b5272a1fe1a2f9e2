"""Gifts over HTTP: bought, handed on as a link, redeemed, paid back."""

from __future__ import annotations

from access import gift_rows
from access.gift_model import Gift
from access.model import Account
from spaces.signaling.accounts import need_account
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.pages_of_lists import next_page, read_before
from spaces.signaling.rest_creators import read_id
from spaces.signaling.schemas_gifts import GiftCode, GiftLinkView, GiftsView, GiftView, NewGift
from spaces.signaling.views import Accounts, account_view, refunds_asked


async def buy(call: Call) -> Answer:
    body: NewGift = call.body
    access = call.services.access
    creator = await access.creator(call.match("handle"))
    recipient = None if body.recipient is None else await need_account(access, call.me, body.recipient)
    bought = await access.gifts.buy(
        call.me,
        creator,
        tier=int(body.tier),
        intervals=body.intervals,
        recipient=recipient,
        currency=body.currency,
        interval=body.interval,
    )
    return Answer(await _one(call, bought, call.me), 201)


async def list_mine(call: Call) -> GiftsView:
    found = await call.services.access.gifts.of_account(call.me, before=read_before(call))
    return GiftsView(gifts=await _show(call, found, call.me), next=next_page(found, gift_rows.LISTED_MAX))


async def list_of_creator(call: Call) -> GiftsView:
    access = call.services.access
    creator, before = await access.creator(call.match("handle")), read_before(call)
    found = await access.gifts.of_creator(call.me, creator, before=before)
    following = next_page(found, gift_rows.LISTED_MAX)
    return GiftsView(gifts=await _show(call, found, call.me, money=True), next=following)


async def make_link(call: Call) -> Answer:
    code, gift = await call.services.access.gifts.make_link(call.me, _number(call))
    assert gift.code_expires_at is not None
    link = f"{call.services.url()}/gift#{code}"  # what follows # is in no log and no Referer
    return Answer(GiftLinkView(link=link, code=code, expires_at=gift.code_expires_at), 201)


async def look(call: Call) -> GiftView:
    body: GiftCode = call.body
    return await _one(call, await call.services.access.gifts.look(body.code), call.account)


async def redeem_code(call: Call) -> GiftView:
    body: GiftCode = call.body
    return await _redeemed(call, await call.services.access.gifts.redeem_code(call.me, body.code))


async def redeem_own(call: Call) -> GiftView:
    return await _redeemed(call, await call.services.access.gifts.redeem_own(call.me, _number(call)))


async def refund(call: Call) -> GiftView:
    back = await call.services.access.gifts.refund(call.me, _number(call))
    call.services.rights.nudge()
    return await _one(call, back, call.me, money=True)


async def get_checkout(call: Call) -> GiftView | None:
    """What the address asks money for, if it is a gift."""
    found = await call.services.access.gifts.checkout(call.match("ref"))
    return None if found is None else await _one(call, found, None, payer=True)


async def pay(call: Call, outcome: str) -> GiftView:
    return await _one(call, await call.services.access.gifts.pay(call.match("ref"), outcome), None, payer=True)


def _number(call: Call) -> int:
    return read_id(call.match("gift"), "gift")


async def _redeemed(call: Call, gift: Gift) -> GiftView:
    call.services.rights.nudge()
    return await _one(call, gift, call.me)


async def _one(call: Call, gift: Gift, viewer: Account | None, *, payer: bool = False, money: bool = False) -> GiftView:
    return (await _show(call, [gift], viewer, payer=payer, money=money))[0]


async def _show(
    call: Call, gifts: list[Gift], viewer: Account | None, *, payer: bool = False, money: bool = False
) -> list[GiftView]:
    """`payer`: whoever asks holds the address to pay at; `money`: is paid."""
    named = {a for one in gifts for a in (one.account, one.recipient, one.creator) if a is not None}
    accounts = await call.services.access.accounts(named)
    shown = []
    for one in gifts:
        gives = payer or (viewer is not None and viewer.id == one.account)
        has = viewer is not None and viewer.id == one.recipient
        shown.append(_view(one, accounts, viewer, gives=gives, involved=gives or has or money, priced=gives or money))
    return shown


def _view(
    one: Gift, accounts: Accounts, viewer: Account | None, *, gives: bool, involved: bool, priced: bool
) -> GiftView:
    recipient = None if one.recipient is None or not involved else accounts[one.recipient]
    return GiftView(
        id=str(one.id),
        creator=account_view(accounts[one.creator], viewer),
        tier=str(one.tier),
        tier_name=one.tier_name,
        months=one.months,
        state=one.state,  # type: ignore[arg-type]
        name=one.name,
        giver=account_view(accounts[one.account], viewer) if involved else None,
        recipient=None if recipient is None else account_view(recipient, viewer),
        amount_minor=one.amount_minor if priced else None,
        currency=one.currency if priced else None,
        test_money=one.provider == "test",
        checkout_url=one.checkout_url if gives else None,
        payment_state=one.payment_state if gives else None,
        link_expires_at=one.code_expires_at,
        redeemed_at=one.redeemed_at,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        created_at=one.created_at,
        refunds_asked=refunds_asked(one.refunds_asked) if priced else [],
    )
