"""Who did what to whom, written in the same transaction as the deed, each row chained to the one before by its hash.

Rows know people by pseudonyms. The row that says whose pseudonym it is goes when an account is deleted; the log, and with it
the chain of hashes, stays as it is. So nothing that tells who somebody is may stand in a row's body.

A chain has one end, which one transaction at a time can make longer. Rows are therefore chained as the last act of their
transaction: nobody waits for a lock who still has something to do.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import hooks
from access.database import before_commit, insert_or_ignore
from access.tables import audit_log, counters, pseudonyms

COUNTER = "audit"
GENESIS = "0" * 64
"""What the first row of all is chained to."""
FORGOTTEN = "audit.forgotten"
"""The row that says up to where old rows were deleted, and what the last of them had hashed to."""
FORGET_EVERY = timedelta(days=1)
BATCH = 1_000


async def record(
    connection: AsyncConnection,
    now: datetime,
    action: str,
    *,
    actor: int | None,
    account: int | None = None,
    creator: int | None = None,
    **body: Any,
) -> None:
    """Integrators are told of some acts, too (`hook_kinds`). `actor` None: the operator or the server itself. `body`: what else
    is to be known; JSON values, never a secret and nothing that tells who somebody is."""
    names = await _pseudonyms(connection, {id for id in (actor, account, creator) if id is not None})
    row = {"at": now, "action": action, "body": body}
    row |= {
        k: names.get(id) for k, id in (("actor", actor), ("account", account), ("creator", creator)) if id is not None
    }
    made = (await connection.execute(insert(audit_log).values(row).returning(audit_log.c.id))).scalar_one()
    before_commit(connection, _chain, made, last=True)
    hooks.tell_act(connection, made, now, action, actor, account, creator, body)


async def pseudonym_of(connection: AsyncConnection, account: int) -> str | None:
    """By which the log knows this account; None: it has never spoken of it, or may not be asked any more."""
    query = select(pseudonyms.c.pseudonym).where(pseudonyms.c.account == account)
    return (await connection.execute(query)).scalar_one_or_none()


async def forget(connection: AsyncConnection, now: datetime, kept: timedelta) -> None:
    """Delete rows older than that from the beginning of the chain. The chain says so itself."""
    oldest = (await connection.execute(select(func.min(audit_log.c.at)))).scalar_one()
    if oldest is None or oldest >= now - kept - FORGET_EVERY:
        return
    old = (audit_log.c.at < now - kept) & audit_log.c.seq.is_not(None)
    until = (await connection.execute(select(func.max(audit_log.c.seq)).where(old))).scalar_one()
    if until is None:
        return
    last = (await connection.execute(select(audit_log.c.hash).where(audit_log.c.seq == until))).scalar_one()
    await connection.execute(delete(audit_log).where(audit_log.c.seq <= until))
    await record(connection, now, FORGOTTEN, actor=None, seq=until, hash=last)


# --- the chain


@dataclass(frozen=True, slots=True)
class Trail:
    """What was found when the log was read from end to end."""

    rows: int
    head: str
    """`seq:hash` of the newest row: noted elsewhere, it proves later that nothing before it was changed."""
    broken: str | None
    """The first row that does not hold, and why; None: all do."""


async def check(connection: AsyncConnection, head: str | None = None) -> Trail:
    """Read the whole log. `head`: a `Trail.head` of earlier that has to be in it still."""
    seq, previous, rows, noted = 0, GENESIS, 0, head is None
    beginning = await _beginning(connection)
    async for row in _rows(connection):
        if rows == 0 and beginning is not None:
            seq, previous = beginning
        if row.seq != seq + 1:
            return Trail(rows, f"{seq}:{previous}", f"row {seq + 1} is missing")
        if row.hash != hash_of(previous, row.seq, row._asdict()):
            return Trail(
                rows, f"{seq}:{previous}", f"row {row.seq} ({row.action}, {row.at:%Y-%m-%d %H:%M:%S}) was changed"
            )
        seq, previous, rows = row.seq, row.hash, rows + 1
        noted = noted or f"{seq}:{previous}" == head
    found = f"{seq}:{previous}"
    strays = (await connection.execute(select(func.min(audit_log.c.id)).where(audit_log.c.seq.is_(None)))).scalar_one()
    if strays is not None:
        return Trail(rows, found, f"the row with id {strays} was put in beside the chain")
    if seq != (counted := await _counted(connection)):
        return Trail(rows, found, f"row {seq + 1} is missing: there were {counted}")
    return Trail(rows, found, None if noted else f"the noted end {head} is not in the log")


async def _chain(connection: AsyncConnection, ids: list[int]) -> None:
    """Give new rows their places at the end. Whoever does so has the chain to himself until he commits."""
    await connection.execute(insert_or_ignore(connection, counters).values(name=COUNTER, value=0))
    mine = select(audit_log).where(audit_log.c.id.in_(ids)).order_by(audit_log.c.id)
    rows = (await connection.execute(mine)).all()  # fewer than ids, if a savepoint was rolled back
    taken = update(counters).where(counters.c.name == COUNTER).values(value=counters.c.value + len(rows))
    last = (await connection.execute(taken.returning(counters.c.value))).scalar_one()
    seq = last - len(rows)
    previous = await _hash_at(connection, seq)
    for row in rows:
        seq += 1
        previous = hash_of(previous, seq, row._asdict())
        place = update(audit_log).where(audit_log.c.id == row.id).values(seq=seq, hash=previous)
        await connection.execute(place)


def hash_of(previous: str, seq: int, row: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over a row's facts and the hash before it."""
    at = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    facts = [previous, seq, at, *(row[column] for column in ("actor", "action", "account", "creator", "body"))]
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def _hash_at(connection: AsyncConnection, seq: int) -> str:
    """Of the row at this place, also if it has been forgotten since."""
    query = select(audit_log.c.hash).where(audit_log.c.seq == seq)
    found = (await connection.execute(query)).scalar_one_or_none()
    if found is None:
        beginning = await _beginning(connection)
        found = beginning[1] if beginning is not None and beginning[0] == seq else GENESIS
    return str(found)


