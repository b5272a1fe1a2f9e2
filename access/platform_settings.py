"""What operators may change for the whole platform while it runs: a few values within bounds, kept and audited.

What is not set is as the server was configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from access import audit
from access.database import upsert
from access.errors import AccessError
from access.fields import bad_field
from access.tables_operators import platform_settings

Value = bool | int


@dataclass(frozen=True, slots=True)
class Setting:
    """`smallest` and `greatest`: of a number; None: yes or no."""

    name: str
    help: str
    smallest: int | None = None
    greatest: int | None = None


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("sign_ups", "whether signing in by mail or at an OpenID provider makes new accounts"),
        Setting("new_creators", "whether accounts may become creators"),
        Setting("capacity_max", "seats in one Space", 1, 1_000_000),
        Setting("speakers_max", "speakers on a stage beside host and co-hosts", 0, 100),
        Setting("cohosts_max", "co-hosts of a Space", 0, 20),
        Setting("hands_max", "people who ask to speak at once in one Space", 1, 10_000),
        Setting("host_absence_minutes_max", "how long a live Space goes on without host and co-hosts", 1, 1_440),
        Setting("guest_link_hours_max", "how long a guest link may be good", 1, 8_760),
    )
}


async def get_all(connection: AsyncConnection) -> dict[str, Value]:
    """Those that are set."""
    rows = await connection.execute(select(platform_settings.c.name, platform_settings.c.value))
    return {row.name: row.value for row in rows if row.name in SETTINGS}


async def allows(connection: AsyncConnection, name: str) -> bool:
    """Of a yes or no that is yes unless it is set."""
    query = select(platform_settings.c.value).where(platform_settings.c.name == name)
    value = (await connection.execute(query)).scalar_one_or_none()
    return value is not False


async def change(
    connection: AsyncConnection, actor: int | None, changes: dict[str, Value | None], now: datetime
) -> dict[str, Value]:
    """All of them or none; None: as configured. What is set then. 422 naming the setting."""
    before = await get_all(connection)
    for name, value in changes.items():
        check(name, value)
        if value == before.get(name) and type(value) is type(before.get(name)):
            continue
        if value is None:
            await connection.execute(delete(platform_settings).where(platform_settings.c.name == name))
        else:
            row = {"value": value, "changed_at": now}
            new = upsert(connection, platform_settings).values(name=name, **row)
            await connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=row))
        await audit.record(
            connection, now, "platform.setting", actor=actor, name=name, value=value, was=before.get(name)
        )
    return await get_all(connection)


def check(name: str, value: Value | None) -> None:
    """Raises AccessError 422."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise AccessError(422, "unknown_setting", f"{name}: one of {', '.join(SETTINGS)}", name)
    if value is None:
        return
    if setting.smallest is None or setting.greatest is None:
        if not isinstance(value, bool):
            raise bad_field(name, "true or false")
    elif isinstance(value, bool) or not setting.smallest <= value <= setting.greatest:
        raise bad_field(name, f"a whole number, {setting.smallest} to {setting.greatest}")
