"""Money that nobody has really paid, test money and that of Stripe's test mode: it and real money do not share a database.

A right that was had for nothing would go on where others pay for it, and what a creator has earned of play money would be
paid out to him in real money. So a node does not begin with the one where the other is (`held`), and `end` takes back all
that was pretended: as facts, like anything that is paid back, so that rights, seats and books follow as they always do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, Table, cast, delete, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import audit, fold, ledger, purchases, subscriptions
from access.database import read, write
from access.embedded_agreements import TEST_MONEY
from access.facts import AnyFact, CheckoutChanged, DisputeChanged, PayoutChanged, RefundChanged
from access.ledger import Transfer
from access.shares import MoneyTerms
from access.stripe_facts import STRIPE
from access.tables import LIVE_STATES
from access.tables import subscriptions as subscription_rows
from access.tables_ledger import CHART, disputes, ledger_transfers, payments, payout_accounts, payouts
from access.tables_money import provider_tasks, test_agreements, test_checkouts, test_objects
from access.tables_tickets import gifts, tickets

TEST_SESSION = "cs_test_"
"""How Stripe's test mode names a checkout; of real money it is `cs_live_`."""
BOUGHT = (("subscription", subscription_rows, "status"), ("ticket", tickets, "state"), ("gift", gifts, "state"))
OPEN_STATES = ("incomplete", "reserved", "begun")
"""A checkout waits to be paid."""
ENDED = "test money has ended"


@dataclass(frozen=True, slots=True)
class Held:
    """What payments and rights of a database are of."""

    real: bool
    pretended: bool
    """Such as have not been taken back."""


async def held(connection: AsyncConnection) -> Held:
    real = [await _any(connection, _payments_of(kind, table, _is_real(table))) for kind, table, _ in BOUGHT]
    unended = [await _any(connection, query) for query in _unended()]
    follows = select(subscription_rows.c.id).where(_is_pretended(subscription_rows), _is_live())
    return Held(any(real), any(unended) or await _any(connection, follows))


async def end(engine: AsyncEngine, terms: MoneyTerms, now: datetime) -> int:
    """Take all of it back, whatever it is of; how many payments. Cut off anywhere, it goes on from there when asked again."""
    real = (await read(engine, held)).real
    providers = (TEST_MONEY,) if real else (TEST_MONEY, STRIPE)
    await write(engine, _forget_provider, providers, now)
    for row in await read(engine, _payouts_of, providers):
        await write(engine, fold.apply, _returned(row, now), terms, now)
    for fact in await read(engine, _checkouts, now):
        await write(engine, fold.apply, fact, terms, now)
    count = 0
    for query in _unended():
        for number in await read(engine, _ids, query):
            for fact in await read(engine, _taken_back, number, now):
                await write(engine, fold.apply, fact, terms, now)
            await write(engine, _close_books, number, now)
            count += 1
    follows = select(subscription_rows.c.id).where(_is_pretended(subscription_rows), _is_live())
    for number in await read(engine, _ids, follows):
        await write(engine, subscriptions.end_here, number, terms, now)
    await write(engine, _note, count, now)
    return count


# --- what is of which kind


def _is_pretended(table: Table) -> ColumnElement[bool]:
    return (table.c.provider == TEST_MONEY) | ((table.c.provider == STRIPE) & _of_test_mode(table))


def _is_real(table: Table) -> ColumnElement[bool]:
    return (table.c.provider == STRIPE) & ~_of_test_mode(table)


def _of_test_mode(table: Table) -> ColumnElement[bool]:
    return table.c.provider_ref.startswith(TEST_SESSION, autoescape=True)


def _is_live() -> ColumnElement[bool]:
    return subscription_rows.c.status.in_(LIVE_STATES)


def _payments_of(kind: str, table: Table, which: ColumnElement[bool]) -> Select[int]:
    """From the purchases to the payments, for these are found by what they were for."""
    paid = payments.c.purchase == literal(f"{kind}:") + cast(table.c.id, String)
    return select(payments.c.id).join(table, paid & (payments.c.provider == table.c.provider)).where(which)


def _unended() -> Iterator[Select[int]]:
    """Pretended payments whose books are not closed."""
    closed = ledger_transfers.c.key == literal("pretended:") + cast(payments.c.id, String)
    for kind, table, _ in BOUGHT:
        found = _payments_of(kind, table, _is_pretended(table))
        yield found.where(~select(ledger_transfers.c.id).where(closed).exists()).order_by(payments.c.id)


async def _any(connection: AsyncConnection, query: Select[Any]) -> bool:
    return (await connection.execute(query.limit(1))).first() is not None


async def _ids(connection: AsyncConnection, query: Select[int]) -> list[int]:
    return list((await connection.execute(query)).scalars())


