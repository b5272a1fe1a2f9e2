"""What becomes of a payout: planned → submitted → paid, or failed, or paid and returned. Its money follows in the books."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, ledger
from access.facts import PayoutChanged
from access.ledger import Transfer
from access.tables_ledger import payouts

ORDER = ("planned", "submitted", "paid", "failed", "returned")
"""The later stands, whatever order the news comes in."""
PLACE = {
    "planned": "payouts_in_transit",
    "submitted": "payouts_in_transit",
    "paid": "provider_clearing",
    "failed": "creator_balance",
    "returned": "creator_balance",
}
"""By state: the account that holds the debit or credit of a payout."""


async def payout_changed(connection: AsyncConnection, fact: PayoutChanged, now: datetime) -> None:
    """A payout of ours is known before anybody can tell of it, and another's is not our business."""
    query = select(payouts).where(payouts.c.id == fact.payout, payouts.c.provider == fact.provider)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return
    await ledger.lock_creator(connection, row.creator, row.currency)
    row = (await connection.execute(query)).one()
    if ORDER.index(fact.state) <= ORDER.index(row.state):
        return
    before, after = PLACE[row.state], PLACE[fact.state]
    if before != after:
        kind = "payout_paid" if fact.state == "paid" else "payout_returned"
        transfer = Transfer(
            key=f"payout:{row.id}:{fact.state}",
            kind=kind,
            currency=row.currency,
            creator=row.creator,
            provider=row.provider,
            purchase=f"payout:{row.id}",
            at=fact.at,
            entries={before: row.amount_minor, after: -row.amount_minor},
        )
        await ledger.post(connection, transfer, now)
    values = {"state": fact.state, "transfer_ref": fact.transfer, "reason": fact.reason[:200], "changed_at": fact.at}
    await connection.execute(update(payouts).where(payouts.c.id == row.id).values(values))
    await audit.record(connection, now, f"payout.{fact.state}", actor=None, creator=row.creator, id=row.id)
