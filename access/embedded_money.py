"""Test money: the payment provider of a fresh install. No real money moves, and everything it touches says so.

It is a provider like others, kept in tables of its own: its checkout is a page of ours, `…/pay/{ref}`, where whoever holds the
address chooses what becomes of the payment; its agreements renew by the clock (`collect`); and what it has to tell waits in
`test_objects` until `tell` has taken it into our rows, as webhooks would.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import embedded_agreements as agreements
from access.database import insert_or_ignore, write
from access.embedded_agreements import TEST_MONEY, Agreement, Outcome, Step, Terms
from access.errors import AccessError
from access.facts import Amounts, AnyFact, CheckoutChanged, Facts, PayoutChanged, RefundChanged
from access.payments import (
    AccountRequest,
    Checkout,
    CheckoutRequest,
    ObjectKind,
    Onboarding,
    PayoutRequest,
    PriceChange,
    provider_refused,
)
from access.tables_money import test_agreements, test_checkouts, test_objects

PAYS_LATER = timedelta(hours=1)
"""A payment that comes later comes so much later."""
CLOSED = ("expired", "paid")
COLLECTED_AT_ONCE_MAX = 50
OUTCOMES = ("succeed", "decline", "requires_action", "pays_later")


class EmbeddedTestMoney:
    """`base_url`: the address of the page without a trailing slash, asked anew for each checkout."""

    def __init__(self, engine: AsyncEngine, base_url: Callable[[], str]) -> None:
        self._engine = engine
        self._base_url = base_url

    @property
    def name(self) -> str:
        return TEST_MONEY

    @property
    def pays_to_accounts(self) -> bool:
        return False

    @property
    def renewal_slack(self) -> timedelta:
        return timedelta()

    async def begin_checkout(self, request: CheckoutRequest, *, key: str, now: datetime) -> Checkout:
        return await write(self._engine, _open, request, key, now)

    async def expire_checkout(self, checkout: str, *, key: str, now: datetime) -> Facts:
        return await write(self._engine, _expire, checkout, now)

    async def change_price(self, agreement: str, change: PriceChange, *, key: str, now: datetime) -> Facts:
        def step(found: Agreement) -> Step:
            if found.outcome != "succeed" and change.at == "now":
                raise AccessError(402, "payment_declined", "The payment was declined; nothing has changed.")
            act = agreements.change_now if change.at == "now" else agreements.change_later
            return act(found, change, now)

        return await write(self._engine, _act, agreement, key, step, now)

    async def cancel(self, agreement: str, *, at_period_end: bool, key: str, now: datetime) -> Facts:
        act = agreements.cancel_later if at_period_end else agreements.end
        return await write(self._engine, _act, agreement, key, lambda found: act(found, now), now)

    async def resume(self, agreement: str, *, key: str, now: datetime) -> Facts:
        return await write(self._engine, _act, agreement, key, lambda found: agreements.resume(found, now), now)

    async def pause(self, agreement: str, *, key: str, now: datetime) -> Facts:
        return await write(self._engine, _act, agreement, key, lambda found: agreements.pause(found, now), now)

    async def forget_payer(self, agreement: str, *, key: str, now: datetime) -> Facts:
        """Nothing is known but what it costs."""
        return await self.cancel(agreement, at_period_end=False, key=key, now=now)

    async def refund(self, payment: str, *, amount_minor: int, key: str, now: datetime) -> Facts:
        refund = f"{TEST_MONEY}_re_{_short(key)}"
        fact = RefundChanged(
            provider=TEST_MONEY,
            event=f"{refund}:1",
            at=now,
            refund=refund,
            payment=payment,
            state="succeeded",
            amount_minor=amount_minor,
        )
        return await write(self._engine, _once, key, payment, (fact,), now)

    async def pay_out(self, request: PayoutRequest, *, key: str, now: datetime) -> Facts:
        """Arrives at once."""
        transfer = f"{TEST_MONEY}_tr_{_short(key)}"
        fact = PayoutChanged(
            provider=TEST_MONEY, event=f"{transfer}:1", at=now, payout=request.payout, transfer=transfer, state="paid"
        )
        return await write(self._engine, _once, key, transfer, (fact,), now)

    async def connect_account(self, request: AccountRequest, *, key: str, now: datetime) -> Onboarding:
        raise provider_refused("Test money is paid out without an account.")

    async def fetch(self, kind: ObjectKind, ref: str, *, now: datetime) -> Facts:
        return await write(self._engine, _known, kind, ref)

    def checkout_url(self, provider_ref: str) -> str:
        return f"{self._base_url()}/pay/{provider_ref}"

    async def portal_url(self, agreement: str, *, return_path: str, now: datetime) -> str | None:
        return None

    # --- what only test money can do

    async def answer(self, checkout: str, outcome: str, now: datetime) -> Facts:
        """What whoever pays has chosen. 409 checkout_closed."""
        return await write(self._engine, answer, checkout, outcome, now)

    async def choose(self, agreement: str, outcome: Outcome, now: datetime) -> Facts:
        """What becomes of this agreement's charges from now on; one that has failed is tried again at once."""
        return await write(self._engine, _choose, agreement, outcome, now)

    async def collect(self, now: datetime) -> int:
        """Do what the clock has brought; how much there was."""
        return await write(self._engine, _collect, now)


