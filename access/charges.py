"""Payments taken and taken back, written into the books.

    taken     provider_clearing +gross,  processor_fees −fee,  taxes −tax,  platform_share −s,  creator_balance −rest
    late fee  processor_fees −fee,  and what it is more to pay is less to share: platform_share +s,  creator_balance +rest
    refunded  the same backwards for what was paid back; the fee that the processor keeps is the creator's
    disputed  creator_balance → creator_hold; back when it is won, less its fee; when it is lost, back and refunded with its fee

Each function takes the row of its object, whose lock (the pair's) the caller holds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit, ledger
from access.facts import Amounts, DisputeChanged, RefundChanged
from access.ledger import Transfer
from access.shares import MoneyTerms, ShareTerms, in_proportion, share_of_change
from access.tables_ledger import disputes, ledger_transfers, payments, refunds

REFUND_ORDER = ("pending", "succeeded", "failed")
DISPUTE_ORDER = ("open", "won", "lost")


async def find(connection: AsyncConnection, provider: str, ref: str) -> Row[Any] | None:
    mine = (payments.c.provider == provider) & (payments.c.ref == ref)
    return (await connection.execute(select(payments).where(mine))).one_or_none()


async def take(
    connection: AsyncConnection,
    *,
    provider: str,
    ref: str,
    purchase: str,
    account: int,
    creator: int,
    amounts: Amounts,
    at: datetime,
    terms: MoneyTerms,
    now: datetime,
) -> Row[Any]:
    """The payment's row; one that is known is left as it is, but for a fee that was not known with it."""
    known = await find(connection, provider, ref)
    if known is not None:
        return await _late_fee(connection, known, amounts.fee_minor, at, now)
    share_terms = terms.share(amounts.currency)
    earned = await ledger.lock_creator(connection, creator, amounts.currency)
    net = amounts.gross_minor - amounts.tax_minor - amounts.fee_minor
    share = share_of_change(earned, earned + net, share_terms)
    transfer, _ = await ledger.post(
        connection,
        Transfer(
            key=f"charge:{provider}:{ref}",
            kind="charge",
            currency=amounts.currency,
            creator=creator,
            provider=provider,
            purchase=purchase,
            at=at,
            body=_as_body(share_terms) | {"fee_minor": amounts.fee_minor, "tax_minor": amounts.tax_minor},
            entries={
                "provider_clearing": amounts.gross_minor,
                "processor_fees": -amounts.fee_minor,
                "taxes": -amounts.tax_minor,
                "platform_share": -share,
                "creator_balance": share - net,
            },
        ),
        now,
    )
    await ledger.set_earned(connection, creator, amounts.currency, earned + net)
    row = {
        "provider": provider,
        "ref": ref,
        "purchase": purchase,
        "account": account,
        "creator": creator,
        "currency": amounts.currency,
        "gross_minor": amounts.gross_minor,
        "tax_minor": amounts.tax_minor,
        "fee_minor": amounts.fee_minor,
        "transfer": transfer,
        "paid_at": at,
        "created_at": now,
    }
    made: Row[Any] = (await connection.execute(insert(payments).values(row).returning(payments))).one()
    return made


async def _late_fee(connection: AsyncConnection, payment: Row[Any], fee: int, at: datetime, now: datetime) -> Row[Any]:
    """Once: a payment that has its fee keeps it."""
    if payment.fee_minor or fee <= 0:
        return payment
    await _charge_fee(connection, payment, f"fee:{payment.provider}:{payment.ref}", fee, at, now)
    changed = update(payments).where(payments.c.id == payment.id).values(fee_minor=fee).returning(payments)
    after: Row[Any] = (await connection.execute(changed)).one()
    return after


async def _charge_fee(
    connection: AsyncConnection, payment: Row[Any], key: str, fee: int, at: datetime, now: datetime
) -> None:
    """The processor keeps more of a payment than was known with it."""
    earned = await ledger.lock_creator(connection, payment.creator, payment.currency)
    share = share_of_change(earned, earned - fee, await _terms_of(connection, payment.transfer))
    entries = {"processor_fees": -fee, "platform_share": -share, "creator_balance": fee + share}
    await ledger.post(connection, _about(payment, key, "adjustment", entries, at), now)
    await ledger.set_earned(connection, payment.creator, payment.currency, earned - fee)


