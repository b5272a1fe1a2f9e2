"""Acts that move money, for a process that is killed in them: what comes before, the act, the same again, and what must hold.

Each part runs in a process of its own and knows only `notes`, which go through JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from access.decide import Allow
from access.errors import AccessError
from access.model import Account, Creator, Tier
from access.service import Access
from access.stripe_api import StripeApi
from access.stripe_inbox import StripeInbox
from access.stripe_provider import StripeProvider
from access.tables import metadata
from access.ticket_offers import Settings
from tests.harness import gifts, tickets
from tests.harness.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, signature
from tests.harness.world import START, World, make_world, pay_ref


async def on(engine: AsyncEngine, name: str, notes: dict[str, Any] | None) -> Act:
    act = ACTS[name](await make_world(engine), notes or {})
    act.world.clock.now = datetime.fromisoformat(act.notes.setdefault("now", START.isoformat()))
    await act.ready()
    return act


async def tried(act: Awaitable[Any], *allowed: str) -> Any:
    """None: it says that it is done already."""
    try:
        return await act
    except AccessError as error:
        if error.code not in allowed:
            raise
        return None


class Act:
    def __init__(self, world: World, notes: dict[str, Any]) -> None:
        self.world = world
        self.access = world.access
        self.notes = notes

    async def ready(self) -> None:
        """Before every part."""

    async def close(self) -> None:
        """After every part."""

    async def prepare(self) -> None:
        owner, creator = await self.world.creator("ada")
        tier = await self.world.tier(owner, creator, amount_minor=1_000)
        fan, friend = await self.world.person("bob"), await self.world.person("cleo")
        self.notes |= {"owner": owner.id, "tier": tier.id, "fan": fan.id, "friend": friend.id}
        await self.before()

    async def before(self) -> None:
        """The rest of what comes before the act."""

    async def act(self) -> None:
        raise NotImplementedError

    async def cut_off(self) -> None:
        """What must hold right after the kill."""
        assert await self.access.books.check() == []
        fan, creator = await self.account("fan"), await self.creator()
        if isinstance(await self.world.may_join(fan, creator), Allow):
            assert await self.world.rows("SELECT id FROM payments"), "a right without a payment"

    async def recover(self) -> None:
        """Left out if what was recovered from last (`recovered`) was the same: after as many commits, with the same rows."""
        tables = ", ".join(f"(SELECT count(*) FROM {name})" for name in sorted(metadata.tables))
        left = [self.notes["commits"], *(await self.world.rows(f"SELECT {tables}"))[0]]
        if left == self.notes["recovered"]:
            return
        self.notes["recovered"] = left
        await self.cut_off()
        await self.again()

    async def again(self) -> None:
        """What the caller does whose answer never came; then time passes as on a node that lives."""
        await self.act()
        await self.access.desk.keep_time()
        self.world.clock.forward(hours=2)
        await self.access.desk.keep_time()
        await self.holds()
        assert await self.access.books.check() == []

    async def holds(self) -> None:
        """What must hold in the end."""

    # --- short ways
    async def account(self, name: str) -> Account:
        found = await self.access.accounts([self.notes[name]])
        return found[self.notes[name]]

    async def creator(self) -> Creator:
        return await self.access.creator("ada")

    async def tier(self) -> Tier:
        found = await self.access.tier(self.notes["tier"])
        assert found is not None
        return found

    async def count(self, table: str, condition: str = "1 = 1") -> int:
        return int((await self.world.rows(f"SELECT count(*) AS n FROM {table} WHERE {condition}"))[0].n)

    async def is_in(self, name: str = "fan") -> bool:
        return isinstance(await self.world.may_join(await self.account(name), await self.creator()), Allow)


class Subscribe(Act):
    async def act(self) -> None:
        begun = await tried(
            self.access.follows.subscribe(await self.account("fan"), await self.creator(), tier=self.notes["tier"]),
            "already_subscribed",
        )
        if begun is not None:
            await self.access.follows.pay(pay_ref(begun), "succeed")

    async def holds(self) -> None:
        assert await self.is_in()
        assert await self.count("payments") == await self.count("paid_periods") == 1
        assert await self.count("subscriptions", "status = 'active'") == 1
        assert await self.count("test_checkouts", "state = 'paid'") == 1, "charged twice"


class Renewal(Act):
    async def before(self) -> None:
        await self.world.subscribe(await self.account("fan"), await self.creator(), await self.tier())
        self.notes["now"] = (self.world.clock() + timedelta(days=31)).isoformat()

    async def act(self) -> None:
        await self.access.desk.keep_time()

    async def holds(self) -> None:
        assert await self.is_in()
        assert await self.count("payments") == await self.count("paid_periods") == 2


class Refund(Act):
    async def before(self) -> None:
        await self.world.subscribe(await self.account("fan"), await self.creator(), await self.tier())

    async def act(self) -> None:
        owner, creator = await self.account("owner"), await self.creator()
        payment = (await self.access.books.payments(owner, creator))[0].id
        await tried(
            self.access.books.refund(owner, creator, payment, amount_minor=None, key="once"), "nothing_to_refund"
        )

    async def holds(self) -> None:
        assert not await self.is_in()
        rows = await self.world.rows("SELECT amount_minor, state FROM refunds")
        assert [tuple(row) for row in rows] == [(1_000, "succeeded")]
        assert await self.count("test_objects", "key LIKE 'refund:%'") == 1, "paid back twice"


class Payout(Act):
    async def before(self) -> None:
        await self.world.subscribe(await self.account("fan"), await self.creator(), await self.tier())
        self.notes["now"] = (self.world.clock() + timedelta(days=8)).isoformat()

    async def act(self) -> None:
        owner, creator = await self.account("owner"), await self.creator()
        await self.access.books.pay_out(owner, creator, currency="USD", amount_minor=500, key="once")

    async def holds(self) -> None:
        [payout] = await self.access.books.payouts(await self.account("owner"), await self.creator())
        assert payout.state == "paid"
        assert await self.count("test_objects", "key LIKE 'payout:%'") == 1, "paid out twice"
        [balance] = await self.access.books.balances(await self.account("owner"), await self.creator())
        assert (balance.balance_minor, balance.in_transit_minor) == (413, 0)


class Ticket(Act):
    async def before(self) -> None:
        settings = Settings(amount_minor=tickets.PRICE, currency="USD", quantity=1)
        await self.access.tickets.set_offer(await self.account("owner"), tickets.SPACE, self.notes["owner"], settings)

    async def act(self) -> None:
        sold = await tried(tickets.reserve(self.world, await self.account("fan")), "already_holds")
        if sold is not None:
            await self.access.tickets.pay(tickets.ref_of(sold), "succeed")

    async def cut_off(self) -> None:
        await tickets.check_books_and_seats(self.world)
        assert await self.access.books.check() == []

    async def holds(self) -> None:
        fan = await self.account("fan")
        assert isinstance(await tickets.may_come(self.world, fan, await self.creator()), Allow)
        assert await self.count("payments") == await self.count("tickets") == 1
        assert await self.count("test_checkouts", "state = 'paid'") == 1, "charged twice"
        await tickets.check_books_and_seats(self.world)


class Gift(Act):
    async def act(self) -> None:
        giver, friend = await self.account("fan"), await self.account("friend")
        mine = [gift for gift in await self.access.gifts.of_account(giver) if gift.state in ("paid", "redeemed")]
        if not mine:
            begun = await gifts.begin(self.world, giver, await self.creator(), await self.tier(), 3)
            mine = [await self.access.gifts.pay(gifts.ref_of(begun), "succeed")]
        if mine[0].state == "paid":
            await gifts.redeemed(self.world, giver, friend, mine[0])

    async def cut_off(self) -> None:
        await gifts.check_gifts(self.world)
        assert await self.access.books.check() == []
        assert await self.count("payments") or not await self.is_in("friend")

    async def holds(self) -> None:
        assert await self.is_in("friend")
        assert not await self.is_in()
        assert await self.count("payments") == await self.count("gifts", "state = 'redeemed'") == 1
        assert await self.count("test_checkouts", "state = 'paid'") == 1, "charged twice"
        await gifts.check_gifts(self.world)


class Webhooks(Act):
    """`address`, `bodies`: of the stand-in of Stripe, and what it sends."""

    async def ready(self) -> None:
        api = StripeApi(SECRET_KEY, self.notes["address"])
        self.provider = StripeProvider(api, self.world.engine, "spaces_test", lambda: "http://127.0.0.1:1")
        self.access = self.world.access = Access(
            self.world.engine, provider=self.provider, join_token_key=b"j" * 32, now=self.world.clock
        )
        self.inbox = StripeInbox(
            self.provider, self.access.desk, (WEBHOOK_SECRET,), live=False, wall=lambda: datetime.now(UTC)
        )

    async def close(self) -> None:
        await self.provider.close()

    async def before(self) -> None:
        fan, creator = await self.account("fan"), await self.creator()
        await self.access.follows.subscribe(fan, creator, tier=self.notes["tier"])
        self.notes["session"] = (await self.world.rows("SELECT ref FROM provider_checkouts"))[0].ref

    async def act(self) -> None:
        for body in self.notes["bodies"]:
            await self.inbox.receive(body.encode(), signature(body.encode()))

    async def holds(self) -> None:
        assert await self.is_in()
        assert await self.count("payments") == await self.count("paid_periods") == 1
        assert await self.count("webhook_events", "state = 'received'") == 0


class LaterWebhooks(Webhooks):
    """What is told of a payment that was heard of and paid out: renewed, refunded and disputed in part, the payout reversed in
    part. None of it was asked for here."""

    async def connect(self) -> None:
        await self.access.payout_accounts.connect(await self.account("owner"), await self.creator(), country="DE")

    async def later(self) -> None:
        await self.access.books.pay_out(
            await self.account("owner"), await self.creator(), currency="USD", amount_minor=None
        )
        paid, subscribed, sent = [
            (await self.world.rows(query))[0][0]
            for query in (
                "SELECT ref FROM payments",
                "SELECT agreement_ref FROM subscriptions",
                "SELECT transfer_ref FROM payouts",
            )
        ]
        by_hand: Any = {"payment_intent": paid, "amount": 300}
        await self.provider.api.v1.refunds.create_async(by_hand, {"idempotency_key": "by hand"})
        self.notes |= {"payment": paid, "agreement": subscribed, "transfer": sent}

    async def holds(self) -> None:
        assert await self.is_in(), "by the renewal"
        assert await self.count("payments") == await self.count("paid_periods") == 2
        assert await self.count("webhook_events", "state = 'received'") == 0
        refunds, disputes = [
            [tuple(row) for row in await self.world.rows(f"SELECT state, amount_minor FROM {table}")]
            for table in ("refunds", "disputes")
        ]
        assert (refunds, disputes) == ([("succeeded", 300)], [("lost", 200)])
        owner, creator = await self.account("owner"), await self.creator()
        [payout] = await self.access.books.payouts(owner, creator)
        assert (payout.state, payout.amount_minor, payout.returned_minor) == ("paid", 913, 100)
        [balance] = await self.access.books.balances(owner, creator)
        earned = 2 * (1_000 - 59) - 300 - (200 + 1_500)  # below zero, of which the platform has no share
        assert (balance.balance_minor, balance.held_minor) == (earned - 913 + 100, 0)


ACTS: dict[str, type[Act]] = {
    "subscribe": Subscribe,
    "renewal": Renewal,
    "refund": Refund,
    "payout": Payout,
    "ticket": Ticket,
    "gift": Gift,
    "webhooks": Webhooks,
    "later webhooks": LaterWebhooks,
}