# --- checkouts


async def _open(connection: AsyncConnection, request: CheckoutRequest, key: str, now: datetime) -> Checkout:
    new = {
        "ref": f"test_{secrets.token_urlsafe(16)}",
        "key": key,
        "state": "open",
        "request": msgspec.json.encode(request).decode(),
        "expires_at": now + request.lifetime,
        "changed_at": now,
    }
    await connection.execute(insert_or_ignore(connection, test_checkouts).values(new))
    row = (await connection.execute(select(test_checkouts).where(test_checkouts.c.key == key))).one()
    return Checkout(row.ref, row.expires_at)


async def _expire(connection: AsyncConnection, ref: str, now: datetime) -> Facts:
    row = await _checkout(connection, ref)
    if row is None:
        return ()
    if row.state in CLOSED or row.state == "pending":
        return await _told(connection, ref)
    return await _move(connection, row, "expired", (_checkout_fact(row, "expired", now),), now)


async def answer(connection: AsyncConnection, ref: str, outcome: str, now: datetime) -> Facts:
    row = await _checkout(connection, ref)
    if row is None or row.state == "expired" or row.expires_at <= now:
        raise AccessError(409, "checkout_closed", "This checkout is closed; begin again.")
    if row.state in ("paid", "pending"):
        if outcome == "succeed" and row.state == "paid":
            return await _told(connection, ref)
        raise AccessError(409, "checkout_closed", "This has been paid.")
    match outcome:
        case "succeed":
            return await _pay(connection, row, now)
        case "pays_later":
            values = {"pays_at": now + PAYS_LATER}
            return await _move(connection, row, "pending", (_checkout_fact(row, "pending", now),), now, values)
        case "requires_action":
            return await _move(connection, row, "requires_action", (_checkout_fact(row, "requires_action", now),), now)
        case _:
            return await _move(connection, row, "declined", (_checkout_fact(row, "declined", now),), now)


async def _pay(connection: AsyncConnection, row: Row[Any], now: datetime) -> Facts:
    request = msgspec.json.decode(row.request, type=CheckoutRequest)
    if request.recurring is None:
        payment = f"{row.ref}:pay"
        gross = request.amount_minor * request.quantity
        amounts = Amounts(currency=request.currency, gross_minor=gross, fee_minor=agreements.fee(gross))
        paid = structs.replace(_checkout_fact(row, "paid", now), payment=payment, amounts=amounts)
        return await _move(connection, row, "paid", (paid,), now, {"payment": payment})
    ref = f"{row.ref}:sub"
    recurring, discount = request.recurring, request.recurring.discount
    agreement = Agreement(
        ref=ref,
        purchase=request.purchase,
        terms=Terms(
            price=recurring.price,
            amount_minor=request.amount_minor,
            currency=request.currency,
            interval=recurring.interval,
        ),
        anchor=now,
        paid_from=now,
        paid_until=now,
        paid_minor=0,
        percent_off_bp=0 if discount is None else discount.percent_off_bp or 0,
        amount_off_minor=0 if discount is None else discount.amount_off_minor or 0,
        discounted_left=0 if discount is None else discount.payments,
    )
    begun, facts = agreements.begin(agreement, recurring.trial_days, now)
    await connection.execute(insert(test_agreements).values(ref=ref, **_row(begun)))
    paid = structs.replace(_checkout_fact(row, "paid", now), agreement=ref)
    return await _move(connection, row, "paid", (paid, *facts), now, {"agreement": ref})


async def _move(
    connection: AsyncConnection,
    row: Row[Any],
    state: str,
    facts: Facts,
    now: datetime,
    values: dict[str, Any] | None = None,
) -> Facts:
    new = {"state": state, "changed_at": now, "pays_at": None} | (values or {})
    await connection.execute(update(test_checkouts).where(test_checkouts.c.ref == row.ref).values(new))
    await _say(connection, f"{row.ref}:{secrets.token_hex(8)}", row.ref, facts, now)
    return facts


def _checkout_fact(row: Row[Any], state: Any, now: datetime) -> CheckoutChanged:
    request = msgspec.json.decode(row.request, type=CheckoutRequest)
    return CheckoutChanged(
        provider=TEST_MONEY,
        event=f"{row.ref}:{state}",
        at=now,
        checkout=row.ref,
        purchase=request.purchase,
        state=state,
    )


async def _checkout(connection: AsyncConnection, ref: str) -> Row[Any] | None:
    query = select(test_checkouts).where(test_checkouts.c.ref == ref).with_for_update()
    return (await connection.execute(query)).one_or_none()