async def apply_refund(connection: AsyncConnection, payment: Row[Any], fact: RefundChanged, now: datetime) -> None:
    mine = (refunds.c.provider == fact.provider) & (refunds.c.ref == fact.refund)
    known = (await connection.execute(select(refunds).where(mine))).one_or_none()
    if known is not None and REFUND_ORDER.index(fact.state) <= REFUND_ORDER.index(known.state):
        return
    amount = fact.amount_minor if known is None else known.amount_minor
    key = f"refund:{fact.provider}:{fact.refund}"
    if fact.state == "succeeded":
        await _take_back(
            connection, payment, key, "refund", amount, tax=fact.tax_minor, fee_back=fact.fee_minor, at=fact.at, now=now
        )
    elif known is not None and known.state == "succeeded":
        await _undo(connection, payment, key, "refund_failed", fact.at, now)
        await _take_back_the_rest(connection, payment, key, fact.at, now)
    values = {"state": fact.state, "at": fact.at}
    if known is None:
        new = {"provider": fact.provider, "ref": fact.refund, "payment": payment.id, "amount_minor": amount}
        await connection.execute(insert(refunds).values(new | values))
    else:
        await connection.execute(update(refunds).where(mine).values(values))


async def has_room(connection: AsyncConnection, payment: Row[Any], fact: RefundChanged) -> bool:
    """Whether no more would be paid back than was paid. Else an earlier refund has failed, which is still to be told."""
    known = (refunds.c.provider == fact.provider) & (refunds.c.ref == fact.refund)
    state = (await connection.execute(select(refunds.c.state).where(known))).scalar_one_or_none()
    if fact.state != "succeeded" or state in ("succeeded", "failed"):
        return True
    gone = -(await ledger.reversals(connection, payment.transfer)).get("provider_clearing", 0)
    return bool(gone + fact.amount_minor <= payment.gross_minor)


async def apply_dispute(connection: AsyncConnection, payment: Row[Any], fact: DisputeChanged, now: datetime) -> bool:
    """Whether it was news."""
    mine = (disputes.c.provider == fact.provider) & (disputes.c.ref == fact.dispute)
    known = (await connection.execute(select(disputes).where(mine))).one_or_none()
    if known is not None and DISPUTE_ORDER.index(fact.state) <= DISPUTE_ORDER.index(known.state):
        return False
    key = f"dispute:{fact.provider}:{fact.dispute}"
    if known is None and fact.state == "open":
        await ledger.lock_creator(connection, payment.creator, payment.currency)
        entries = {"creator_balance": fact.amount_minor, "creator_hold": -fact.amount_minor}
        await ledger.post(connection, _about(payment, key, "dispute_opened", entries, fact.at), now)
    if known is not None and known.state == "open":
        await ledger.lock_creator(connection, payment.creator, payment.currency)
        entries = {"creator_balance": -known.amount_minor, "creator_hold": known.amount_minor}
        await ledger.post(connection, _about(payment, f"{key}:released", "dispute_won", entries, fact.at), now)
    booked = known.fee_minor if known is not None and known.state == "won" else 0
    fee = fact.fee_minor - booked
    if fact.state == "lost":
        await _take_back(
            connection, payment, f"{key}:lost", "dispute_lost", fact.amount_minor, fee=fee, at=fact.at, now=now
        )
    elif fact.state == "won" and fee:
        await _charge_fee(connection, payment, f"{key}:fee", fee, fact.at, now)
    values = {
        "state": fact.state,
        "fee_minor": fact.fee_minor,
        "opened_at": fact.opened_at,
        "closed_at": None if fact.state == "open" else now,  # providers tell when it was opened
    }
    if known is None:
        new = {
            "provider": fact.provider,
            "ref": fact.dispute,
            "payment": payment.id,
            "amount_minor": fact.amount_minor,
        }
        await connection.execute(insert(disputes).values(new | values))
    else:
        await connection.execute(update(disputes).where(mine).values(values))
    return True


async def voided_at(connection: AsyncConnection, payment: Row[Any]) -> datetime | None:
    """Since when what this payment bought is not paid for any more: a whole refund, an open or a lost dispute."""
    back = (refunds.c.payment == payment.id) & (refunds.c.state == "succeeded")
    ends = []
    rest = payment.gross_minor
    for row in (await connection.execute(select(refunds).where(back).order_by(refunds.c.at, refunds.c.ref))).all():
        rest -= row.amount_minor
        if rest <= 0:
            ends.append(row.at)
            break
    against = (disputes.c.payment == payment.id) & (disputes.c.state != "won")
    ends += [row.opened_at for row in (await connection.execute(select(disputes).where(against))).all()]
    return min(ends, default=None)


async def refundable(connection: AsyncConnection, payment: Row[Any]) -> int:
    """What has not been paid back or asked to be."""
    back = (refunds.c.payment == payment.id) & (refunds.c.state != "failed")
    asked = (await connection.execute(select(refunds.c.amount_minor).where(back))).scalars().all()
    lost = (disputes.c.payment == payment.id) & (disputes.c.state != "won")
    disputed = (await connection.execute(select(disputes.c.amount_minor).where(lost))).scalars().all()
    return int(max(payment.gross_minor - sum(asked) - sum(disputed), 0))


