"""The (account, creator) pair: the unit in which rights are kept. Its row serialises writers and counts what was taken away."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import insert_or_ignore
from access.tables import accounts, epochs

WHOLE = select(accounts.c.epoch).where(accounts.c.id == bindparam("of_account"))


async def lock_pair(connection: AsyncConnection, account: int, creator: int) -> None:
    """Nobody else changes this pair's rights until the transaction ends. Take it before reading what it guards.

    A transaction locks one pair, before it publishes: that order is the same everywhere, so nobody waits in a circle.
    """
    await connection.execute(insert_or_ignore(connection, epochs).values(account=account, creator=creator, epoch=0))
    await connection.execute(_row(account, creator).with_for_update())


async def take_away(connection: AsyncConnection, account: int, creator: int) -> None:
    """A right of the pair has ended before its date: every join token and unconfirmed seat from before is void."""
    await connection.execute(
        update(epochs).where(epochs.c.account == account, epochs.c.creator == creator).values(epoch=epochs.c.epoch + 1)
    )


async def current_epoch(connection: AsyncConnection, account: int | None, creator: int) -> int:
    """Of the pair and of the account as a whole together: each only grows, so the sum tells of both. Anonymous: 0."""
    if account is None:
        return 0
    whole = (await connection.execute(WHOLE, {"of_account": account})).scalar_one()
    pair = (await connection.execute(_row(account, creator))).scalar_one_or_none()
    return int(whole) + int(pair or 0)


def _row(account: int, creator: int) -> Select[Any]:
    return select(epochs.c.epoch).where(epochs.c.account == account, epochs.c.creator == creator)
