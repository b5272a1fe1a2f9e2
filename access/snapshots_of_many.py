"""What decisions about one account and many resources need: a list of Spaces costs five statements, not four for each.

Only for whether somebody may: what rests on epochs, or names what would admit, is read by `access.snapshots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import snapshots
from access.decide import Resource
from access.rights import Ban, Grant, Snapshot, Suspension, TierTerms
from access.tables import accounts, bans, grants
from access.tables_operators import suspensions

TOGETHER = frozenset({"open", "members", "subscribers"})
"""Policies that need nothing of the single resource. Tickets, communities and invitations are rarer, and asked one by one."""

MINE: BindParameter[int] = bindparam("of_account")
CREATORS: BindParameter[Any] = bindparam("creators", expanding=True)

STATUS = select(accounts.c.status).where(accounts.c.id == MINE)
BANS = select(bans).where(bans.c.account == MINE, bans.c.creator.is_(None) | bans.c.creator.in_(CREATORS))
HOUSES = select(suspensions).where(suspensions.c.account.in_(CREATORS), suspensions.c.scope != "account")
GRANTS = snapshots.HELD.where(grants.c.account == MINE, grants.c.creator.in_(CREATORS))


async def load(
    connection: AsyncConnection, account: int, asked: Sequence[tuple[Resource, str | None]]
) -> list[Snapshot]:
    """One for each resource, in order; with that role in it."""
    together = [resource for resource, _ in asked if _kinds(resource) <= TOGETHER]
    mine = {"of_account": account, "creators": sorted({resource.creator for resource in together})}
    status = (await connection.execute(STATUS, {"of_account": account})).scalar_one()
    banned = [
        (row.creator, Ban(row.scope, row.space, row.start, row.end, row.community))
        for row in await connection.execute(BANS, mine)
    ]
    suspended = [
        (row.account, Suspension(row.space, row.start, row.end))
        for row in await connection.execute(HOUSES, {"creators": mine["creators"]})
    ]
    paid = {resource.creator for resource in together if "subscribers" in _kinds(resource)}
    held: dict[int, list[Grant]] = {creator: [] for creator in paid}
    if paid:
        for row in await connection.execute(GRANTS, {"of_account": account, "creators": sorted(paid)}):
            held[row.creator].append(snapshots.grant_of(row))
    terms: dict[int, tuple[TierTerms, ...]] = {}
    for creator in sorted(creator for creator, some in held.items() if some):
        _, terms[creator] = await snapshots.terms_of(connection, creator)
    found = []
    for resource, role in asked:
        if _kinds(resource) <= TOGETHER:
            snapshot = Snapshot(account, resource.creator, account_status=status, role=role)
            here = tuple(ban for creator, ban in banned if creator in (None, resource.creator))
            grants_here = tuple(held.get(resource.creator, ()))
            houses = tuple(one for creator, one in suspended if creator == resource.creator)
            snapshot = replace(
                snapshot, bans=here, grants=grants_here, tiers=terms.get(resource.creator, ()), suspensions=houses
            )
        else:
            snapshot = await snapshots.load(connection, account, resource, role)
        found.append(snapshot)
    return found


def _kinds(resource: Resource) -> set[str]:
    return {policy.policy for policy in resource.policies}
