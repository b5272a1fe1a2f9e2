"""Reminders against a real SMTP server: who is told what, how often, and what happens when something breaks in between."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

import pytest
from icalendar import Calendar

from access.mail_queue import CLAIM, RETRIES
from spaces.errors import RequestError
from tests.harness.courier_process import MAIL_POINTS, POINTS, Couriers
from tests.harness.reminders import LEAD, Stage, a_stage
from tests.harness.smtp import HANG_UP, Mailbox, receiving_mail
from tests.harness.world import World

ADA, BOB = "ada@example.org", "bob@example.org"


def subjects(mailbox: Mailbox, address: str) -> list[str]:
    return [str(letter.message["Subject"]) for letter in mailbox.to(address)]


async def test_who_asked_is_told_once_before_it_begins_and_nobody_else(world: World) -> None:
    stage = await a_stage(world)
    await stage.fan(ADA)
    await stage.fan(BOB, mail=False)
    gone = await stage.fan("gone@example.org")
    await stage.store.reminders.withdraw("aSpace", gone.id, world.clock())
    await stage.ask(stage.asked[ADA])
    async with receiving_mail() as mailbox:
        sender = stage.sender(mailbox)
        world.clock.now = stage.start_at - LEAD - timedelta(seconds=1)
        await sender.work()
        assert mailbox.letters == []
        world.clock.forward(seconds=1)
        for _ in range(2):
            await sender.work()
        await stage.start()
        await sender.work()
    [letter] = mailbox.letters
    assert (letter.recipient, letter.message["Subject"]) == (ADA, "Soon: An evening")
    text = letter.message.get_content()
    assert "Mon 2 Feb 2026, 13:00 CET" in text, "by the clock of the place"
    assert "https://live.example/s/aSpace" in text
    assert str(letter.message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert str(letter.message["List-Unsubscribe"]).strip("<>") in text
    assert await stage.states() == {("begins", "sent"): 1, ("begins", "skipped"): 1}


async def test_who_begins_early_or_without_a_time_is_announced_when_live(world: World) -> None:
    for number, starts_in in enumerate((timedelta(days=2), None, LEAD / 3)):
        stage = await a_stage(world, starts_in=starts_in, space=f"s{number}")
        address = f"fan{number}@example.org"
        await stage.fan(address)
        async with receiving_mail() as mailbox:
            sender = stage.sender(mailbox)
            await sender.work()
            assert mailbox.letters == [], "whoever has just heard of it is not told so"
            await stage.start()
            await sender.work()
            await sender.work()
        assert subjects(mailbox, address) == ["Live now: An evening"]
        await stage.end()


async def test_each_move_is_told_once_and_the_new_time_is_reminded_of(world: World) -> None:
    stage = await a_stage(world)
    await stage.fan(ADA)
    first = stage.start_at
    async with receiving_mail() as mailbox:
        sender = stage.sender(mailbox)
        await stage.move(first + timedelta(days=1))
        await stage.move(first + timedelta(days=1))
        await stage.move(first + timedelta(days=2))
        for _ in range(2):
            await sender.work()
        assert subjects(mailbox, ADA) == ["Another time: An evening"] * 2
        moved = [letter.message for letter in mailbox.letters]
        texts = [str(message.get_body(("plain",)).get_content()) for message in moved]  # type: ignore[union-attr]
        assert "Tue 3 Feb 2026" in texts[0]
        assert "planned for Mon 2 Feb 2026" in texts[0]
        assert "Wed 4 Feb 2026" in texts[1]
        files = [Calendar.from_ical(next(message.iter_attachments()).get_content()) for message in moved]
        events = [event for file in files for event in file.walk("VEVENT")]
        assert [event["SEQUENCE"] for event in events] == [1, 2]
        assert len({event["UID"] for event in events}) == 1
        world.clock.now = first
        await sender.work()
        assert len(mailbox.letters) == 2, "the old time is nothing any more"
        world.clock.now = first + timedelta(days=2) - LEAD
        await sender.work()
        assert subjects(mailbox, ADA)[2:] == ["Soon: An evening"]
        world.clock.forward(minutes=1)
        await stage.move(first + timedelta(days=3))
        world.clock.now = first + timedelta(days=3) - LEAD
        await sender.work()
    assert subjects(mailbox, ADA)[3:] == ["Another time: An evening", "Soon: An evening"], "a new time, a new reminder"


async def test_a_cancelled_space_is_told_once_and_reminds_no_more(world: World) -> None:
    stage = await a_stage(world)
    await stage.fan(ADA)
    await stage.cancel()
    async with receiving_mail() as mailbox:
        sender = stage.sender(mailbox)
        await sender.work()
        world.clock.forward(days=3)
        await sender.work()
    [letter] = mailbox.letters
    assert letter.message["Subject"] == "Cancelled: An evening"
    [event] = Calendar.from_ical(next(letter.message.iter_attachments()).get_content()).walk("VEVENT")
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)
    with pytest.raises(RequestError, match="409 wrong_state"):
        await stage.ask(stage.asked[ADA])


async def test_what_is_over_or_old_is_no_news_by_mail(world: World) -> None:
    stage = await a_stage(world)
    await stage.fan(ADA)
    await stage.start()
    await stage.end()
    late = await a_stage(world, space="late")
    await late.fan(BOB)
    await late.cancel()
    async with receiving_mail() as mailbox:
        await stage.sender(mailbox).work()
        assert [letter.recipient for letter in mailbox.letters] == [BOB]
    moved = await a_stage(world, space="moved")
    await moved.fan("late@example.org")
    await moved.move(moved.start_at + timedelta(days=9))
    world.clock.forward(days=1, seconds=1)
    async with receiving_mail() as mailbox:
        await stage.sender(mailbox).work()
    assert mailbox.letters == []
    reasons = await world.rows("SELECT reason FROM reminder_notices WHERE state = 'skipped' ORDER BY id")
    assert [row.reason for row in reasons] == ["over", "late"]


async def test_nobody_is_mailed_who_is_kept_out_gone_or_unreachable(world: World) -> None:
    stage = await a_stage(world)
    await world.access.ban(stage.owner, await stage.fan("banned@example.org"), creator=stage.record.creator)
    await world.access.suspend(await stage.fan("suspended@example.org"))
    await stage.fan("bounced@example.org")
    await world.access.newsletters.bounced("bounce", address="Bounced@example.org")
    await world.access.people.delete(await stage.fan("deleted@example.org"))
    silent = await world.person()
    await stage.ask(silent)
    with pytest.raises(RequestError, match="409 no_address"):
        await stage.ask(silent, mail=True)
    await stage.start()
    async with receiving_mail() as mailbox:
        await stage.sender(mailbox).work()
    assert mailbox.letters == []
    assert await stage.states() == {("begins", "skipped"): 4}


async def test_the_server_decides_what_becomes_of_a_reminder(world: World) -> None:
    stage = await a_stage(world)
    for name in ("fine", "nobody", "grey", "hangup"):
        await stage.fan(f"{name}@example.org")
    await stage.start()
    async with receiving_mail() as mailbox:
        mailbox.to_recipient["nobody@example.org"] = "550 5.1.1 no such user"
        mailbox.to_recipient["grey@example.org"] = "451 4.7.1 come back later"
        mailbox.after_message["hangup@example.org"] = HANG_UP
        sender = stage.sender(mailbox)
        await sender.work()
        states = {("begins", "sent"): 1, ("begins", "refused"): 1, ("begins", "unknown"): 1, ("begins", "queued"): 1}
        assert await stage.states() == states
        mailbox.to_recipient.clear()
        mailbox.after_message.clear()
        world.clock.now += RETRIES[0]
        await sender.work()
    assert [len(mailbox.to(f"{name}@example.org")) for name in ("grey", "hangup", "nobody")] == [1, 1, 0]
    assert await world.rows("SELECT kind FROM mail_bounces"), "a mailbox that is not there is not written to again"


async def test_several_senders_never_send_the_same(world: World) -> None:
    stage = await a_stage(world)
    for number in range(8):
        await stage.fan(f"r{number}@example.org")
    await stage.cancel()
    async with receiving_mail() as mailbox:
        await asyncio.gather(*(stage.sender(mailbox).work() for _ in range(4)))
    assert sorted(letter.recipient for letter in mailbox.letters) == sorted(stage.asked)


async def test_on_the_page_each_notice_is_told_once(world: World) -> None:
    stage = await a_stage(world)
    reminders, ada = stage.store.reminders, await stage.fan(ADA, mail=False)
    other = await stage.fan(BOB, mail=False)
    assert await reminders.notices(ada.id, world.clock()) == []
    await stage.move(stage.start_at + timedelta(days=1))
    [moved] = await reminders.notices(ada.id, world.clock())
    assert (moved.kind, moved.space, moved.starts_at) == ("moved", "aSpace", stage.record.scheduled_start)
    assert await reminders.see(other.id, [moved.id], world.clock()) == [], "another's is not his to see"
    tabs = await asyncio.gather(*(reminders.see(ada.id, [moved.id], world.clock()) for _ in range(3)))
    assert sorted(tabs) == [[], [], [moved.id]]
    assert await reminders.notices(ada.id, world.clock()) == []
    await stage.start()
    [begins] = await reminders.notices(ada.id, world.clock())
    assert begins.kind == "begins"
    await stage.end()
    assert await reminders.notices(ada.id, world.clock()) == [], "what is over does not begin"
    assert await reminders.of_account(ada.id) == []


async def test_reminders_are_forgotten_when_the_space_has_long_been_over(world: World) -> None:
    stage, other = await a_stage(world), await a_stage(world, space="other", starts_in=None)
    await stage.fan(ADA)
    await other.fan(BOB)
    await stage.cancel()
    world.clock.forward(days=29)
    await stage.store.reminders.forget(world.clock())
    assert len(await world.rows("SELECT id FROM reminders")) == 2
    world.clock.forward(days=2)
    await stage.store.reminders.forget(world.clock())
    assert [row.space for row in await world.rows("SELECT space FROM reminders")] == ["other"]
    assert await stage.states() == {("begins", "queued"): 1}


async def test_asked_again_after_withdrawing_one_is_not_told_twice(world: World) -> None:
    stage = await a_stage(world)
    ada = await stage.fan(ADA)
    async with receiving_mail() as mailbox:
        sender = stage.sender(mailbox)
        world.clock.now = stage.start_at - LEAD
        await sender.work()
        await stage.store.reminders.withdraw("aSpace", ada.id, world.clock())
        await stage.ask(ada)
        await stage.start()
        await sender.work()
    assert subjects(mailbox, ADA) == ["Soon: An evening"]


async def test_reminded_while_it_is_moved_is_reminded_of_the_new_time(world: World) -> None:
    """Whichever of the two comes first."""
    stage = await a_stage(world)
    fans = [await world.person() for _ in range(6)]
    later = stage.start_at + timedelta(days=5)
    await asyncio.gather(
        *(stage.ask(fan) for fan in fans[:3]), stage.move(later), *(stage.ask(fan) for fan in fans[3:])
    )
    rows = await world.rows("SELECT reminder, sequence FROM reminder_notices WHERE kind = 'begins'")
    assert sorted(row.sequence for row in rows) == [1] * 6


async def killed(stage: Stage, couriers: Couriers, point: str) -> dict[str, int]:
    """Killed at that point of the second mail, then sent on by another; how often each got it."""
    async with receiving_mail() as mailbox:
        if point in MAIL_POINTS:
            mailbox.kill_at = (point, "b@example.org")
        assert await couriers.killed_at("reminders", stage.world, mailbox, point) == -signal.SIGKILL
        mailbox.kill_at = None
        stage.world.clock.now += CLAIM + timedelta(seconds=1)
        assert await couriers.killed_at("reminders", stage.world, mailbox, "never") == 0
        return {name: len(mailbox.to(f"{name}@example.org")) for name in "abc"}


@pytest.mark.thorough
@pytest.mark.parametrize("point", [*POINTS, *MAIL_POINTS])
async def test_killed_between_any_two_steps_nobody_is_told_twice(world: World, couriers: Couriers, point: str) -> None:
    stage = await a_stage(world)
    for name in "abc":
        await stage.fan(f"{name}@example.org")
    await stage.cancel()
    got = await killed(stage, couriers, point)
    in_doubt = point in ("after the claim", "at RCPT", "after the message", "before the settling")
    assert got == {"a": 1, "b": int(point not in ("after the claim", "at RCPT")), "c": 1}
    settled = {("cancelled", "sent"): 2, ("cancelled", "unknown"): 1} if in_doubt else {("cancelled", "sent"): 3}
    assert await stage.states() == settled
