"""Credentials for a TURN server, for those whom UDP does not reach: coturn's `use-auth-secret`, the TURN REST draft
(draft-uberti-behave-turn-rest): a name that says until when and for whom, and its HMAC-SHA1 under a secret shared with coturn.

They are given to whoever has been let in, and to nobody else: a relay that everybody may use is used by everybody. coturn
asks for them again whenever an allocation is refreshed, so they have to last as long as a session may.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta
from hashlib import sha1

from spaces.config import Config
from spaces.signaling.messages import IceServer

LIFETIME = timedelta(hours=12)
"""Longer than any Space: the credential is used again when a relay is refreshed."""


def ice_servers(config: Config, owner: str, now: datetime) -> list[IceServer]:
    """Empty without `turn_urls`. `owner`: the account (or anonymous seat), by which coturn counts quotas and logs."""
    if not config.turn_urls:
        return []
    username = f"{int((now + LIFETIME).timestamp())}:{owner}"
    digest = hmac.new(config.turn_secret.encode(), username.encode(), sha1).digest()
    return [
        IceServer(urls=list(config.turn_urls), username=username, credential=base64.b64encode(digest).decode())
    ]  # fmt: skip


def link_headers(servers: list[IceServer]) -> list[str]:
    """The same as RFC 9725 §4.6 wants it: a Link header for each address."""
    return [
        f'<{url}>; rel="ice-server"; username="{s.username}"; credential="{s.credential}"; credential-type="password"'
        for s in servers
        for url in s.urls
    ]
