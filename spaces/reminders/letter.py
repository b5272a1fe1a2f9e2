"""What a reminder says by mail: that a Space begins, has another time, or is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from spaces.db.reminder_deliveries import ReminderDelivery
from spaces.ics import CalendarEntry, calendar_file
from spaces.newsletters.links import MailLinks
from spaces.schedule import clock_time

FOOTER = """

--
You get this because you asked to be reminded of this Space.
No more of it: {withdraw}
"""


def reminder(
    delivery: ReminderDelivery,
    sender: Address,
    links: MailLinks,
    zone: Callable[[str], tzinfo | None],
    now: datetime,
) -> EmailMessage:
    """One-click withdrawal as RFC 8058 has it; a change comes with the calendar file that makes it."""
    withdraw = links.withdraw_reminder(delivery.reminder, delivery.account)
    place = None if delivery.time_zone is None else zone(delivery.time_zone)
    subject, text = _words(delivery, place)
    message = EmailMessage()
    message["To"] = Address(addr_spec=delivery.address)
    message["From"] = Address(display_name=delivery.creator, addr_spec=sender.addr_spec)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = links.reminder_message_id(delivery.id)
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"<reminders.{links.host}>"
    message["List-Unsubscribe"] = f"<{withdraw}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    address = links.space(delivery.space)
    message.set_content(f"{text}\n\n{address}{FOOTER.format(withdraw=withdraw)}")
    start = delivery.was_at if delivery.kind == "cancelled" else delivery.starts_at
    if delivery.kind != "begins" and start is not None:
        entry = CalendarEntry(
            delivery.space, delivery.sequence, delivery.title, delivery.creator, start, None,
            delivery.kind == "cancelled", now, address,
        )  # fmt: skip
        message.add_attachment(
            calendar_file([entry]), maintype="text", subtype="calendar", filename="space.ics",
            params={"charset": "utf-8", "method": "PUBLISH"},
        )  # fmt: skip
    return message


def _words(delivery: ReminderDelivery, place: tzinfo | None) -> tuple[str, str]:
    """Subject and text."""
    title, by = delivery.title, delivery.creator
    starts = clock_time(delivery.starts_at, place)
    was = clock_time(delivery.was_at, place)
    match delivery.kind:
        case "begins" if delivery.live:
            return f"Live now: {title}", f"“{title}”, the Space by {by}, is live."
        case "begins":
            return f"Soon: {title}", f"“{title}”, the Space by {by}, is planned for {starts}."
        case "moved":
            before = "It had no time before." if delivery.was_at is None else f"It was planned for {was}."
            return f"Another time: {title}", f"“{title}”, the Space by {by}, is now planned for {starts}.\n{before}"
        case "cancelled":
            planned = "" if delivery.was_at is None else f"\nIt was planned for {was}."
            return f"Cancelled: {title}", f"“{title}”, the Space by {by}, has been cancelled.{planned}"
