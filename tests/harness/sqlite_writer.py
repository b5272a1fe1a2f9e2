"""One of several processes that write to one SQLite file at the same time: `python -m tests.harness.sqlite_writer FILE TIMES`.

Each transaction reads a number and writes it back one larger, so that one which was lost would be missing from the sum.
"""

from __future__ import annotations

import asyncio
import sys
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from access.database import make_engine, read, write, writing

AT_ONCE = 4


async def add_one(connection: AsyncConnection) -> None:
    number = (await connection.execute(text("SELECT number FROM counter"))).scalar_one()
    await connection.execute(text("UPDATE counter SET number = :number"), {"number": number + 1})


async def number(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT number FROM counter"))).scalar_one())


async def main(file: str, times: int) -> None:
    engine, longest = make_engine(f"sqlite+aiosqlite:///{file}"), 0.0

    async def some() -> None:
        nonlocal longest
        for turn in range(times // AT_ONCE):
            began = time.monotonic()
            if turn % 8:
                await write(engine, add_one)
            else:  # a transaction that awaits something else in between
                async with writing(engine) as connection:
                    await asyncio.sleep(0)
                    await add_one(connection)
            longest = max(longest, time.monotonic() - began)
            await read(engine, number)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    await engine.dispose()
    print(f"{longest:.3f}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
