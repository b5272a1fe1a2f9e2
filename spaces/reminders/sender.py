"""Notices of reminders on their way to the mail server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

from spaces import time_zones
from spaces.courier import Courier
from spaces.db.reminder_deliveries import ReminderDeliveries, ReminderDelivery
from spaces.mail import Mailer
from spaces.newsletters.links import MailLinks
from spaces.reminders import letter
from spaces.tasks import Stop


class ReminderSender(Courier[ReminderDelivery]):
    what = "reminder"

    def __init__(
        self, deliveries: ReminderDeliveries, mail: Mailer, links: MailLinks, stop: Stop, now: Callable[[], datetime]
    ) -> None:
        super().__init__(deliveries, mail, stop)
        self._links = links
        self._now = now

    async def compose(self, claimed: ReminderDelivery) -> EmailMessage:
        return letter.reminder(claimed, self._mail.sender, self._links, time_zones.zone, self._now())
