"""Merchandise discounts over HTTP: offered by creators, held by subscribers, asked about by shops."""

from __future__ import annotations

import csv
import io

from aiohttp import web

from access import merch_codes
from access.benefit_model import CreatorKey, MerchCode, MerchDiscount
from access.model import Creator
from spaces.errors import RequestError
from spaces.signaling.callers import bearer_token
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.pages_of_lists import next_page, read_before
from spaces.signaling.rest_creators import read_id
from spaces.signaling.schemas_merch import (
    CodesView,
    CodeToRedeem,
    CodeToVerify,
    CodeView,
    CreatorKeysView,
    CreatorKeyView,
    DiscountsView,
    DiscountView,
    NewCreatorKey,
    NewDiscount,
    SoldCodesView,
    SoldCodeView,
    VerdictView,
)
from spaces.signaling.views import account_view

# --- the creator's side


async def offer(call: Call) -> DiscountView:
    body: NewDiscount = call.body
    made = await call.services.access.merch.offer(
        call.me,
        await _creator(call),
        read_id(call.match("tier"), "tier"),
        percent=body.percent,
        codes_per_month_max=body.codes_per_month_max,
    )
    return _discount_view(made)


async def end_offer(call: Call) -> None:
    tier = read_id(call.match("tier"), "tier")
    await call.services.access.merch.end_offer(call.me, await _creator(call), tier)


async def list_discounts(call: Call) -> DiscountsView:
    found = await call.services.access.merch.discounts(await _creator(call))
    return DiscountsView(discounts=[_discount_view(discount) for discount in found])


async def list_codes(call: Call) -> SoldCodesView:
    access = call.services.access
    codes = await access.merch.codes_of(call.me, await _creator(call), before=read_before(call))
    accounts = await access.accounts({code.account for code in codes})
    return SoldCodesView(
        codes=[
            SoldCodeView(
                id=str(code.id),
                account=account_view(accounts[code.account], call.account),
                tier=str(code.tier),
                percent=code.percent,
                state=code.state,  # type: ignore[arg-type]
                good=code.good,
                issued_at=code.issued_at,
                redeemed_at=code.redeemed_at,
                order=code.order_ref,
            )
            for code in codes
        ],
        next=next_page(codes, merch_codes.LISTED_MAX),
    )


async def export_codes(call: Call) -> web.Response:
    """The codes that are good now, as CSV (RFC 4180): what is in the list lags behind what is true from then on."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("code", "percent", "issued_at"))
    for code in await call.services.access.merch.good_codes(call.me, await _creator(call)):
        rows.writerow((code.code, code.percent, code.issued_at.isoformat()))
    headers = {"Content-Disposition": 'attachment; filename="codes.csv"', "Cache-Control": "no-store"}
    return web.Response(text=text.getvalue(), content_type="text/csv", charset="utf-8", headers=headers)


async def revoke_code(call: Call) -> None:
    code = read_id(call.match("code"), "code")
    await call.services.access.merch.revoke(call.me, await _creator(call), code)


async def add_key(call: Call) -> CreatorKeyView:
    body: NewCreatorKey = call.body
    merch = call.services.access.merch
    key, token = await merch.add_key(call.me, await _creator(call), name=body.name, scope=body.scope)
    return _key_view(key, token)


async def list_keys(call: Call) -> CreatorKeysView:
    found = await call.services.access.merch.keys(call.me, await _creator(call))
    return CreatorKeysView(keys=[_key_view(key) for key in found])


async def revoke_key(call: Call) -> None:
    await call.services.access.merch.revoke_key(call.me, await _creator(call), call.match("key"))


# --- the subscriber's side


async def issue(call: Call) -> Answer:
    code = await call.services.access.merch.issue(call.me, await _creator(call))
    return Answer((await _show(call, [code]))[0], 201)


async def list_mine(call: Call) -> CodesView:
    return CodesView(codes=await _show(call, await call.services.access.merch.codes(call.me)))


# --- the shop's side


async def verify(call: Call) -> VerdictView:
    body: CodeToVerify = call.body
    return _verdict(await call.services.access.merch.verify(await _shop(call), body.code))


async def redeem(call: Call) -> VerdictView:
    body: CodeToRedeem = call.body
    return _verdict(await call.services.access.merch.redeem(await _shop(call), body.code, order=body.order))


async def _shop(call: Call) -> CreatorKey:
    """Raises RequestError(401), TokenError."""
    token = bearer_token(call.request)
    if token is None:
        raise RequestError(401, "not_signed_in", "Authorization: Bearer and a creator's key with the scope merch")
    return await call.services.access.merch.authenticate(token)


async def _creator(call: Call) -> Creator:
    return await call.services.access.creator(call.match("handle"))


async def _show(call: Call, codes: list[MerchCode]) -> list[CodeView]:
    accounts = await call.services.access.accounts({code.creator for code in codes})
    return [
        CodeView(
            id=str(code.id),
            creator=account_view(accounts[code.creator], call.account),
            tier=str(code.tier),
            percent=code.percent,
            code=code.code,
            state=code.state,  # type: ignore[arg-type]
            good=code.good,
            issued_at=code.issued_at,
            redeemed_at=code.redeemed_at,
        )
        for code in codes
    ]


def _verdict(code: MerchCode) -> VerdictView:
    return VerdictView(
        code=code.code,
        percent=code.percent,
        state=code.state,  # type: ignore[arg-type]
        good=code.good,
        redeemed_at=code.redeemed_at,
    )


def _discount_view(discount: MerchDiscount) -> DiscountView:
    return DiscountView(
        tier=str(discount.tier), percent=discount.percent, codes_per_month_max=discount.codes_per_month_max
    )


def _key_view(key: CreatorKey, token: str | None = None) -> CreatorKeyView:
    return CreatorKeyView(
        id=key.id, name=key.name, scope=key.scope, created_at=key.created_at, revoked_at=key.revoked_at, token=token
    )