async def _take_back(
    connection: AsyncConnection,
    payment: Row[Any],
    key: str,
    kind: str,
    amount: int,
    *,
    tax: int | None = None,
    fee_back: int = 0,
    fee: int = 0,
    at: datetime,
    now: datetime,
) -> None:
    """Money has gone back to the payer. `fee_back`: of the processor's fee; `fee`: a new one. Never more than was paid."""
    earned = await ledger.lock_creator(connection, payment.creator, payment.currency)
    so_far = await ledger.reversals(connection, payment.transfer)
    gone = -so_far.get("provider_clearing", 0)
    if gone + amount > payment.gross_minor:
        await audit.record(
            connection, now, "money.over_refund", actor=None, account=payment.account, creator=payment.creator,
            payment=payment.id, amount_minor=amount, left_minor=payment.gross_minor - gone,
        )  # fmt: skip
        amount = payment.gross_minor - gone
    in_proportion_to_it = tax is None
    if tax is None:
        tax = in_proportion(payment.tax_minor, gone + amount, payment.gross_minor) - so_far.get("taxes", 0)
    tax = max(min(tax, payment.tax_minor - so_far.get("taxes", 0)), 0)
    lost = amount - tax - fee_back + fee
    share = share_of_change(earned, earned - lost, await _terms_of(connection, payment.transfer))
    entries = {
        "provider_clearing": -amount,
        "processor_fees": fee_back - fee,
        "taxes": tax,
        "platform_share": -share,
        "creator_balance": lost + share,
    }
    body = {"tax_in_proportion": in_proportion_to_it}
    await ledger.post(connection, _about(payment, key, kind, entries, at, body), now)
    await ledger.set_earned(connection, payment.creator, payment.currency, earned - lost)


async def _take_back_the_rest(
    connection: AsyncConnection, payment: Row[Any], failed: str, at: datetime, now: datetime
) -> None:
    """Of lost disputes that were told before the refund under the key `failed` had failed: it had left them too little."""
    lost = (disputes.c.payment == payment.id) & (disputes.c.state == "lost")
    for row in (await connection.execute(select(disputes).where(lost).order_by(disputes.c.ref))).all():
        key = f"dispute:{row.provider}:{row.ref}:lost"
        gone = -(await ledger.reversals(connection, payment.transfer)).get("provider_clearing", 0)
        taken = -(await ledger.reversals(connection, payment.transfer, key)).get("provider_clearing", 0)
        rest = min(row.amount_minor - taken, payment.gross_minor - gone)
        if rest > 0:
            await _take_back(connection, payment, f"{key}:{failed}", "dispute_lost", rest, at=at, now=now)


async def _undo(
    connection: AsyncConnection, payment: Row[Any], key: str, kind: str, at: datetime, now: datetime
) -> None:
    """What was taken back under `key` has come back to us."""
    earned = await ledger.lock_creator(connection, payment.creator, payment.currency)
    query = select(ledger_transfers.c.id, ledger_transfers.c.body).where(ledger_transfers.c.key == key)
    undone = (await connection.execute(query)).one()
    before = await ledger.entries_of(connection, undone.id)
    so_far = await ledger.reversals(connection, payment.transfer)
    amount, tax = -before.get("provider_clearing", 0), before.get("taxes", 0)
    if undone.body["tax_in_proportion"]:  # of what is still paid back, whichever of several refunds failed
        left = -so_far.get("provider_clearing", 0) - amount
        tax = so_far.get("taxes", 0) - in_proportion(payment.tax_minor, left, payment.gross_minor)
    fee = before.get("processor_fees", 0)
    regained = amount - tax - fee
    share = share_of_change(earned, earned + regained, await _terms_of(connection, payment.transfer))
    entries = {
        "provider_clearing": amount,
        "processor_fees": -fee,
        "taxes": -tax,
        "platform_share": -share,
        "creator_balance": share - regained,
    }
    await ledger.post(connection, _about(payment, f"{key}:failed", kind, entries, at), now)
    await ledger.set_earned(connection, payment.creator, payment.currency, earned + regained)


def _about(
    payment: Row[Any], key: str, kind: str, entries: dict[str, int], at: datetime, body: dict[str, Any] | None = None
) -> Transfer:
    return Transfer(
        key=key,
        kind=kind,
        currency=payment.currency,
        creator=payment.creator,
        provider=payment.provider,
        purchase=payment.purchase,
        reverses=payment.transfer,
        at=at,
        entries=entries,
        body=body or {},
    )


def _as_body(terms: ShareTerms) -> dict[str, Any]:
    return {"below_bp": terms.below_bp, "above_bp": terms.above_bp, "step_minor": terms.step_minor}


async def _terms_of(connection: AsyncConnection, transfer: int) -> ShareTerms:
    """The terms that a charge was divided under: it is taken back under the same."""
    body = (
        await connection.execute(select(ledger_transfers.c.body).where(ledger_transfers.c.id == transfer))
    ).scalar_one()
    return ShareTerms(body["below_bp"], body["above_bp"], body["step_minor"])
