"""Commands of whoever runs the server: the audit log, backup and restore."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from access.service import Access
from spaces.config import Config
from spaces.db.backup import backup, restore
from spaces.db.migrate import is_current
from spaces.db.prepare import open_database, usable

Opened = Callable[[Config], AbstractAsyncContextManager[Access]]


def add_commands(command: Callable[..., argparse.ArgumentParser], opened: Opened) -> None:
    """`opened`: the books without a node around them."""

    async def audit(config: Config, options: Any) -> int:
        async with opened(config) as access:
            trail = await access.people.check_audit(options.head)
        if trail.broken is not None:
            print(f"The audit log does not hold after {trail.rows} rows: {trail.broken}.")
            return 1
        print(f"{trail.rows} rows hold. The newest: {trail.head}")
        print("Noted elsewhere, that proves later that nothing before it was changed: spaces audit check --head …")
        return 0

    parser = command("audit", audit, "read the audit log and name the first row that was tampered with", "check ")
    parser.add_argument("action", choices=("check",))
    parser.add_argument("--head", metavar="SEQ:HASH", help="a newest row noted earlier: it has to be there still")
    parser = command("backup", save, "copy the database into a file, also while it is served", "FILE ")
    parser.add_argument("file", type=Path)
    parser = command("restore", bring_back, "fill an empty database from a file of `spaces backup`", "FILE ")
    parser.add_argument("file", type=Path)


async def save(config: Config, options: Any) -> int:
    await backup(config, options.file)
    print(f"The database is in {options.file}. It holds the server's keys and people's addresses: keep it safe.")
    return 0


async def bring_back(config: Config, options: Any) -> int:
    await restore(config, options.file)
    engine = open_database(config)
    try:
        with usable(config):
            current = await is_current(engine)
    finally:
        await engine.dispose()
    print("Restored." + ("" if current else " It is of an older revision: run `spaces migrate`."))
    return 0
