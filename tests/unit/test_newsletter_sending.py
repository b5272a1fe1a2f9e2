"""Newsletters against a real SMTP server: who gets one, how often, and what happens when something breaks in between."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta

import pytest

from access.errors import AccessError
from access.mail_queue import CLAIM, RETRIES
from spaces.mail import MailError
from tests.harness.courier_process import MAIL_POINTS, POINTS, Couriers
from tests.harness.newsletters import BENEFITS, a_press
from tests.harness.smtp import HANG_UP, Mailbox, receiving_mail
from tests.harness.world import World

pytestmark = pytest.mark.thorough


async def test_it_goes_to_those_who_are_entitled_and_want_it(world: World) -> None:
    press = await a_press(world)
    newsletters = world.access.newsletters
    plain = await world.tier(press.owner, press.creator, 2, benefits=["space.join"])
    higher = await world.tier(press.owner, press.creator, 3, benefits=BENEFITS)
    await press.reader("reader@example.org")
    await press.reader("higher@example.org", tier=higher)
    await press.reader("plain@example.org", tier=plain)
    await press.reader("guest@example.org", paying=False)
    await newsletters.unsubscribe((await press.reader("gone@example.org")).id, press.creator.id, by="account")
    await world.access.ban(press.owner, await press.reader("banned@example.org"), creator=press.creator.id)
    await world.access.suspend(await press.reader("suspended@example.org"))
    await press.reader("bounced@example.org")
    await newsletters.bounced("bounce", address="Bounced@example.org")
    silent = await world.person()
    await world.access.create_comp(press.owner, press.creator, silent, tier=press.tier.id)
    pending = await newsletters.subscribe(
        silent, press.creator, address="silent@example.org", source="test", can_ask=True
    )  # fmt: skip
    assert pending.confirmed_at is None
    assert await newsletters.audience(press.creator.id, ()) == 2
    assert await newsletters.audience(press.creator.id, [press.tier.id]) == 1
    async with receiving_mail() as mailbox:
        some = await press.sending(subject="For some", tiers=[press.tier.id])
        everybody = await press.sending(subject="For all")
        await press.sender(mailbox).work()
    assert [(m.message["Subject"], m.recipient) for m in mailbox.letters] == [
        ("For some", "reader@example.org"), ("For all", "reader@example.org"), ("For all", "higher@example.org"),
    ]  # fmt: skip
    assert await press.states(some) == {"sent": 1, "skipped": 6}
    assert await press.states(everybody) == {"sent": 2, "skipped": 5}
    finished = await newsletters.get(press.owner, press.creator, everybody.id)
    assert (finished.state, finished.finished_at) == ("sent", world.clock.now)


async def test_whoever_unsubscribes_or_lapses_after_sending_began_gets_nothing(world: World) -> None:
    press, newsletters = await a_press(world), world.access.newsletters
    first, second = await press.reader("a@example.org"), await press.reader("b@example.org")
    issue = await press.sending()
    await newsletters.unsubscribe(first.id, press.creator.id, by="one_click")
    for comp in await world.access.comps(press.owner, press.creator):
        if comp.account == second.id:
            await world.access.end_comp(press.owner, press.creator, comp.id)
    async with receiving_mail() as mailbox:
        await press.sender(mailbox).work()
    assert mailbox.letters == []
    reasons = await world.rows("SELECT reason FROM deliveries ORDER BY id")
    assert [row.reason for row in reasons] == ["unsubscribed", "not_entitled"]
    assert await press.states(issue) == {"skipped": 2}


async def test_the_server_decides_what_becomes_of_a_delivery(world: World) -> None:
    press = await a_press(world)
    for name in ("fine", "nobody", "spam", "grey", "hangup"):
        await press.reader(f"{name}@example.org")
    issue = await press.sending()
    async with receiving_mail() as mailbox:
        mailbox.to_recipient["nobody@example.org"] = "550 5.1.1 no such user"
        mailbox.to_recipient["grey@example.org"] = "451 4.7.1 come back later"
        mailbox.after_message["spam@example.org"] = "554 5.7.1 we think not"
        mailbox.after_message["hangup@example.org"] = HANG_UP
        sender = press.sender(mailbox)
        await sender.work()
        assert await press.states(issue) == {"sent": 1, "refused": 2, "unknown": 1, "queued": 1}
        mailbox.to_recipient.clear()
        mailbox.after_message.clear()
        await sender.work()
        assert mailbox.to("grey@example.org") == [], "not before it is due"
        world.clock.forward(minutes=1)
        await sender.work()
        assert len(mailbox.to("grey@example.org")) == 1
        assert len(mailbox.to("hangup@example.org")) == 1, "what may have arrived is not sent again"
        again = await press.sending(subject="The next")
        await sender.work()
    assert await press.states(issue) == {"sent": 2, "refused": 2, "unknown": 1}
    assert await press.states(again) == {"sent": 4, "skipped": 1}, "a mailbox that is not there is written to once"


async def test_a_server_that_never_takes_it_is_given_up_on(world: World) -> None:
    press = await a_press(world)
    await press.reader("grey@example.org")
    issue = await press.sending()
    async with receiving_mail() as mailbox:
        mailbox.to_recipient["grey@example.org"] = "451 4.7.1 come back later"
        for wait in (*RETRIES, timedelta()):
            await press.sender(mailbox).work()
            world.clock.now += wait
    assert await press.states(issue) == {"failed": 1}
    assert (await world.access.newsletters.get(press.owner, press.creator, issue.id)).state == "sent"


async def test_a_server_that_is_away_costs_nobody_an_attempt(world: World) -> None:
    press = await a_press(world)
    await press.reader("a@example.org")
    issue = await press.sending()
    with pytest.raises(MailError):
        await press.sender(Mailbox(port=1)).work()
    assert await press.states(issue) == {"queued": 1}
    async with receiving_mail() as mailbox:
        await press.sender(mailbox).work()
    assert [row.attempts for row in await world.rows("SELECT attempts FROM deliveries")] == [1]


async def test_a_stopped_issue_goes_no_further(world: World) -> None:
    press, newsletters = await a_press(world), world.access.newsletters
    await press.reader("a@example.org")
    issue = await press.sending()
    claimed = await newsletters.claim()
    assert claimed is not None
    await newsletters.stop(press.owner, press.creator, issue.id)
    await newsletters.settle(claimed, "not_sent")
    assert await newsletters.claim() is None
    assert await press.states(issue) == {"skipped": 1}
    with pytest.raises(AccessError, match="409 bad_state"):
        await newsletters.send(press.owner, press.creator, issue.id)


async def test_several_senders_never_send_the_same(world: World) -> None:
    press = await a_press(world)
    for number in range(12):
        await press.reader(f"r{number}@example.org")
    issue = await press.sending()
    async with receiving_mail() as mailbox:
        await asyncio.gather(*(press.sender(mailbox).work() for _ in range(4)))
    assert sorted(letter.recipient for letter in mailbox.letters) == sorted(press.readers)
    assert await press.states(issue) == {"sent": 12}


@pytest.mark.parametrize("point", [*POINTS, *MAIL_POINTS])
async def test_killed_between_any_two_steps_nobody_gets_it_twice(world: World, couriers: Couriers, point: str) -> None:
    press = await a_press(world)
    for name in ("a", "b", "c"):
        await press.reader(f"{name}@example.org")
    issue = await press.sending()
    async with receiving_mail() as mailbox:
        if point in MAIL_POINTS:
            mailbox.kill_at = (point, "b@example.org")
        assert await couriers.killed_at("newsletters", world, mailbox, point) == -signal.SIGKILL
        mailbox.kill_at = None
        world.clock.now += CLAIM + timedelta(seconds=1)
        assert await couriers.killed_at("newsletters", world, mailbox, "never") == 0
    got = {name: len(mailbox.to(f"{name}@example.org")) for name in ("a", "b", "c")}
    in_doubt = point in ("after the claim", "at RCPT", "after the message", "before the settling")
    arrived = point not in ("after the claim", "at RCPT")
    assert got == {"a": 1, "b": int(arrived), "c": 1}
    assert await press.states(issue) == ({"sent": 2, "unknown": 1} if in_doubt else {"sent": 3})
    assert (await world.access.newsletters.get(press.owner, press.creator, issue.id)).state == "sent"
    assert os.getpid() != mailbox.client
