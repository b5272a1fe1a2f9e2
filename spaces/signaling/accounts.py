"""Accounts and creators as requests name them."""

from __future__ import annotations

from access.model import Account, Creator
from access.service import Access
from spaces.errors import RequestError

HOSTING_ROLES = frozenset({"owner", "editor", "host"})
"""Of a publication's members: those who open its Spaces."""


async def need_account(access: Access, caller: Account, ref: str) -> Account:
    """Of `17`, `@ada` or `sub:x` (of the caller's own integration). Raises RequestError(404)."""
    account = await access.find_account(ref, integration=caller.integration)
    if account is None:
        raise RequestError(404, "unknown_account", "there is no such account")
    return account


async def own_creator(access: Access, caller: Account) -> Creator:
    """The creator that the caller is. Raises RequestError(403)."""
    if caller.status != "active":
        raise RequestError(403, "suspended", "this account is suspended")
    creator = await access.creator_of(caller.id)
    if creator is None:
        raise RequestError(403, "not_creator", "become a creator first: POST /v1/creators")
    return creator


async def creator_account(access: Access, caller: Account, named: str | None) -> int:
    """The creator whose Space this is to be: the caller himself, or one that he hosts for. Raises RequestError(403 | 422)."""
    creator = await _creator_account(access, caller, named)
    if await access.operators.house_suspended(creator, None) is not None:
        raise RequestError(403, "creator_suspended", "this creator is suspended")
    return creator


async def _creator_account(access: Access, caller: Account, named: str | None) -> int:
    if named is None:
        return (await own_creator(access, caller)).id
    ref = named if named.startswith(("@", "sub:")) or named.isdecimal() else f"@{named}"
    account = await access.find_account(ref, integration=caller.integration)
    if account is None:
        raise RequestError(422, "unknown_creator", "there is no such creator", field="creator")
    if account.id == caller.id:
        return (await own_creator(access, caller)).id
    if not await access.offers.may(caller, account.id, HOSTING_ROLES):
        raise RequestError(403, "not_creator", "only the creator, or who hosts for a publication, opens its Spaces")
    return account.id
