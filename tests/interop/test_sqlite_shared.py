"""Several processes write to one SQLite file at once, as workers do: none is refused, and nothing that was written is lost."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sqlalchemy import text

from access.database import make_engine, writing
from tests.harness.server import REPOSITORY
from tests.harness.sqlite_writer import number

PROCESSES, TIMES = 4, 200


async def test_processes_wait_for_each_other(tmp_path: Path) -> None:
    file = tmp_path / "spaces.db"
    engine = make_engine(f"sqlite+aiosqlite:///{file}")
    async with writing(engine) as connection:
        await connection.execute(text("CREATE TABLE counter (number INTEGER)"))
        await connection.execute(text("INSERT INTO counter VALUES (0)"))

    async def writer() -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.harness.sqlite_writer", str(file), str(TIMES)),
            cwd=REPOSITORY,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    ended = await asyncio.gather(*(writer() for _ in range(PROCESSES)))
    assert [status for status, _ in ended] == [0] * PROCESSES, ended
    print("longest transactions, seconds:", *(said.strip() for _, said in ended))
    async with writing(engine) as connection:
        assert await number(connection) == PROCESSES * TIMES
    await engine.dispose()