# --- the end of it


async def _forget_provider(connection: AsyncConnection, providers: Sequence[str], now: datetime) -> None:
    """First of all: what was still to be asked, a payout too, would be asked of whoever takes real money."""
    waiting = provider_tasks.c.provider.in_(providers) & provider_tasks.c.done_at.is_(None)
    await connection.execute(update(provider_tasks).where(waiting).values(done_at=now, error=""))
    await connection.execute(delete(payout_accounts).where(payout_accounts.c.provider.in_(providers)))
    # what test money has on its own side: nothing is renewed, or arrives later
    await connection.execute(update(test_agreements).values(due_at=None))
    await connection.execute(update(test_checkouts).where(test_checkouts.c.pays_at.is_not(None)).values(pays_at=None))
    await connection.execute(update(test_objects).where(test_objects.c.told_at.is_(None)).values(told_at=now))


async def _payouts_of(connection: AsyncConnection, providers: Sequence[str]) -> Sequence[Row[Any]]:
    arrived = payouts.c.provider.in_(providers) & payouts.c.state.in_(("planned", "submitted", "paid"))
    return (await connection.execute(select(payouts).where(arrived).order_by(payouts.c.id))).all()


def _returned(payout: Row[Any], now: datetime) -> PayoutChanged:
    return PayoutChanged(
        provider=payout.provider, event=f"ended:payout:{payout.id}", at=now, payout=payout.id,
        transfer=payout.transfer_ref or "", state="returned", returned_minor=payout.amount_minor, reason=ENDED,
    )  # fmt: skip


async def _checkouts(connection: AsyncConnection, now: datetime) -> list[AnyFact]:
    """Those that are open can be paid no more: their seats are free."""
    found: list[AnyFact] = []
    for kind, table, state in BOUGHT:
        waiting = _is_pretended(table) & table.c[state].in_(OPEN_STATES)
        for row in (await connection.execute(select(table).where(waiting))).all():
            found.append(_expired(row, f"{kind}:{row.id}", now))
    return found


def _expired(row: Row[Any], purchase: str, now: datetime) -> CheckoutChanged:
    event = f"ended:{purchase}"
    return CheckoutChanged(
        provider=row.provider, event=event, at=now, checkout=row.provider_ref or event, purchase=purchase, state="expired"
    )  # fmt: skip


async def _taken_back(connection: AsyncConnection, payment: int, now: datetime) -> list[AnyFact]:
    """Of a payment: disputes are over, and what is left of it goes back."""
    row = (await connection.execute(select(payments).where(payments.c.id == payment))).one()
    fought = (disputes.c.payment == payment) & (disputes.c.state == "open")
    open_ones = (await connection.execute(select(disputes).where(fought))).all()
    found: list[AnyFact] = [_won(row, dispute, now) for dispute in open_ones]
    left = row.gross_minor + (await ledger.reversals(connection, row.transfer)).get("provider_clearing", 0)
    if left > 0:
        refund = f"ended:{payment}"
        back = RefundChanged(
            provider=row.provider, event=refund, at=now, refund=refund, payment=row.ref, state="succeeded", amount_minor=left
        )  # fmt: skip
        found.append(back)
    return found


def _won(payment: Row[Any], dispute: Row[Any], now: datetime) -> DisputeChanged:
    return DisputeChanged(
        provider=payment.provider, event=f"ended:dispute:{dispute.id}", at=now, dispute=dispute.ref, payment=payment.ref,
        state="won", amount_minor=dispute.amount_minor, opened_at=dispute.opened_at,
    )  # fmt: skip


async def _close_books(connection: AsyncConnection, payment: int, now: datetime) -> None:
    """What is left of it in the books, as fees that are kept of what is paid back, is nobody's debt. Once."""
    row = (await connection.execute(select(payments).where(payments.c.id == payment))).one()
    await purchases.lock(connection, row.purchase)
    earned = await ledger.lock_creator(connection, row.creator, row.currency)
    charged = await ledger.entries_of(connection, row.transfer)
    since = await ledger.reversals(connection, row.transfer)
    entries = {account: -charged.get(account, 0) - since.get(account, 0) for account in CHART}
    transfer = Transfer(
        key=f"pretended:{payment}", kind="adjustment", currency=row.currency, creator=row.creator,
        provider=row.provider, purchase=row.purchase, reverses=row.transfer, at=now, entries=entries,
    )  # fmt: skip
    _, new = await ledger.post(connection, transfer, now)
    if new:
        shared = entries["platform_share"] + entries["creator_balance"]
        await ledger.set_earned(connection, row.creator, row.currency, earned - shared)


async def _note(connection: AsyncConnection, count: int, now: datetime) -> None:
    await audit.record(connection, now, "money.pretended_ended", actor=None, payments=count)
