"""The secret in a gift's link: the gift's number and 192 random bits. Only its SHA-256 is kept; the newest one counts."""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta

from access import accounts
from access.sessions import digest

LIFETIME = timedelta(days=90)
"""Long enough for a present that lies in a drawer; its giver can have a new link made at any time."""
SECRET_BYTES = 24
CODE_CHARACTERS_MAX = 80


def new(gift: int) -> tuple[str, str]:
    """A code, and what is kept of it."""
    code = f"{gift}.{secrets.token_urlsafe(SECRET_BYTES)}"
    return code, digest(code)


def gift_of_untrusted(code: str) -> int:
    """Whose code it says it is; 0 for what is no code at all."""
    number = code.partition(".")[0]
    plausible = len(code) <= CODE_CHARACTERS_MAX and number.isascii() and number.isdecimal() and len(number) <= 19
    return int(number) if plausible and int(number) <= accounts.ID_MAX else 0


def is_right(code: str, kept: str | None) -> bool:
    """Takes as long for a wrong code as for the right one, and for a gift without a code."""
    return code.isascii() and hmac.compare_digest(digest(code), kept or "-" * 64)
