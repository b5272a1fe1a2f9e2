"""Processes that send what is due and end – or are killed (SIGKILL) at a point of their work.

`python -m tests.harness.courier_process` waits for orders, one line of JSON each, and does each in a child of its own, forked,
so that nothing is imported twice. It names the child, and lets it begin at the next line.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from access.database import make_engine
from access.newsletter_service import Newsletters
from spaces.config import Config
from spaces.courier import Queue
from spaces.db.reminder_deliveries import ReminderDeliveries
from spaces.mail import Mailer
from spaces.newsletters.links import MailLinks
from spaces.newsletters.sender import NewsletterSender
from spaces.reminders.sender import ReminderSender
from spaces.tasks import Stop
from tests.harness.smtp import Mailbox
from tests.harness.world import World

POINTS = ("before the claim", "after the claim", "before the settling", "after the settling")
MAIL_POINTS = ("at RCPT", "after the message")


@dataclass
class Mortal:
    queue: Queue[Any]
    point: str
    number: int
    claims: int = 0

    def die_at(self, point: str) -> None:
        if point == self.point and self.claims == self.number:
            os.kill(os.getpid(), signal.SIGKILL)

    async def tidy(self) -> None:
        await self.queue.tidy()

    async def due(self) -> bool:
        return await self.queue.due()

    async def claim(self) -> Any:
        self.claims += 1
        self.die_at("before the claim")
        claimed = await self.queue.claim()
        self.die_at("after the claim")
        return claimed

    async def settle(self, claimed: Any, outcome: str, *, bounced: bool = False) -> None:
        self.die_at("before the settling")
        await self.queue.settle(claimed, outcome, bounced=bounced)
        self.die_at("after the settling")


@dataclass
class Couriers:
    """The test's end."""

    process: subprocess.Popen[str]

    async def killed_at(self, what: str, world: World, mailbox: Mailbox, point: str, number: int = 2) -> int:
        """Have a process send newsletters or reminders; how it ended: at POINT of the NUMBERth message, or well."""
        url = world.engine.url.render_as_string(hide_password=False)
        order = [what, url, mailbox.url, world.clock.now.isoformat(), point, number]
        mailbox.client = await asyncio.to_thread(self._ask, json.dumps(order))
        return await asyncio.to_thread(self._ask, "go")

    def _ask(self, line: str) -> int:
        assert self.process.stdin
        assert self.process.stdout
        print(line, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())


@pytest.fixture(scope="session")
def couriers() -> Iterator[Couriers]:
    command = [sys.executable, "-W", "error", "-m", "tests.harness.courier_process"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Couriers(process)


async def send(what: str, database: str, smtp: str, now: str, point: str, number: int) -> None:
    engine = make_engine(database)
    moment = datetime.fromisoformat(now)
    mail = Mailer(Config(smtp_url=smtp, mail_from="no-reply@live.example"))
    links = MailLinks(b"k" * 32, lambda: "https://live.example")
    queue: Any = (Newsletters if what == "newsletters" else ReminderDeliveries)(engine, lambda: moment)
    sender: Any = NewsletterSender if what == "newsletters" else ReminderSender
    await sender(Mortal(queue, point, number), mail, links, Stop(), lambda: moment).work()
    await engine.dispose()


def _child(order: list[Any], begin: int) -> None:
    """Never returns."""
    os.dup2(2, 1)  # the other end reads numbers alone
    os.read(begin, 1)
    try:
        asyncio.run(send(*order))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writer)
            _child(json.loads(line), reader)
        os.close(reader)
        print(child, flush=True)
        sys.stdin.readline()
        os.close(writer)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
