"""Tickets in tests of access: an offer, buyers, what a provider tells of a ticket's money, and what must always hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from access.decide import Action, Allow, Deny, Policy, Resource
from access.facts import AnyFact
from access.model import Account, Creator
from access.ticket_model import SoldTicket
from access.ticket_offers import Settings, close
from tests.harness.world import World

SPACE = "aTicketedOne"
PRICE = 1_500


async def on_sale(world: World, quantity: int = 2, **settings: Any) -> tuple[Account, Creator]:
    owner, creator = await world.creator()
    usual: dict[str, Any] = {"amount_minor": PRICE, "currency": "USD", "quantity": quantity}
    await world.access.tickets.set_offer(owner, SPACE, creator.id, Settings(**(usual | settings)))
    return owner, creator


async def reserve(world: World, fan: Account) -> SoldTicket:
    return await world.access.tickets.buy(fan, SPACE, name="A talk")


async def buy(world: World, fan: Account) -> SoldTicket:
    return await world.access.tickets.pay(ref_of(await reserve(world, fan)), "succeed")


async def ticket(world: World, number: int) -> SoldTicket:
    everybody = await world.rows(f"SELECT payer FROM tickets WHERE id = {number}")
    accounts = await world.access.accounts([everybody[0].payer])
    found = await world.access.tickets.of_account(accounts[everybody[0].payer])
    return next(one for one in found if one.id == number)


async def cancel_space(world: World, state: str = "cancelled") -> None:
    async with world.engine.begin() as connection:
        await close(connection, SPACE, state, world.clock())


async def may_come(world: World, fan: Account | None, creator: Creator, *, subscribers: bool = False) -> Allow | Deny:
    policies = (Policy("ticketed"), *([Policy("subscribers")] if subscribers else []))
    return await world.access.decide(fan, Action.JOIN, Resource(SPACE, creator.id, policies))


def ref_of(sold: SoldTicket) -> str:
    assert sold.checkout_url is not None
    return sold.checkout_url.rsplit("/", 1)[1]


async def tell(world: World, *told: AnyFact) -> None:
    await world.access.desk.take(told)


async def time_passes(world: World, **delta: float) -> None:
    world.clock.now += timedelta(**delta)
    await world.access.desk.keep_time()


async def check_books_and_seats(world: World) -> None:
    """Never oversold; every seat is somebody's; who paid has a right or his money; rights rest on tickets; books add up."""
    held = "('reserved', 'paid', 'admitted', 'disputed')"
    for offer in await world.rows("SELECT * FROM ticket_offers"):
        counted = await world.rows(f"SELECT count(*) AS n FROM tickets WHERE offer = {offer.id} AND state IN {held}")
        assert counted[0].n == offer.taken <= offer.quantity
    effective = await world.rows("SELECT id FROM grants WHERE source = 'ticket' AND revoked_at IS NULL")
    owned = await world.rows("SELECT \"grant\" AS id FROM tickets WHERE state IN ('paid', 'admitted')")
    assert sorted(row.id for row in effective) == sorted(row.id for row in owned)
    for row in await world.rows("SELECT * FROM payments WHERE purchase LIKE 'ticket:%'"):
        number = int(row.purchase.removeprefix("ticket:"))
        state = (await world.rows(f"SELECT state FROM tickets WHERE id = {number}"))[0].state
        assert state not in ("reserved", "void"), "paid for, and neither a seat nor a refund"
        if state == "refunding":
            asked = await world.rows(f"SELECT count(*) AS n FROM provider_tasks WHERE subject = '{row.ref}'")
            assert asked[0].n > 0
    sums = await world.rows(
        "SELECT transfer, sum(amount_minor) AS total FROM ledger_entries GROUP BY transfer HAVING sum(amount_minor) <> 0"
    )
    assert not sums


async def balance(world: World, account: str, creator: int | None = None) -> int:
    """Debits less credits of one account of the books."""
    whose = "" if creator is None else f" AND creator = {creator}"
    query = text(f"SELECT coalesce(sum(amount_minor), 0) FROM ledger_entries WHERE ledger_account = '{account}'{whose}")
    async with world.engine.connect() as connection:
        return int((await connection.execute(query)).scalar_one())
