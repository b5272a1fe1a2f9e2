"""Reads what a decision needs, from our own rows and in the caller's transaction. No payment provider is asked.

The statements are built once: SQLAlchemy takes five times as long to build one as to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access.decide import Resource
from access.rights import Ban, Benefit, CommunityStanding, Grant, Guest, PriceOnSale, Snapshot, Suspension, TierTerms
from access.tables import accounts, bans, epochs, grants, paid_periods, tier_benefits, tier_prices, tiers
from access.tables_benefits import communities, community_members
from access.tables_operators import suspensions
from access.tables_tickets import space_invitations, ticket_offers
from access.ticket_rights import Ticket, TicketTerms

ACCOUNT: BindParameter[int] = bindparam("of_account")
CREATOR: BindParameter[int] = bindparam("of_creator")
SPACE: BindParameter[str] = bindparam("of_space")
SOME: BindParameter[Any] = bindparam("some", expanding=True)

HELD = (
    select(grants, tiers.c.level, paid_periods.c.voided_at)
    .join(tiers, tiers.c.id == grants.c.tier)
    .outerjoin(paid_periods, paid_periods.c.id == grants.c.period)
    .order_by(grants.c.id)
)
"""Grants as `grant_of` reads them."""
GRANTS = HELD.where(grants.c.account == ACCOUNT, grants.c.creator == CREATOR)
GRANTS_OF_SOME = HELD.where(grants.c.account.in_(SOME), grants.c.creator == CREATOR)

HOUSE = (
    (suspensions.c.account == CREATOR)
    & (suspensions.c.scope != "account")
    & (suspensions.c.space.is_(None) | (suspensions.c.space == SPACE))
)
SUSPENSIONS = select(suspensions).where(HOUSE).order_by(suspensions.c.id)

ACCOUNT_AND_BANS = (
    select(
        accounts.c.status,
        (accounts.c.epoch + func.coalesce(epochs.c.epoch, 0)).label("epoch"),
        accounts.c.guest_space,
        accounts.c.guest_until,
        bans,
        suspensions.c.id.label("suspension"),
        suspensions.c.space.label("suspended_space"),
        suspensions.c.start.label("suspended_from"),
        suspensions.c.end.label("suspended_until"),
    )
    .select_from(
        accounts.outerjoin(epochs, (epochs.c.account == accounts.c.id) & (epochs.c.creator == CREATOR))
        .outerjoin(bans, (bans.c.account == accounts.c.id) & (bans.c.creator.is_(None) | (bans.c.creator == CREATOR)))
        .outerjoin(suspensions, HOUSE)
    )
    .where(accounts.c.id == ACCOUNT)
    .order_by(bans.c.id, suspensions.c.id)
)

ACCOUNTS_AND_BANS_OF_SOME = (
    select(accounts.c.id.label("of"), accounts.c.status, accounts.c.guest_space, accounts.c.guest_until, bans)
    .select_from(
        accounts.outerjoin(
            bans, (bans.c.account == accounts.c.id) & (bans.c.creator.is_(None) | (bans.c.creator == CREATOR))
        )
    )
    .where(accounts.c.id.in_(SOME))
    .order_by(accounts.c.id, bans.c.id)
)

TERMS = (
    select(accounts.c.handle, tiers, tier_benefits.c.benefit, tier_benefits.c.start, tier_benefits.c.end)
    .select_from(accounts.join(tiers, tiers.c.creator == accounts.c.id).outerjoin(tier_benefits))
    .where(accounts.c.id == CREATOR)
    .order_by(tiers.c.id, tier_benefits.c.id)
)

PRICES_ON_SALE = (
    select(tier_prices)
    .join(tiers, tiers.c.id == tier_prices.c.tier)
    .where(tiers.c.creator == CREATOR, tier_prices.c.state == "published")
    .order_by(tier_prices.c.id)
)

COMMUNITIES = (
    select(
        communities,
        community_members.c.role,
        community_members.c.state,
        community_members.c.rules_version.label("accepted_version"),
    )
    .select_from(
        communities.outerjoin(
            community_members,
            (community_members.c.community == communities.c.id) & (community_members.c.account == ACCOUNT),
        )
    )
    .where(communities.c.creator == CREATOR, communities.c.id.in_(bindparam("named", expanding=True)))
    .order_by(communities.c.id)
)

TICKETS = (
    select(grants.c.id, grants.c.start, grants.c.end, grants.c.revoked_at)
    .where(
        grants.c.account == ACCOUNT,
        grants.c.creator == CREATOR,
        grants.c.source == "ticket",
        grants.c.space == bindparam("of_space"),
    )
    .order_by(grants.c.id)
)

TICKET_TERMS = select(ticket_offers).where(
    ticket_offers.c.space == bindparam("of_space"), ticket_offers.c.creator == CREATOR
)

INVITATION = select(space_invitations.c.account).where(
    space_invitations.c.space == bindparam("of_space"), space_invitations.c.account == ACCOUNT
)


async def load(connection: AsyncConnection, account: int | None, resource: Resource, role: str | None) -> Snapshot:
    """Everything that `decide` may ask about this account and this resource; few statements, as each has its price.

    What tiers cost admits nobody: it is read by `with_prices`, for those who are refused.
    """
    named = await _communities(connection, account, resource) if resource.communities else ()
    kinds = {policy.policy for policy in resource.policies}
    paid = "subscribers" in kinds
    paid |= any(community.joining == "tier" for community in named)
    handle, terms = await terms_of(connection, resource.creator) if paid else ("", ())
    tickets = await _ticket_terms(connection, resource) if "ticketed" in kinds else None
    snapshot = Snapshot(
        None, resource.creator, handle, role=role, tiers=terms, communities=named, ticket_terms=tickets
    )  # fmt: skip
    if account is None:
        return replace(snapshot, suspensions=await _suspensions(connection, resource))
    status, epoch, banned, suspended, guest = await _account(connection, account, resource)
    held = await load_grants(connection, account, resource.creator) if paid else ()
    return replace(
        snapshot,
        account=account,
        account_status=status,
        epoch=epoch,
        bans=banned,
        guest=guest,
        suspensions=suspended,
        grants=held,
        tickets=await load_tickets(connection, account, resource) if "ticketed" in kinds else (),
        invited="invite" in kinds and await _is_invited(connection, account, resource),
    )


async def with_prices(connection: AsyncConnection, snapshot: Snapshot) -> Snapshot:
    """The same, also with what the creator's tiers cost: a refusal says what would admit."""
    if not snapshot.tiers:
        return snapshot
    prices: dict[int, list[PriceOnSale]] = {terms.id: [] for terms in snapshot.tiers}
    for price in await connection.execute(PRICES_ON_SALE, {"of_creator": snapshot.creator}):
        if price.tier in prices:  # the tier may have been made since
            prices[price.tier].append(PriceOnSale(price.amount_minor, price.currency, price.interval))
    return replace(snapshot, tiers=tuple(replace(terms, prices=tuple(prices[terms.id])) for terms in snapshot.tiers))


