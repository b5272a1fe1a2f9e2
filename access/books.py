"""The books outward: balances, payments, refunds, payouts, statements. Only the creator's owner and finance see them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import (
    audit,
    creators,
    fields,
    idempotency,
    ledger,
    ledger_check,
    money,
    payout_accounts,
    payout_holds,
    pretended_money,
    provider_tasks,
    refund_requests,
    statements,
)
from access.database import read, write
from access.dealings import Dealings
from access.errors import AccessError
from access.ledger import Transfer
from access.ledger_check import Finding
from access.model import Account, Creator
from access.money_model import Balance, Payment, Payout, StatementLine
from access.pretended_money import Held
from access.provider_tasks import Refused
from access.shares import MoneyTerms
from access.tables_ledger import creator_books, payments, payouts, refunds

LISTED_MAX = 200

P = ParamSpec("P")
T = TypeVar("T")


class Books:
    def __init__(self, desk: Dealings) -> None:
        self._desk = desk

    async def balances(self, actor: Account, creator: Creator) -> list[Balance]:
        """One per currency. 403 not_creator."""
        return await self._read(_balances, actor, creator)

    async def payments(self, actor: Account, creator: Creator, *, before: int | None = None) -> list[Payment]:
        """What was paid to a creator, newest first, LISTED_MAX at most; `before` that payment. 403 not_creator."""
        return await self._read(_payments_of_creator, actor, creator, before)

    async def own_payments(self, account: Account, *, before: int | None = None) -> list[Payment]:
        """What somebody has paid, newest first, LISTED_MAX at most; `before` that payment."""
        return await read(self._desk.engine, _payments, payments.c.account == account.id, before)

    async def refund(
        self,
        actor: Account | None,
        creator: Creator,
        payment: int,
        *,
        amount_minor: int | None,
        reason: str = "",
        key: str | None = None,
    ) -> Payment:
        """Whole (None) or in part; by the same `key`, once. Operators may too, and whoever has the machine (None).

        403; 404 unknown_payment; 409 nothing_to_refund; 422.
        """
        desk = self._desk
        await write(desk.engine, refund_requests.ask, actor, creator.id, payment, amount_minor, reason, key, desk.now())
        await desk.work_off()
        return (await read(desk.engine, _payments, payments.c.id == payment))[0]

    async def look_up(self, payment: int) -> tuple[Payment, int]:
        """A payment by its number, and what of it may still be paid back; for operators. 404 unknown_payment."""
        return await read(self._desk.engine, _look_up, payment)

    async def pay_out(
        self, actor: Account, creator: Creator, *, currency: str, amount_minor: int | None, key: str | None = None
    ) -> Payout:
        """All that is available (None) or a part; by the same `key`, once. Kept back while he is suspended.

        403; 409 nothing_available, no_payout_account; 422.
        """
        desk = self._desk
        planned = await write(desk.engine, _plan_payout, actor, creator, currency, amount_minor, key, desk)
        await desk.work_off()
        return (await read(desk.engine, _payouts, payouts.c.id == planned))[0]

    async def payouts(self, actor: Account, creator: Creator, *, before: int | None = None) -> list[Payout]:
        """Newest first, LISTED_MAX at most; `before` that payout. 403 not_creator."""
        return await self._read(_payouts_of_creator, actor, creator, before)

    async def statement(self, actor: Account, creator: Creator, month: str) -> list[StatementLine]:
        """What moved in a creator's accounts in a month, `2026-03`, in UTC. 403; 422."""
        start, end = statements.month(month)
        return await self._read(_statement, actor, creator, start, end)

    async def check(self) -> list[Finding]:
        """What does not hold of the books of the whole database; for the operator."""
        return await read(self._desk.engine, ledger_check.check)

    async def refused(self) -> list[Refused]:
        """What the payment provider has said no to for good, the newest first; for whoever has the machine."""
        return await read(self._desk.engine, provider_tasks.refused_ones, LISTED_MAX)

    async def ask_again(self, task: int) -> None:
        """404 unknown_task; 409 nothing_to_refund, ask_anew."""
        await write(self._desk.engine, refund_requests.ask_refused_again, task, self._desk.now())
        await self._desk.work_off()

    async def held(self) -> Held:
        """Whether the payments and rights of the whole database are of real money, of pretended money, or of both."""
        return await read(self._desk.engine, pretended_money.held)

    async def end_pretended(self) -> int:
        """Take back all rights and earnings that nobody has really paid for; of how many payments. Idempotent."""
        return await pretended_money.end(self._desk.engine, self._desk.terms, self._desk.now())

    async def _read(
        self,
        work: Callable[Concatenate[AsyncConnection, int, Dealings, P], Coroutine[Any, Any, T]],
        actor: Account,
        creator: Creator,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        result: T = await read(self._desk.engine, _as_finance, work, actor, creator, self._desk, *args)
        return result


async def _as_finance(
    connection: AsyncConnection, work: Callable[..., Any], actor: Account, creator: Creator, desk: Dealings, *args: Any
) -> Any:
    await creators.require_member(connection, creator.id, actor, creators.FINANCE_ROLES, to_read=True)
    return await work(connection, creator.id, desk, *args)


async def _balances(connection: AsyncConnection, creator: int, desk: Dealings) -> list[Balance]:
    query = (
        select(creator_books.c.currency).where(creator_books.c.creator == creator).order_by(creator_books.c.currency)
    )
    currencies = (await connection.execute(query)).scalars().all()
    return [await balance_of(connection, creator, currency, desk.terms, desk.now()) for currency in currencies]


async def balance_of(
    connection: AsyncConnection, creator: int, currency: str, terms: MoneyTerms, now: datetime
) -> Balance:
    """What is owed to a creator. Earnings become available when they are `terms.payout_delay` old."""
    owed = -await ledger.balance(connection, "creator_balance", currency, creator)
    recent = await ledger.credits_since(connection, "creator_balance", currency, creator, now - terms.payout_delay)
    return Balance(
        currency=currency,
        balance_minor=owed,
        available_minor=max(owed - recent, 0),
        held_minor=-await ledger.balance(connection, "creator_hold", currency, creator),
        in_transit_minor=-await ledger.balance(connection, "payouts_in_transit", currency, creator),
    )


async def _payments_of_creator(
    connection: AsyncConnection, creator: int, desk: Dealings, before: int | None
) -> list[Payment]:
    return await _payments(connection, payments.c.creator == creator, before)


async def _payments(connection: AsyncConnection, condition: Any, before: int | None = None) -> list[Payment]:
    if before is not None:
        condition &= payments.c.id < before
    back = (
        select(refunds.c.payment, func.sum(refunds.c.amount_minor).label("amount"))
        .where(refunds.c.state == "succeeded")
        .group_by(refunds.c.payment)
        .subquery()
    )
    query = (
        select(payments, func.coalesce(back.c.amount, 0).label("refunded_minor"))
        .outerjoin(back, back.c.payment == payments.c.id)
        .where(condition)
        .order_by(payments.c.id.desc())
        .limit(LISTED_MAX)
    )
    rows = (await connection.execute(query)).all()
    asked = await refund_requests.of(connection, [row.id for row in rows])
    return [
        Payment(
            id=row.id,
            account=row.account,
            creator=row.creator,
            purchase=row.purchase,
            currency=row.currency,
            gross_minor=row.gross_minor,
            tax_minor=row.tax_minor,
            fee_minor=row.fee_minor,
            refunded_minor=int(row.refunded_minor),
            refunds_asked=asked.get(row.id, []),
            paid_at=row.paid_at,
            provider=row.provider,
        )
        for row in rows
    ]


async def _look_up(connection: AsyncConnection, payment: int) -> tuple[Payment, int]:
    row = await refund_requests.payment_of(connection, payment)
    if row is None:
        raise AccessError(404, "unknown_payment", "There is no such payment.")
    [found] = await _payments(connection, payments.c.id == payment)
    return found, await refund_requests.left_of(connection, row)


async def _plan_payout(
    connection: AsyncConnection,
    actor: Account,
    creator: Creator,
    currency: str,
    amount_minor: int | None,
    key: str | None,
    desk: Dealings,
) -> int:
    now = desk.now()
    await creators.require_member(connection, creator.id, actor, creators.FINANCE_ROLES)
    code = money.code_of(currency)
    await ledger.lock_creator(connection, creator.id, code)
    name = None if key is None else idempotency.digest(actor.id, f"payout:{creator.id}", key)
    known = None if name is None else await _asked_by(connection, name)
    if known is not None:
        if (code, amount_minor or known.amount_minor) != (known.currency, known.amount_minor):
            raise idempotency.mismatch()
        return int(known.id)
    if desk.provider.pays_to_accounts:
        account = await payout_accounts.find(connection, desk.provider.name, creator.id)
        if account is None or account.state != "ready":
            raise AccessError(409, "no_payout_account", "Connect an account with the payment provider first.")
    available = (await balance_of(connection, creator.id, code, desk.terms, now)).available_minor
    if available <= 0:
        raise AccessError(409, "nothing_available", "There is nothing to be paid out in this currency yet.")
    amount = available if amount_minor is None else fields.between(amount_minor, "amount_minor", 1, available)
    row = {
        "creator": creator.id,
        "provider": desk.provider.name,
        "currency": code,
        "amount_minor": amount,
        "state": "planned",
        "key_sha256": name,
        "by": actor.id,
        "created_at": now,
        "changed_at": now,
    }
    payout = int((await connection.execute(insert(payouts).values(row).returning(payouts.c.id))).scalar_one())
    transfer = Transfer(
        key=f"payout:{payout}:planned",
        kind="payout",
        currency=code,
        creator=creator.id,
        provider=desk.provider.name,
        purchase=f"payout:{payout}",
        at=now,
        entries={"creator_balance": amount, "payouts_in_transit": -amount},
    )
    await ledger.post(connection, transfer, now)
    await provider_tasks.add(connection, desk.provider.name, "pay_out", str(payout), now, key=f"payout:{payout}")
    await audit.record(
        connection, now, "payout.planned", actor=actor.id, creator=creator.id, id=payout, amount_minor=amount
    )
    return payout


async def _asked_by(connection: AsyncConnection, name: str) -> Row[Any] | None:
    return (await connection.execute(select(payouts).where(payouts.c.key_sha256 == name))).one_or_none()


async def _payouts_of_creator(
    connection: AsyncConnection, creator: int, desk: Dealings, before: int | None
) -> list[Payout]:
    mine = payouts.c.creator == creator
    return await _payouts(connection, mine if before is None else mine & (payouts.c.id < before))


async def _payouts(connection: AsyncConnection, condition: Any) -> list[Payout]:
    query = select(payouts).where(condition).order_by(payouts.c.id.desc()).limit(LISTED_MAX)
    rows = (await connection.execute(query)).all()
    held = await payout_holds.reasons(connection, rows)
    return [
        Payout(
            id=row.id,
            creator=row.creator,
            currency=row.currency,
            amount_minor=row.amount_minor,
            state=row.state,
            returned_minor=row.returned_minor,
            reason=row.reason,
            held=held.get(row.id),
            created_at=row.created_at,
            changed_at=row.changed_at,
            provider=row.provider,
        )
        for row in rows
    ]


async def _statement(
    connection: AsyncConnection, creator: int, desk: Dealings, start: datetime, end: datetime
) -> list[StatementLine]:
    return await statements.lines(connection, creator, start, end)
