"""What becomes of a payout: planned → submitted → paid, or failed, or paid and returned, in parts or whole.

Its money follows in the books. Of what is told late or twice, the later state and the greater sum that came back stand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, ledger
from access.facts import PayoutChanged
from access.ledger import Transfer
from access.tables_ledger import payouts

ORDER = ("planned", "submitted", "paid", "failed", "returned")
"""The later stands, whatever order the news comes in."""
GONE = ("failed", "returned")
"""States in which all of it is the creator's again."""


def places(state: str, amount_minor: int, returned_minor: int) -> dict[str, int]:
    """The accounts that hold the credit of a payout, and how much each."""
    if state in GONE:
        return {"creator_balance": amount_minor}
    if state == "paid":
        return {"provider_clearing": amount_minor - returned_minor, "creator_balance": returned_minor}
    return {"payouts_in_transit": amount_minor}


async def payout_changed(connection: AsyncConnection, fact: PayoutChanged, now: datetime) -> None:
    """A payout of ours is known before anybody can tell of it, and another's is not our business."""
    query = select(payouts).where(payouts.c.id == fact.payout, payouts.c.provider == fact.provider)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return
    await ledger.lock_creator(connection, row.creator, row.currency)
    row = (await connection.execute(query)).one()
    amount = row.amount_minor
    told = "returned" if fact.returned_minor >= amount else fact.state
    state = max(row.state, told, key=ORDER.index)
    returned = amount if state in GONE else max(row.returned_minor, fact.returned_minor)
    if (state, returned) == (row.state, row.returned_minor):
        return
    before = row.state
    if state == "paid" and before != "paid":  # it arrived before a part of it came back
        await _post(connection, row, fact, "paid", (before, 0), (state, 0), now)
        before = state
    name = state if state in GONE else f"returned:{returned}"
    await _post(connection, row, fact, name, (before, row.returned_minor), (state, returned), now)
    values = {
        "state": state,
        "returned_minor": returned,
        "transfer_ref": fact.transfer,
        "reason": fact.reason[:200],
        "changed_at": fact.at,
    }
    await connection.execute(update(payouts).where(payouts.c.id == row.id).values(values))
    await audit.record(
        connection, now, f"payout.{state}", actor=None, creator=row.creator, id=row.id, returned_minor=returned
    )


async def _post(
    connection: AsyncConnection,
    row: Row[Any],
    fact: PayoutChanged,
    name: str,
    before: tuple[str, int],
    after: tuple[str, int],
    now: datetime,
) -> None:
    """Its money goes from where one state and sum returned have it to where another has it."""
    held = [places(state, row.amount_minor, returned) for state, returned in (before, after)]
    entries = {account: held[0].get(account, 0) - held[1].get(account, 0) for account in held[0] | held[1]}
    if not any(entries.values()):
        return
    transfer = Transfer(
        key=f"payout:{row.id}:{name}",
        kind="payout_paid" if name == "paid" else "payout_returned",
        currency=row.currency,
        creator=row.creator,
        provider=row.provider,
        purchase=f"payout:{row.id}",
        at=fact.at,
        entries=entries,
    )
    await ledger.post(connection, transfer, now)
