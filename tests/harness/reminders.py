"""A scheduled Space and people who want to be reminded of it, on a World."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from access.model import Account
from access.sessions import Client
from spaces.config import Config
from spaces.db.reminder_deliveries import ReminderDeliveries
from spaces.db.store import SpaceStore
from spaces.mail import Mailer
from spaces.newsletters.links import MailLinks
from spaces.reminders.sender import ReminderSender
from spaces.room_change import Limits, propose
from spaces.room_commands import Cancel, Edit, End, Lasting, Start
from spaces.room_record import AccessRule, Kept, Record, StageMember
from spaces.room_rules import Role
from spaces.tasks import Stop
from tests.harness.rooms import LIMITS
from tests.harness.smtp import Mailbox
from tests.harness.world import World

LEAD = timedelta(minutes=15)


@dataclass
class Stage:
    world: World
    owner: Account
    store: SpaceStore
    record: Record
    limits: Limits = LIMITS
    asked: dict[str, Account] = field(default_factory=dict)
    """By address."""

    async def fan(self, address: str, *, mail: bool | None = None) -> Account:
        """Somebody who signs in by mail and has asked to be reminded."""
        people = self.world.access.people
        asked = await people.ask(address)
        account = (await people.answer(asked.browser, asked.code, Client("A browser", "203.0.113.7"))).account
        await self.ask(account, mail=mail)
        self.asked[address] = account
        return account

    @property
    def start_at(self) -> datetime:
        """When it is planned for."""
        assert self.record.scheduled_start is not None
        return self.record.scheduled_start

    async def ask(self, account: Account, *, mail: bool | None = None) -> None:
        await self.store.reminders.ask(self.record.id, account.id, mail, self.world.clock())

    async def do(self, command: Lasting) -> None:
        after = propose(self.record, {}, self.limits, command)
        await self.store.save(Kept(self.record), Kept(after), self.world.clock())
        self.record = after

    async def move(self, start: datetime) -> None:
        await self.do(Edit(by=self.owner.id, now=self.world.clock(), scheduled_start=start))

    async def start(self) -> None:
        await self.do(Start(self.owner.id, self.world.clock()))

    async def end(self) -> None:
        await self.do(End(self.owner.id, self.world.clock()))

    async def cancel(self) -> None:
        await self.do(Cancel(self.owner.id, self.world.clock()))

    def sender(self, mailbox: Mailbox) -> ReminderSender:
        mail = Mailer(Config(smtp_url=mailbox.url, mail_from="Live <no-reply@live.example>"))
        links = MailLinks(b"k" * 32, lambda: "https://live.example")
        deliveries = ReminderDeliveries(self.world.engine, self.world.clock)
        return ReminderSender(deliveries, mail, links, Stop(), self.world.clock)

    async def states(self) -> dict[tuple[str, str], int]:
        """Notices by kind and state."""
        rows = await self.world.rows("SELECT kind, state FROM reminder_notices")
        return dict(Counter((row.kind, row.state) for row in rows))


async def a_stage(world: World, *, starts_in: timedelta | None = timedelta(days=2), space: str = "aSpace") -> Stage:
    owner, creator = await world.creator()
    store = SpaceStore(world.engine, LEAD)
    record = Record(
        id=space,
        creator=creator.id,
        title="An evening",
        access=(AccessRule("open"),),
        created_at=world.clock(),
        stage=(StageMember(owner.id, Role.HOST),),
        scheduled_start=None if starts_in is None else world.clock() + starts_in,
        time_zone="Europe/Paris",
    )
    await store.insert(record)
    return Stage(world, owner, store, record)
