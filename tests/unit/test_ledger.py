"""The books: what cannot be changed, how a payment is divided, and a check that finds what was tampered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from access import ledger_check
from access.database import read
from access.errors import AccessError
from access.shares import ShareTerms, in_proportion, round_half_even, share_of_change, share_of_lifetime
from tests.harness.world import World

STEP = ShareTerms(below_bp=300, above_bp=2_000, step_minor=5_000_000)


def test_the_payment_that_crosses_the_step_is_split_exactly() -> None:
    assert share_of_change(4_999_000, 5_001_000, STEP) == 30 + 200
    assert share_of_change(0, 5_000_000, STEP) == 150_000
    assert share_of_change(5_000_000, 5_000_100, STEP) == 20


@pytest.mark.parametrize(("part", "of", "rounded"), [(1, 2, 0), (3, 2, 2), (5, 2, 2), (7, 2, 4), (5, 3, 2), (4, 3, 1)])
def test_halves_go_to_the_even(part: int, of: int, rounded: int) -> None:
    assert round_half_even(part, of) == rounded


@given(st.lists(st.integers(-5_000, 900_000), max_size=30))
def test_rounding_never_adds_up_and_no_order_changes_the_sum(earnings: list[int]) -> None:
    terms, taken, total = ShareTerms(below_bp=333, above_bp=1_999, step_minor=1_000_000), 0, 0
    for earned in earnings:
        taken += share_of_change(total, total + earned, terms)
        total += earned
    assert taken == share_of_lifetime(total, terms)


@given(st.integers(0, 10**8), st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_proportions_of_parts_add_up_to_the_whole(tax: int, parts: list[int]) -> None:
    whole, back, paid = sum(parts), 0, 0
    for part in parts:
        back += in_proportion(tax, paid + part, whole) - in_proportion(tax, paid, whole)
        paid += part
    assert back == tax


@pytest.mark.parametrize("table", ["ledger_transfers", "ledger_entries"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET currency = 'EUR'", "DELETE FROM {}"])
async def test_what_is_in_the_books_stays_there(world: World, table: str, statement: str) -> None:
    owner, creator = await world.creator()
    await world.subscribe(await world.person(), creator, await world.tier(owner, creator))
    with pytest.raises(DBAPIError, match="only appended to"):
        async with world.engine.begin() as connection:
            await connection.execute(text(statement.format(table)))


async def test_a_payment_is_divided_into_the_creators_balance(world: World) -> None:
    owner, creator = await world.creator()
    fan = await world.person()
    await world.subscribe(fan, creator, await world.tier(owner, creator, amount_minor=1_000))
    (balance,) = await world.access.books.balances(owner, creator)
    # 10.00 less 0.59 of the processor (2.9 % and 0.30), less 3 % of the rest
    assert (balance.balance_minor, balance.available_minor) == (1_000 - 59 - 28, 0)
    (line,) = await world.access.books.statement(owner, creator, "2026-01")
    assert (line.gross_minor, line.fee_minor, line.platform_share_minor, line.creator_minor) == (1_000, 59, 28, 913)
    with pytest.raises(AccessError, match="403 not_creator"):
        await world.access.books.balances(fan, creator)


async def test_no_more_than_is_available_is_paid_out(world: World) -> None:
    owner, creator = await world.creator()
    await world.subscribe(await world.person(), creator, await world.tier(owner, creator, amount_minor=1_000))
    with pytest.raises(AccessError, match="409 nothing_available"):
        await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    world.clock.forward(days=8)
    with pytest.raises(AccessError, match="422 bad_field"):
        await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=914)
    first = await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=900)
    assert (first.state, first.amount_minor) == ("paid", 900)
    rest = await world.access.books.pay_out(owner, creator, currency="USD", amount_minor=None)
    assert rest.amount_minor == 13
    (balance,) = await world.access.books.balances(owner, creator)
    assert (balance.balance_minor, balance.in_transit_minor) == (0, 0)
    assert await read(world.engine, ledger_check.check) == []


@pytest.mark.parametrize(
    ("tampering", "check", "row"),
    [
        (
            "INSERT INTO ledger_entries (transfer, ledger_account, currency, amount_minor) "
            "VALUES (1, 'deposits', 'USD', 5)",
            "every transfer sums to zero",
            "ledger_transfers 1",
        ),
        (
            "UPDATE payments SET gross_minor = gross_minor + 1",
            "gross = fee + tax + platform share + creator share",
            "payments 1",
        ),
        ("UPDATE creator_books SET earned_minor = 0", "lifetime earnings are what the ledger says", "creator_books"),
        ("UPDATE grants SET \"end\" = '2036-01-01 00:00:00'", "a grant of a period has its period's dates", "grants 1"),
        ("DELETE FROM creator_members", "a creator has an owner", "creators"),
    ],
)  # fmt: skip
async def test_the_check_names_the_first_row_that_breaks(
    world: World, tmp_path: Path, tampering: str, check: str, row: str
) -> None:
    owner, creator = await world.creator()
    await world.subscribe(await world.person(), creator, await world.tier(owner, creator))
    assert await world.access.books.check() == []
    async with world.engine.begin() as connection:
        await connection.execute(text(tampering))
    found = {finding.check: finding.row for finding in await world.access.books.check()}
    assert found[check].startswith(row)
