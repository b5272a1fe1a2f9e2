"""The signature of what the mail server tells: `t=SECONDS,v1=HEX`, an HMAC-SHA256 over `SECONDS.BODY`, as Stripe signs."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from hashlib import sha256

from spaces.errors import RemoteError

SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)
TOLERANCE_SECONDS = 300
"""Both ways: an old one may be a replay, one from the future a replay to come."""


def sign(secret: str, body: bytes, now: datetime) -> str:
    seconds = int(now.timestamp())
    return f"t={seconds},v1={_mac(secret, seconds, body)}"


def check_signature_untrusted(header: str, body: bytes, secret: str, now: datetime) -> None:
    """Raises RemoteError."""
    match = SIGNATURE.fullmatch(header)
    if match is None or not hmac.compare_digest(match[2], _mac(secret, int(match[1]), body)):
        raise RemoteError("signature_bad")
    if abs(int(match[1]) - now.timestamp()) > TOLERANCE_SECONDS:
        raise RemoteError("signature_old")


def _mac(secret: str, seconds: int, body: bytes) -> str:
    return hmac.digest(secret.encode(), f"{seconds}.".encode() + body, sha256).hex()
