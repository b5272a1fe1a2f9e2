"""Records, accounts and rooms as the API shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import UNSET, UnsetType

from access.community_rights import CommunityWay
from access.decide import Offer
from access.model import Account, Comp, Standing, Subscription, Tier
from access.money_model import RefundRequest
from spaces.directory import Audience
from spaces.room import Room
from spaces.room_record import Invitation, Record
from spaces.room_rules import Role
from spaces.signaling.answers import (
    AccountView,
    CommunityWayView,
    CompView,
    HandView,
    OfferView,
    PriceView,
    RuleView,
    SpaceView,
    StageInvitationView,
    StageMemberView,
    StandingView,
    SubscriptionView,
    TierView,
    YouView,
)
from spaces.signaling.answers_talk import ChatLineView, PinView
from spaces.signaling.schemas_money import RefundRequestView
from spaces.talk.chat import Line

Accounts = Mapping[int, Account]


def account_view(account: Account, viewer: Account | None = None) -> AccountView:
    """`sub` is for the account's own integration: a viewer of another, or nobody in particular, does not see it."""
    known = viewer is not None and viewer.integration is not None and viewer.integration == account.integration
    return AccountView(
        id=str(account.id),
        handle=account.handle,
        sub=account.sub if known else None,
        name=account.name,
        guest=True if account.is_guest else UNSET,
    )


def refunds_asked(asked: list[RefundRequest]) -> list[RefundRequestView]:
    return [RefundRequestView(amount_minor=one.amount_minor, reason=one.reason, asked_at=one.asked_at) for one in asked]


def offer_view(offer: Offer, url: str) -> OfferView:
    return OfferView(
        tier=str(offer.tier),
        name=offer.name,
        creator=offer.creator,
        amount_minor=offer.amount_minor,
        currency=offer.currency,
        interval=offer.interval,
        benefits=list(offer.benefits),
        url=f"{url}/@{offer.creator}",
    )


def way_view(way: CommunityWay) -> CommunityWayView:
    return CommunityWayView(
        id=str(way.community),
        name=way.name,
        step=way.step,  # type: ignore[arg-type]
        rules_version=way.rules_version,
    )


def stage_view(record: Record, room: Room | None, accounts: Accounts, viewer: Account | None) -> list[StageMemberView]:
    return [
        StageMemberView(
            account=account_view(accounts[member.account], viewer),
            role=member.role.value,  # type: ignore[arg-type]  # nobody on stage is a listener
            muted=room is not None and member.account in room.muted,
            connected=room is not None and room.on_air(member.account),
        )
        for member in record.stage
    ]


def space_view(
    record: Record,
    room: Room | None,
    accounts: Accounts,
    *,
    viewer: Account | None = None,
    you: YouView | UnsetType = UNSET,
    may_join: bool | UnsetType = UNSET,
    audience: Audience | None = None,
) -> SpaceView:
    """`room`: the Space as it lives now, None if it does not, or not here: then `audience` may tell how many listen, and the
    peak. `accounts` has the creator and the stage."""
    if room is not None:
        audience = Audience(room.listeners, room.peak)
    elif audience is None:
        audience = Audience(0, record.peak_listeners)
    return SpaceView(
        id=record.id,
        title=record.title,
        state=record.state.value,
        creator=account_view(accounts[record.creator], viewer),
        access=[
            RuleView(
                policy=rule.policy,
                tier=str(rule.tier) if rule.tier is not None else UNSET,
                community=str(rule.community) if rule.community is not None else UNSET,
            )
            for rule in record.access
        ],
        topics=list(record.topics),
        language=record.language,
        scheduled_start=record.scheduled_start,
        time_zone=record.time_zone,
        moved_at=record.moved_at,
        moved_from=record.moved_from,
        created_at=record.created_at,
        started_at=record.started_at,
        ended_at=record.ended_at,
        listeners=audience.listeners,
        peak_listeners=audience.peak,
        recording=record.recording,
        locked=record.locked,
        capacity=record.capacity,
        asking=record.asking.value,
        asking_seconds=record.asking_seconds,
        chat=record.chat.value,
        chat_seconds=record.chat_seconds,
        captions=record.captions.value,
        closing_at=room.closing_at if room is not None else None,
        stage=stage_view(record, room, accounts, viewer),
        you=you,
        may_join=may_join,
    )


def accounts_of(record: Record) -> set[int]:
    """Whose accounts a view of this Space shows."""
    invited = (account for invitation in record.invitations for account in (invitation.account, invitation.by))
    return {record.creator, *(member.account for member in record.stage), *invited}


def hands_view(room: Room, accounts: Accounts) -> list[HandView]:
    return [HandView(account=account_view(accounts[account]), since=since) for account, since in room.hands.items()]


def invitation_view(invitation: Invitation, accounts: Accounts) -> StageInvitationView:
    return StageInvitationView(
        account=account_view(accounts[invitation.account]),
        role=invitation.role.value,  # type: ignore[arg-type]  # nobody is invited to be a listener
        by=account_view(accounts[invitation.by]),
        since=invitation.since,
    )


def pins_view(record: Record) -> list[PinView]:
    return [PinView(url=pin.url, title=pin.title) for pin in record.pins]


def line_view(line: Line, author: Account) -> ChatLineView:
    return ChatLineView(id=str(line.id), account=account_view(author), at=line.at, text=line.text)


def invitations_view(record: Record, accounts: Accounts) -> list[StageInvitationView]:
    return [invitation_view(invitation, accounts) for invitation in record.invitations]


def role_name(role: Role) -> str:
    return role.value


def tier_view(tier: Tier) -> TierView:
    return TierView(
        id=str(tier.id),
        name=tier.name,
        level=tier.level,
        state=tier.state,  # type: ignore[arg-type]
        benefits=list(tier.benefits),
        prices=[PriceView(currency=p.currency, amount_minor=p.amount_minor, interval=p.interval) for p in tier.prices],
        trial_days=tier.trial_days,
    )


def standing_view(standing: Standing) -> StandingView:
    return StandingView(
        tier=None if standing.tier is None else str(standing.tier),
        status=standing.status,
        until=standing.until,
        cancel_at_period_end=standing.cancel_at_period_end,
    )


def comp_view(comp: Comp, accounts: Accounts, viewer: Account) -> CompView:
    return CompView(
        id=str(comp.id),
        account=account_view(accounts[comp.account], viewer),
        tier=str(comp.tier),
        starts_at=comp.starts_at,
        ends_at=comp.ends_at,
        ended_at=comp.ended_at,
    )


def subscription_view(
    subscription: Subscription, accounts: Accounts, viewer: Account | None, *, may_pay: Callable[[Subscription], bool]
) -> SubscriptionView:
    return SubscriptionView(
        id=str(subscription.id),
        status=subscription.status,
        account=account_view(accounts[subscription.account], viewer),
        creator=account_view(accounts[subscription.creator], viewer),
        tier=str(subscription.tier),
        tier_name=subscription.tier_name,
        amount_minor=subscription.amount_minor,
        currency=subscription.currency,
        interval=subscription.interval,
        until=subscription.until,
        cancel_at_period_end=subscription.cancel_at_period_end,
        checkout_url=subscription.checkout_url if may_pay(subscription) else None,
        payment=subscription.payment_state,  # type: ignore[arg-type]
        next_tier=None if subscription.next_tier is None else str(subscription.next_tier),
        trial_days=subscription.trial_days,
        test_money=subscription.provider == "test",
        created_at=subscription.created_at,
        ended_at=subscription.ended_at,
    )
