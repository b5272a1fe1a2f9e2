"""What operators do, a transaction each. All refusals are AccessError.

`actor`: an account that is an operator, which is looked at in the transaction of the act; None: whoever has the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from access import accounts, gifts, operators, platform_settings, subscriptions, suspended_sales, suspensions
from access.database import read, remembered, write
from access.errors import AccessError
from access.fields import is_storable
from access.mail_addresses import address_key
from access.model import Account
from access.platform_settings import Value
from access.suspensions import Suspended
from access.tables import accounts as account_rows
from access.tables import creators as creator_rows
from access.tables_people import mailboxes

FOUND_MAX = 20
SWEEP_EVERY = timedelta(minutes=1)
"""How often what came after a suspension is looked for; after one that this node hears of, at once."""
T = TypeVar("T")


class Operators:
    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._swept_at: datetime | None = None
        self._settings = remembered(engine, platform_settings.get_all)

    async def suspend(
        self, actor: Account | None, scope: str, account: int, *, space: str | None = None, reason: str = ""
    ) -> Suspended:
        """`scope`: account, creator or space; `account` of a Space: its creator. 403 not_operator; 404; 409; 422."""

        async def work(connection: AsyncConnection) -> Suspended:
            return await suspensions.begin(connection, _id(actor), scope, account, space, reason, self._now())

        made: Suspended = await self._act(actor, work)
        self._swept_at = None
        return made

    async def keep_time(self, now: datetime) -> None:
        """What is suspended, or of somebody whom its creator has blocked, is not renewed, nor paid if it is not yet. The
        provider is told by whoever works its tasks off."""
        if self._swept_at is not None and abs(now - self._swept_at) < SWEEP_EVERY:
            return
        renewing = await read(self._engine, suspended_sales.renewing)
        for subscription, why in renewing:
            await write(self._engine, suspended_sales.stop, subscription, why, now)
        followed, given = await read(self._engine, suspended_sales.open_checkouts)
        for subscription, _ in followed:
            await write(self._engine, subscriptions.give_up, subscription, now)
        for gift, _ in given:
            await write(self._engine, gifts.give_up, gift, now)
        some_left = suspended_sales.AT_ONCE_MAX in (len(renewing), len(followed), len(given))
        self._swept_at = None if some_left else now

    async def lift(self, actor: Account | None, scope: str, account: int, *, space: str | None = None) -> None:
        """Idempotent. 403 not_operator."""

        async def work(connection: AsyncConnection) -> None:
            await suspensions.lift(connection, _id(actor), scope, account, space, self._now())

        await self._act(actor, work)

    async def suspended(
        self, *, account: int | None = None, running: bool = True, before: int | None = None
    ) -> list[Suspended]:
        return await read(self._engine, suspensions.listed, account=account, running=running, before=before)

    async def house_suspended(self, creator: int, space: str | None) -> str | None:
        """What keeps everybody out of this creator's Space: `creator`, `space` or nothing."""
        return await read(self._engine, suspensions.of_house, creator, space)

    async def kept_back(self, spaces: Mapping[str, int]) -> set[str]:
        """Of these Spaces, each with its creator: those that are shown to nobody, as they or their creators are suspended."""
        return await read(self._engine, suspensions.kept_back, spaces)

    async def creator_kept_back(self, creator: int) -> bool:
        """As such, or as an account."""
        return bool(await self.kept_back({"": creator}))

    async def settings(self) -> dict[str, Value]:
        """Those that are set."""
        return dict(await self._settings())

    async def change_settings(self, actor: Account | None, changes: dict[str, Value | None]) -> dict[str, Value]:
        """403 not_operator; 422 naming the setting."""

        async def work(connection: AsyncConnection) -> dict[str, Value]:
            return await platform_settings.change(connection, _id(actor), changes, self._now())

        return await self._act(actor, work)

    async def find(self, text: str) -> list[tuple[Account, bool]]:
        """Accounts by id, @handle, sub:…, mail address, or the beginning of handle or name; and whether each is a creator."""
        return await read(self._engine, _find, text)

    async def _act(self, actor: Account | None, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
        async def whole(connection: AsyncConnection) -> T:
            if actor is not None and not await operators.is_operator(connection, actor):
                raise AccessError(403, "not_operator", "Only an operator may do this.")
            return await work(connection)

        return await write(self._engine, whole)


async def _find(connection: AsyncConnection, text: str) -> list[tuple[Account, bool]]:
    text = text.strip()
    if not text or not is_storable(text):
        return []
    exact = await accounts.find(connection, text, None)
    ids = {exact.id} if exact is not None else set()
    if "@" in text[1:]:
        query = select(mailboxes.c.account).where(mailboxes.c.address_key == address_key(text))
        ids |= set((await connection.execute(query)).scalars())
    beginning = text.removeprefix("@").lower()
    like = or_(
        account_rows.c.handle_key.startswith(beginning, autoescape=True),
        account_rows.c.name.istartswith(beginning, autoescape=True),
    )
    some = select(account_rows.c.id).where(like, account_rows.c.status != "deleted").order_by(account_rows.c.id)
    ids |= set((await connection.execute(some.limit(FOUND_MAX))).scalars())
    found = await accounts.by_ids(connection, ids)
    query = select(creator_rows.c.id).where(creator_rows.c.id.in_(ids))
    creators = set((await connection.execute(query)).scalars())
    first = sorted(found, key=lambda id: (exact is None or id != exact.id, id))
    return [(found[id], id in creators) for id in first]


def _id(actor: Account | None) -> int | None:
    return None if actor is None else actor.id
