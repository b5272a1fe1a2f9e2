"""Proves what must hold of the books and of the rights they pay for, over a whole database, and names what breaks it.

Every check is a query that finds rows which must not be there.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    row: str
    """The first row that breaks it."""


CHECKS: tuple[tuple[str, str], ...] = (
    (
        "every transfer sums to zero",
        "SELECT 'ledger_transfers ' || t.id || ' sums to ' || SUM(e.amount_minor) FROM ledger_transfers t "
        "JOIN ledger_entries e ON e.transfer = t.id GROUP BY t.id HAVING SUM(e.amount_minor) <> 0 ORDER BY t.id",
    ),
    (
        "an entry has its transfer's currency",
        "SELECT 'ledger_entries ' || e.id FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer "
        "WHERE e.currency <> t.currency ORDER BY e.id",
    ),
    (
        "an entry of a creator's account is its transfer's creator's",
        "SELECT 'ledger_entries ' || e.id FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer "
        "WHERE e.ledger_account IN ('creator_balance', 'creator_hold', 'payouts_in_transit') "
        "AND (e.creator IS NULL OR e.creator <> t.creator) ORDER BY e.id",
    ),
    (
        "the ledger sums to zero in every currency",
        "SELECT 'currency ' || currency || ' sums to ' || SUM(amount_minor) FROM ledger_entries "
        "GROUP BY currency HAVING SUM(amount_minor) <> 0 ORDER BY currency",
    ),
    (
        "gross = fee + tax + platform share + creator share",
        "SELECT 'payments ' || p.id FROM payments p WHERE p.gross_minor <> "
        "(SELECT COALESCE(SUM(-e.amount_minor), 0) FROM ledger_entries e WHERE e.transfer = p.transfer AND "
        "e.ledger_account IN ('processor_fees', 'taxes', 'platform_share', 'creator_balance')) ORDER BY p.id",
    ),
    (
        "a payment's fee is what the ledger says",
        "SELECT 'payments ' || p.id FROM payments p WHERE p.fee_minor <> "
        "(SELECT COALESCE(SUM(-e.amount_minor), 0) FROM ledger_transfers t JOIN ledger_entries e ON e.transfer = t.id "
        "WHERE (t.id = p.transfer OR (t.reverses = p.transfer AND t.key LIKE 'fee:%')) "
        "AND e.ledger_account = 'processor_fees') ORDER BY p.id",
    ),
    (
        "a payment has the charge it says",
        "SELECT 'payments ' || p.id FROM payments p JOIN ledger_transfers t ON t.id = p.transfer "
        "WHERE t.kind <> 'charge' OR t.currency <> p.currency OR t.creator <> p.creator OR p.gross_minor <> "
        "(SELECT COALESCE(SUM(e.amount_minor), 0) FROM ledger_entries e "
        "WHERE e.transfer = t.id AND e.ledger_account = 'provider_clearing') ORDER BY p.id",
    ),
    (
        "every charge is a payment's",
        "SELECT 'ledger_transfers ' || t.id FROM ledger_transfers t WHERE t.kind = 'charge' "
        "AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.transfer = t.id) ORDER BY t.id",
    ),
    (
        "a reversal names the charge it takes back",
        "SELECT 'ledger_transfers ' || t.id FROM ledger_transfers t LEFT JOIN ledger_transfers c ON c.id = t.reverses "
        "WHERE t.kind IN ('refund', 'refund_failed', 'dispute_opened', 'dispute_won', 'dispute_lost', 'adjustment') "
        "AND (c.id IS NULL OR c.kind <> 'charge' OR c.currency <> t.currency OR c.creator <> t.creator) ORDER BY t.id",
    ),
    (
        "no more is paid back than was paid, and no more tax than was taken",
        "SELECT 'payments ' || p.id FROM payments p JOIN ledger_transfers t ON t.reverses = p.transfer "
        "JOIN ledger_entries e ON e.transfer = t.id WHERE e.ledger_account IN ('provider_clearing', 'taxes') "
        "GROUP BY p.id, p.gross_minor, p.tax_minor HAVING "
        "SUM(CASE WHEN e.ledger_account = 'provider_clearing' THEN -e.amount_minor ELSE 0 END) > p.gross_minor OR "
        "SUM(CASE WHEN e.ledger_account = 'taxes' THEN e.amount_minor ELSE 0 END) > p.tax_minor ORDER BY p.id",
    ),
    (
        "what was paid back is what refunds and lost disputes say",
        "SELECT 'payments ' || q.id FROM (SELECT p.id, p.gross_minor, "
        "(SELECT COALESCE(SUM(-e.amount_minor), 0) FROM ledger_transfers t JOIN ledger_entries e ON e.transfer = t.id "
        "WHERE t.reverses = p.transfer AND e.ledger_account = 'provider_clearing') AS gone, "
        "(SELECT COALESCE(SUM(r.amount_minor), 0) FROM refunds r WHERE r.payment = p.id AND r.state = 'succeeded') + "
        "(SELECT COALESCE(SUM(d.amount_minor), 0) FROM disputes d WHERE d.payment = p.id AND d.state = 'lost') AS said "
        "FROM payments p) q "
        "WHERE q.gone <> CASE WHEN q.said < q.gross_minor THEN q.said ELSE q.gross_minor END ORDER BY q.id",
    ),
    (
        "a hold is what open disputes say",
        "SELECT 'creator ' || e.creator || ' ' || e.currency FROM ledger_entries e "
        "WHERE e.ledger_account = 'creator_hold' GROUP BY e.creator, e.currency HAVING SUM(-e.amount_minor) <> "
        "(SELECT COALESCE(SUM(d.amount_minor), 0) FROM disputes d JOIN payments p ON p.id = d.payment "
        "WHERE d.state = 'open' AND p.creator = e.creator AND p.currency = e.currency) ORDER BY e.creator",
    ),
    (
        "the fee of a dispute that is over is in the books",
        "SELECT 'disputes ' || d.id FROM disputes d WHERE d.state <> 'open' AND d.fee_minor <> "
        "(SELECT COALESCE(SUM(-e.amount_minor), 0) FROM ledger_transfers t JOIN ledger_entries e ON e.transfer = t.id "
        "WHERE t.key IN ('dispute:' || d.provider || ':' || d.ref || ':' || 'fee', "
        "'dispute:' || d.provider || ':' || d.ref || ':' || 'lost') AND e.ledger_account = 'processor_fees') ORDER BY d.id",
    ),
    (
        "lifetime earnings are what the ledger says",
        "SELECT 'creator_books ' || b.creator || ' ' || b.currency FROM creator_books b WHERE b.earned_minor <> "
        "(SELECT COALESCE(SUM(-e.amount_minor), 0) FROM ledger_transfers t JOIN ledger_entries e ON e.transfer = t.id "
        "WHERE t.creator = b.creator AND t.currency = b.currency "
        "AND t.kind IN ('charge', 'refund', 'refund_failed', 'dispute_lost', 'adjustment') "
        "AND e.ledger_account IN ('platform_share', 'creator_balance')) ORDER BY b.creator, b.currency",
    ),
    (
        "a payout's money is where its state says",
        "SELECT 'payouts ' || p.id FROM payouts p WHERE p.amount_minor * "
        "(CASE WHEN p.state IN ('planned', 'submitted') THEN 1 ELSE 0 END) <> "
        "(SELECT COALESCE(SUM(-e.amount_minor), 0) FROM ledger_transfers t JOIN ledger_entries e ON e.transfer = t.id "
        "WHERE t.purchase = 'payout:' || p.id AND e.ledger_account = 'payouts_in_transit') "
        "OR (p.amount_minor - p.returned_minor) * (CASE WHEN p.state = 'paid' THEN 1 ELSE 0 END) <> "
        "(SELECT COALESCE(SUM(-e.amount_minor), 0) FROM ledger_transfers t JOIN ledger_entries e ON e.transfer = t.id "
        "WHERE t.purchase = 'payout:' || p.id AND e.ledger_account = 'provider_clearing') ORDER BY p.id",
    ),
    (
        "what came back of a payout is all of it, or a part of one that is paid",
        "SELECT 'payouts ' || id FROM payouts WHERE returned_minor <> amount_minor * "
        "(CASE WHEN state IN ('failed', 'returned') THEN 1 ELSE 0 END) AND NOT "
        "(state = 'paid' AND returned_minor > 0 AND returned_minor < amount_minor) ORDER BY id",
    ),
    (
        "a grant of a period has its period's dates",
        "SELECT 'grants ' || g.id FROM grants g LEFT JOIN paid_periods p ON p.id = g.period WHERE g.source = 'period' "
        'AND (p.id IS NULL OR p.start <> g.start OR p."end" <> g."end") ORDER BY g.id',
    ),
    (
        "a payment that is wholly paid back gives nothing",
        "SELECT 'paid_periods ' || p.id FROM paid_periods p JOIN payments y ON y.id = p.payment "
        "WHERE p.voided_at IS NULL AND y.gross_minor <= (SELECT COALESCE(SUM(r.amount_minor), 0) FROM refunds r "
        "WHERE r.payment = y.id AND r.state = 'succeeded') ORDER BY p.id",
    ),
    (
        "what was bought with the credit of a payment that went back gives nothing",
        "SELECT 'paid_periods ' || q.id FROM paid_periods p JOIN paid_periods q ON q.subscription = p.subscription "
        'AND q.start > p.start AND q.start < p."end" WHERE p.voided_at IS NOT NULL AND q.voided_at IS NULL '
        "AND q.kind = 'paid' AND NOT EXISTS (SELECT 1 FROM paid_periods r WHERE r.subscription = p.subscription "
        "AND r.start > p.start AND r.start < q.start) ORDER BY q.id",
    ),
    (
        "no right outlasts what it was exchanged for",
        "SELECT 'grants ' || g.id FROM grants g JOIN paid_periods p ON p.id = g.period "
        'JOIN paid_periods q ON q.subscription = p.subscription AND q.start > p.start AND q."end" < p."end" '
        "WHERE p.voided_at IS NULL AND q.voided_at IS NULL AND (g.revoked_at IS NULL OR g.revoked_at > q.start) "
        "ORDER BY g.id",
    ),
    (
        "the right of a gift has a gift that is paid for",
        "SELECT 'grants ' || g.id FROM grants g WHERE g.source = 'gift' AND g.revoked_at IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM gifts f JOIN payments p ON p.purchase = 'gift:' || f.id "
        "WHERE f.\"grant\" = g.id AND f.state = 'redeemed' AND f.recipient = g.account) ORDER BY g.id",
    ),
    (
        "one live subscription per account and creator",
        "SELECT 'account ' || account || ' creator ' || creator FROM subscriptions "
        "WHERE status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused') "
        "GROUP BY account, creator HAVING COUNT(*) > 1 ORDER BY account",
    ),
    (
        "a creator has an owner",
        "SELECT 'creators ' || c.id FROM creators c WHERE NOT EXISTS (SELECT 1 FROM creator_members m "
        "WHERE m.creator = c.id AND m.role = 'owner') ORDER BY c.id",
    ),
)


async def check(connection: AsyncConnection) -> list[Finding]:
    """What does not hold; empty: the books are in order."""
    findings = []
    for name, query in CHECKS:
        row = (await connection.execute(text(query + " LIMIT 1"))).first()
        if row is not None:
            findings.append(Finding(name, str(row[0])))
    return findings
