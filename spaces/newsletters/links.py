"""Addresses in mails that do what they say without signing in: each carries its meaning and a signature over it.

They hold ids only. 128 bits of HMAC-SHA256 are enough for what is checked here and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from spaces.errors import RemoteError

UNSUBSCRIBE, CONFIRM, WITHDRAW = b"u", b"c", b"w"
MEANING = struct.Struct(">cQQ")
MAC_BYTES = 16
TOKEN_LENGTH = 44
CONFIRM_WITHIN = timedelta(days=2)
MESSAGE_ID = re.compile(r"<?(newsletter|reminder)\.([0-9]{1,19})\.([0-9a-f]{16})@[^\s<>@]{1,255}>?", re.ASCII)


class MailLinks:
    def __init__(self, key: bytes, url: Callable[[], str]) -> None:
        """`url`: the page's address without a trailing slash."""
        self._key = key
        self._url = url

    @property
    def host(self) -> str:
        return urlsplit(self._url()).hostname or "localhost"

    def unsubscribe(self, account: int, creator: int) -> str:
        """Never expires: whoever finds an old mail may still unsubscribe."""
        return f"{self._url()}/unsubscribe/{self._sign(UNSUBSCRIBE, account, creator)}"

    def confirm(self, consent: int, now: datetime) -> str:
        expires = int((now + CONFIRM_WITHIN).timestamp())
        return f"{self._url()}/newsletters/confirm/{self._sign(CONFIRM, consent, expires)}"

    def space(self, space: str) -> str:
        """The page of a Space; there is nothing to sign."""
        return f"{self._url()}/s/{space}"

    def withdraw_reminder(self, reminder: int, account: int) -> str:
        return f"{self._url()}/reminders/withdraw/{self._sign(WITHDRAW, reminder, account)}"

    def message_id(self, delivery: int) -> str:
        """The same for every attempt: whoever gets it twice can tell."""
        return f"<newsletter.{delivery}.{self._message_mac('newsletter', delivery)}@{self.host}>"

    def reminder_message_id(self, notice: int) -> str:
        return f"<reminder.{notice}.{self._message_mac('reminder', notice)}@{self.host}>"

    def read_unsubscribe_untrusted(self, token: str) -> tuple[int, int]:
        """Account and creator. Raises RemoteError."""
        return self._read_untrusted(UNSUBSCRIBE, token)

    def read_confirm_untrusted(self, token: str, now: datetime) -> int:
        """The consent. Raises RemoteError, also for a link that is too old."""
        consent, expires = self._read_untrusted(CONFIRM, token)
        if expires < now.timestamp():
            raise RemoteError("link_expired")
        return consent

    def read_withdraw_untrusted(self, token: str) -> tuple[int, int]:
        """Reminder and account. Raises RemoteError."""
        return self._read_untrusted(WITHDRAW, token)

    def read_message_id_untrusted(self, text: str) -> tuple[str, int]:
        """`newsletter` and the delivery, or `reminder` and the notice. Raises RemoteError."""
        match = MESSAGE_ID.fullmatch(text)
        if match is None or int(match[2]) >= 2**63:
            raise RemoteError("message_id_unknown")
        if not hmac.compare_digest(match[3], self._message_mac(match[1], int(match[2]))):
            raise RemoteError("message_id_unknown")
        return match[1], int(match[2])

    def _sign(self, kind: bytes, one: int, two: int) -> str:
        meaning = MEANING.pack(kind, one, two)
        return base64.urlsafe_b64encode(meaning + self._mac(meaning)).decode()

    def _read_untrusted(self, kind: bytes, token: str) -> tuple[int, int]:
        if len(token) != TOKEN_LENGTH or not token.isascii():
            raise RemoteError("link_bad")
        try:
            data = base64.b64decode(token, b"-_", validate=True)
        except binascii.Error as error:
            raise RemoteError("link_bad") from error
        meaning, mac = data[: MEANING.size], data[MEANING.size :]
        if not hmac.compare_digest(mac, self._mac(meaning)):
            raise RemoteError("link_bad")
        found, one, two = MEANING.unpack(meaning)
        if found != kind:
            raise RemoteError("link_bad")
        return one, two

    def _mac(self, meaning: bytes) -> bytes:
        return hmac.digest(self._key, b"link" + meaning, sha256)[:MAC_BYTES]

    def _message_mac(self, kind: str, number: int) -> str:
        prefix = b"message" if kind == "newsletter" else kind.encode()
        return hmac.digest(self._key, prefix + struct.pack(">Q", number), sha256)[:8].hex()
