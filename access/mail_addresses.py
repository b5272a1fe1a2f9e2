"""What may be an e-mail address here: narrower than RFC 5321, so that nothing in it means anything to SMTP or a header."""

from __future__ import annotations

import re

from access.fields import bad_field

LENGTH_MAX = 254
"""RFC 3696 errata 1690: a path of 256 without its angle brackets."""
LOCAL_LENGTH_MAX = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)", re.ASCII)


def email_address(value: str, field: str = "email") -> str:
    """The address with its domain in lower case. No quoted local parts, no address literals, ASCII only. 422."""
    match = ADDRESS.fullmatch(value.strip()) if len(value) <= 2 * LENGTH_MAX else None
    if match is None or len(match[1]) > LOCAL_LENGTH_MAX or len(match[0]) > LENGTH_MAX:
        raise bad_field(field, "an e-mail address like ada@example.org")
    return f"{match[1]}@{match[2].lower()}"


def address_key(address: str) -> str:
    """By which two spellings are the same mailbox: no provider of note tells local parts apart by case."""
    return address.lower()