# --- agreements


async def _act(
    connection: AsyncConnection, ref: str, key: str, step: Callable[[Agreement], Step], now: datetime
) -> Facts:
    """Once per key. 409 provider_refused for what has ended."""
    found = await _agreement(connection, ref)  # locked: the same may be asked twice at once
    known = await _said(connection, key)
    if known is not None:
        return known
    if found is None:
        raise provider_refused("There is no such agreement.")
    if found.status == "canceled":
        return (agreements.changed(found, found.ended_at or now),)
    after, facts = step(found)
    await connection.execute(update(test_agreements).where(test_agreements.c.ref == ref).values(_row(after)))
    await _say(connection, key, ref, facts, now)
    return facts


async def _choose(connection: AsyncConnection, ref: str, outcome: Outcome, now: datetime) -> Facts:
    found = await _agreement(connection, ref)
    if found is None or found.status == "canceled":
        raise AccessError(409, "bad_state", "This subscription has ended.")
    after: Agreement = structs.replace(found, outcome=outcome)
    facts: Facts = ()
    if found.attempts:
        after, facts = agreements.collect(after, now)
    await connection.execute(update(test_agreements).where(test_agreements.c.ref == ref).values(_row(after)))
    await _say(connection, f"{ref}:{after.version}:{secrets.token_hex(4)}", ref, facts, now)
    return facts


async def _collect(connection: AsyncConnection, now: datetime) -> int:
    """In the order in which it was due."""
    count = 0
    due = select(test_agreements).where(test_agreements.c.due_at <= now).order_by(test_agreements.c.due_at)
    rows = (await connection.execute(due.limit(COLLECTED_AT_ONCE_MAX).with_for_update(skip_locked=True))).all()
    for row in rows:
        found = msgspec.json.decode(row.state, type=Agreement)
        at = found.due_at
        assert at is not None
        after, facts = agreements.advance(found)
        await connection.execute(update(test_agreements).where(test_agreements.c.ref == row.ref).values(_row(after)))
        await _say(connection, f"{row.ref}:clock:{after.version}", row.ref, facts, now)
        count += 1
    later = select(test_checkouts).where(test_checkouts.c.pays_at <= now).limit(COLLECTED_AT_ONCE_MAX)
    for row in (await connection.execute(later.with_for_update(skip_locked=True))).all():
        await _pay(connection, row, row.pays_at)
        count += 1
    return count


async def _agreement(connection: AsyncConnection, ref: str) -> Agreement | None:
    query = select(test_agreements.c.state).where(test_agreements.c.ref == ref).with_for_update()
    state = (await connection.execute(query)).scalar_one_or_none()
    return None if state is None else msgspec.json.decode(state, type=Agreement)


def _row(agreement: Agreement) -> dict[str, Any]:
    return {"state": msgspec.json.encode(agreement).decode(), "due_at": agreement.due_at}


# --- what was said


async def untold(connection: AsyncConnection, limit: int) -> list[tuple[int, Facts]]:
    """Facts that nobody has taken into our rows, the oldest first, by number."""
    query = select(test_objects).where(test_objects.c.told_at.is_(None)).order_by(test_objects.c.id).limit(limit)
    rows = (await connection.execute(query.with_for_update(skip_locked=True))).all()
    return [(row.id, facts_said(row.facts)) for row in rows]


async def mark_told(connection: AsyncConnection, number: int, now: datetime) -> None:
    await connection.execute(update(test_objects).where(test_objects.c.id == number).values(told_at=now))


async def _once(connection: AsyncConnection, key: str, subject: str, facts: Facts, now: datetime) -> Facts:
    await _say(connection, key, subject, facts, now)
    return await _said(connection, key) or facts


async def _say(connection: AsyncConnection, key: str, subject: str, facts: Facts, now: datetime) -> None:
    """What was said first by this key stays."""
    row = {"key": key, "subject": subject, "facts": msgspec.json.encode(facts).decode(), "created_at": now}
    await connection.execute(insert_or_ignore(connection, test_objects).values(row))


async def _said(connection: AsyncConnection, key: str) -> Facts | None:
    text = (
        await connection.execute(select(test_objects.c.facts).where(test_objects.c.key == key))
    ).scalar_one_or_none()
    return None if text is None else facts_said(text)


async def _told(connection: AsyncConnection, subject: str) -> Facts:
    query = select(test_objects.c.facts).where(test_objects.c.subject == subject).order_by(test_objects.c.id)
    return tuple(fact for text in (await connection.execute(query)).scalars() for fact in facts_said(text))


async def _known(connection: AsyncConnection, kind: ObjectKind, ref: str) -> Facts:
    return await _told(connection, ref)


def facts_said(text: str) -> Facts:
    return tuple(msgspec.json.decode(text, type=tuple[AnyFact, ...]))


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]
