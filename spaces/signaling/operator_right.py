"""Whether somebody may act for the server: asked before anything else, so that nobody else learns what there is."""

from __future__ import annotations

from access.model import Account
from spaces.errors import RequestError
from spaces.signaling.services import Services


async def need_operator(services: Services, account: Account) -> None:
    """Raises RequestError(403)."""
    if not (await services.access.people.profile(account)).is_operator:
        raise RequestError(403, "not_operator", "only an operator may do this")
