"""What creators offer, over HTTP: members of publications, tiers' prices and benefits, coupons."""

from __future__ import annotations

from access.errors import AccessError
from access.model import Tier
from access.money_model import Coupon
from spaces.signaling import schemas_money as schemas
from spaces.signaling.accounts import need_account
from spaces.signaling.answers import TierView
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.rest_creators import creator_named, read_id
from spaces.signaling.views import account_view, tier_view


async def list_members(call: Call) -> schemas.MembersView:
    found = await call.services.access.offers.members(call.me, await creator_named(call))
    accounts = await call.services.access.accounts({member.account for member in found})
    return schemas.MembersView(
        members=[
            schemas.MemberView(
                account=account_view(accounts[member.account], call.me),
                role=member.role,  # type: ignore[arg-type]
                since=member.since,
            )
            for member in found
        ]
    )


async def set_role(call: Call) -> schemas.MembersView:
    body: schemas.NewRole = call.body
    access = call.services.access
    account = await need_account(access, call.me, call.match("account"))
    await access.offers.set_role(call.me, await creator_named(call), account, body.role)
    return await list_members(call)


async def remove_member(call: Call) -> None:
    access = call.services.access
    account = await need_account(access, call.me, call.match("account"))
    await access.offers.remove_member(call.me, await creator_named(call), account)


async def publish_tier(call: Call) -> TierView:
    return tier_view(await call.services.access.publish_tier(call.me, _tier(call)))


async def archive_tier(call: Call) -> TierView:
    return tier_view(await call.services.access.archive_tier(call.me, _tier(call)))


async def add_price(call: Call) -> Answer:
    """A price for a currency and interval; the one before it is archived, never changed."""
    body: schemas.NewTierPrice = call.body
    tier: Tier = await call.services.access.replace_price(
        call.me, _tier(call), amount_minor=body.amount_minor, currency=body.currency, interval=body.interval
    )
    return Answer(tier_view(tier), 201)


async def set_benefits(call: Call) -> TierView:
    body: schemas.TierBenefits = call.body
    tier = await call.services.access.offers.set_benefits(call.me, _tier(call), body.benefits)
    call.services.rights.nudge()
    return tier_view(tier)


async def create_coupon(call: Call) -> Answer:
    body: schemas.NewCoupon = call.body
    if (body.amount_off_minor is None) != (body.currency is None):
        raise AccessError(422, "bad_field", "currency: goes with amount_off_minor", "currency")
    amount_off = None
    if body.amount_off_minor is not None and body.currency is not None:
        amount_off = (body.amount_off_minor, body.currency)
    made = await call.services.access.offers.create_coupon(
        call.me,
        await creator_named(call),
        code=body.code,
        percent_off=body.percent_off,
        amount_off=amount_off,
        duration=body.duration,
        months=body.months,
        tier=None if body.tier is None else int(body.tier),
        redemptions_max=body.redemptions_max,
        expires_at=body.expires_at,
    )
    return Answer(_coupon(made), 201)


async def list_coupons(call: Call) -> schemas.CouponsView:
    found = await call.services.access.offers.coupons(call.me, await creator_named(call))
    return schemas.CouponsView(coupons=[_coupon(coupon) for coupon in found])


async def archive_coupon(call: Call) -> schemas.CouponView:
    return _coupon(
        await call.services.access.offers.archive_coupon(call.me, await creator_named(call), call.match("code"))
    )


def _tier(call: Call) -> int:
    return read_id(call.match("tier"), "tier")


def _coupon(coupon: Coupon) -> schemas.CouponView:
    return schemas.CouponView(
        code=coupon.code,
        percent_off=coupon.percent_off,
        amount_off_minor=coupon.amount_off_minor,
        currency=coupon.currency,
        duration=coupon.duration,  # type: ignore[arg-type]
        months=coupon.months,
        tier=None if coupon.tier is None else str(coupon.tier),
        redemptions=coupon.redemptions,
        redemptions_max=coupon.redemptions_max,
        expires_at=coupon.expires_at,
        archived_at=coupon.archived_at,
    )
