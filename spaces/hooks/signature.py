"""The signature of a webhook, as Standard Webhooks has it (standardwebhooks.com): pure.

Three headers: `webhook-id`, the event's id; `webhook-timestamp`, seconds of the attempt; `webhook-signature`, one or more of
`v1,BASE64` separated by spaces: an HMAC-SHA256 over `ID.TIMESTAMP.BODY` with each secret that is good now.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from hashlib import sha256

from access.hook_endpoints import PREFIX


def headers(secrets: Iterable[str], id: str, seconds: int, body: bytes) -> dict[str, str]:
    signed = f"{id}.{seconds}.".encode() + body
    return {
        "webhook-id": id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{_mac(secret, signed)}" for secret in secrets),
    }


def _mac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, sha256)).decode()