async def load_tickets(connection: AsyncConnection, account: int, resource: Resource) -> tuple[Ticket, ...]:
    """The grants of the account's tickets for this Space, also those that were taken back."""
    mine = {"of_account": account, "of_creator": resource.creator, "of_space": resource.space}
    rows = await connection.execute(TICKETS, mine)
    return tuple(Ticket(row.id, row.start, row.end, row.revoked_at) for row in rows)


async def _ticket_terms(connection: AsyncConnection, resource: Resource) -> TicketTerms | None:
    named = {"of_creator": resource.creator, "of_space": resource.space}
    row = (await connection.execute(TICKET_TERMS, named)).one_or_none()
    return None if row is None else ticket_terms(row)


def ticket_terms(row: Row[Any]) -> TicketTerms:
    """Of a row of `ticket_offers`."""
    return TicketTerms(
        space=row.space,
        amount_minor=row.amount_minor,
        currency=row.currency,
        quantity=row.quantity,
        left=row.quantity - row.taken,
        state=row.state,
        sale_start=row.sale_start,
        sale_end=row.sale_end,
    )


async def _is_invited(connection: AsyncConnection, account: int, resource: Resource) -> bool:
    mine = {"of_account": account, "of_space": resource.space}
    return (await connection.execute(INVITATION, mine)).first() is not None


async def load_grants(connection: AsyncConnection, account: int, creator: int) -> tuple[Grant, ...]:
    """Every grant of the pair, also ended ones. A grant whose paid period was voided ends with the voiding."""
    rows = await connection.execute(GRANTS, {"of_account": account, "of_creator": creator})
    return tuple(grant_of(row) for row in rows)