async def _beginning(connection: AsyncConnection) -> tuple[int, str] | None:
    """Place and hash of the newest row that was forgotten, as the log itself tells."""
    query = select(audit_log.c.body).where(audit_log.c.action == FORGOTTEN).order_by(audit_log.c.id.desc()).limit(1)
    body = (await connection.execute(query)).scalar_one_or_none()
    return None if body is None else (int(body["seq"]), str(body["hash"]))


async def _rows(connection: AsyncConnection) -> AsyncIterator[Row[Any]]:
    """The chained rows in their order, a batch at a time."""
    after = 0
    while True:
        query = select(audit_log).where(audit_log.c.seq > after).order_by(audit_log.c.seq).limit(BATCH)
        rows = (await connection.execute(query)).all()
        for row in rows:
            yield row
        if len(rows) < BATCH:
            return
        after = rows[-1].seq


async def _counted(connection: AsyncConnection) -> int:
    query = select(counters.c.value).where(counters.c.name == COUNTER)
    return (await connection.execute(query)).scalar_one_or_none() or 0


async def _pseudonyms(connection: AsyncConnection, accounts: set[int]) -> dict[int, str]:
    """Of each, made where there is none yet."""
    mine = select(pseudonyms).where(pseudonyms.c.account.in_(accounts))
    found = {row.account: row.pseudonym for row in await connection.execute(mine)} if accounts else {}
    missing = sorted(accounts - found.keys())
    if missing:
        new = [{"account": account, "pseudonym": secrets.token_hex(16)} for account in missing]
        await connection.execute(insert_or_ignore(connection, pseudonyms).values(new))
        found = {row.account: row.pseudonym for row in await connection.execute(mine)}
    return found