async def load_many(connection: AsyncConnection, accounts_of: Sequence[int], creator: int) -> list[Snapshot]:
    """What is known of each of these accounts (that exist) and the creator, without roles and communities."""
    handle, terms = await terms_of(connection, creator)
    some = {"of_creator": creator, "some": list(accounts_of)}
    held: dict[int, list[Grant]] = {account: [] for account in accounts_of}
    for row in await connection.execute(GRANTS_OF_SOME, some):
        held[row.account].append(grant_of(row))
    snapshots: dict[int, Snapshot] = {}
    for row in await connection.execute(ACCOUNTS_AND_BANS_OF_SOME, some):
        known = snapshots.get(row.of) or Snapshot(
            row.of, creator, handle, row.status, grants=tuple(held[row.of]), tiers=terms, guest=_guest(row)
        )  # fmt: skip
        ban = () if row.scope is None else (Ban(row.scope, row.space, row.start, row.end, row.community),)
        snapshots[row.of] = replace(known, bans=(*known.bans, *ban))
    return list(snapshots.values())


def grant_of(row: Row[Any]) -> Grant:
    ends = [at for at in (row.revoked_at, row.voided_at) if at is not None]
    return Grant(
        id=row.id,
        source=row.source,
        tier=row.tier,
        level=row.level,
        start=row.start,
        end=row.end,
        grace_end=row.grace_end,
        revoked_at=min(ends, default=None),
    )


async def _communities(
    connection: AsyncConnection, account: int | None, resource: Resource
) -> tuple[CommunityStanding, ...]:
    """Those that the resource names, and the creator has."""
    named = {"of_account": account, "of_creator": resource.creator, "named": sorted(resource.communities)}
    return tuple(
        CommunityStanding(
            id=row.id,
            name=row.name,
            joining=row.joining,
            tier=row.tier,
            rules_version=row.rules_version,
            closed=row.closed_at is not None,
            role=row.role or "member",
            state=row.state,
            accepted_version=row.accepted_version,
        )
        for row in await connection.execute(COMMUNITIES, named)
    )


async def _account(
    connection: AsyncConnection, account: int, resource: Resource
) -> tuple[str, int, tuple[Ban, ...], tuple[Suspension, ...], Guest | None]:
    """Status, epoch (of account and pair), bans and suspensions of the house (a row for each of both); guest or not."""
    named = {"of_account": account, "of_creator": resource.creator, "of_space": resource.space}
    rows = (await connection.execute(ACCOUNT_AND_BANS, named)).all()
    banned = {
        row.id: Ban(row.scope, row.space, row.start, row.end, row.community) for row in rows if row.scope is not None
    }
    suspended = {
        row.suspension: Suspension(row.suspended_space, row.suspended_from, row.suspended_until)
        for row in rows
        if row.suspension is not None
    }
    return rows[0].status, rows[0].epoch, tuple(banned.values()), tuple(suspended.values()), _guest(rows[0])


async def _suspensions(connection: AsyncConnection, resource: Resource) -> tuple[Suspension, ...]:
    named = {"of_creator": resource.creator, "of_space": resource.space}
    rows = await connection.execute(SUSPENSIONS, named)
    return tuple(Suspension(row.space, row.start, row.end) for row in rows)


def _guest(row: Row[Any]) -> Guest | None:
    return None if row.guest_space is None else Guest(row.guest_space, row.guest_until)


async def terms_of(connection: AsyncConnection, creator: int) -> tuple[str, tuple[TierTerms, ...]]:
    """The creator's handle and all his tiers, with every benefit they ever gave."""
    rows = (await connection.execute(TERMS, {"of_creator": creator})).all()
    given: dict[int, list[Benefit]] = {row.id: [] for row in rows}
    for row in rows:
        if row.benefit:
            given[row.id].append(Benefit(row.benefit, row.start, row.end))
    terms = tuple(
        TierTerms(
            id=row.id,
            name=row.name,
            level=row.level,
            on_sale=row.state == "published",
            benefits=tuple(given[row.id]),
        )
        for row in {row.id: row for row in rows}.values()
    )
    return (rows[0].handle or str(creator)) if rows else "", terms
