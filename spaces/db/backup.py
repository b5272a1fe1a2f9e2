"""A whole database into one file and back: SQLite by its own backup, which serving does not stop; PostgreSQL by its tools.

The file holds everything, the server's keys too: nobody but its owner may read it.

What has come since the backup was made is known elsewhere by its number: at the payment provider, in tokens and links. So a
database that is brought back gives out none of those numbers again, but far higher ones.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from spaces.config import Config, ConfigError

IDS_SKIPPED = 1_000_000
"""Of each table, when a database is brought back: more than can have been given out since the backup was made."""


async def backup(config: Config, file: Path) -> None:
    """Raises ConfigError; then there is no file."""
    if await asyncio.to_thread(file.exists):
        raise ConfigError(f"{file} is there already: choose another name")
    url = make_url(config.sqlalchemy_url)
    unfinished = file.with_name(file.name + ".unfinished")
    try:
        if url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_copy, Path(url.database or ""), unfinished)
        else:
            await _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished}")
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


async def restore(config: Config, file: Path) -> None:
    """Into an empty database only. Raises ConfigError; then nothing has been changed."""
    if not await asyncio.to_thread(file.is_file):
        raise ConfigError(f"there is no file {file}")
    url = make_url(config.sqlalchemy_url)
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(_bring_back, file, Path(url.database or ""))
    else:
        options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
        await _run("pg_restore", url, *options, f"--dbname={url.database}", str(file))
        await _skip_ids(config.sqlalchemy_url)


def _copy(database: Path, file: Path) -> None:
    """A copy of one moment, checked, readable by its owner alone and safely on disk."""
    if not database.is_file():
        raise ConfigError(f"data: there is no database {database}")
    file.touch(mode=0o600, exist_ok=False)
    try:
        reading = sqlite3.connect(f"file:{_quoted(database)}?mode=ro", uri=True)
        with closing(reading) as source, closing(sqlite3.connect(file)) as target:
            # all at once: with a pause between pages it begins anew whenever somebody has written, and may never end.
            # It reads one moment of the write-ahead log, for which no writer waits.
            source.backup(target, pages=-1)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, not three
        _check(file)
    except sqlite3.Error as error:
        raise ConfigError(f"the database {database} cannot be copied: {error}") from error
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _bring_back(file: Path, database: Path) -> None:
    if database.exists():
        raise ConfigError(f"{database} is there: stop the server and move it away first; nothing is overwritten")
    _check(file)
    database.parent.mkdir(parents=True, exist_ok=True)
    unfinished = database.with_name(database.name + ".unfinished")
    try:
        unfinished.touch(mode=0o600, exist_ok=True)
        shutil.copyfile(file, unfinished)
        _skip_sqlite_ids(unfinished)
        os.link(unfinished, database)  # fails if somebody else has made it meanwhile
    except FileExistsError:
        raise ConfigError(f"{database} is there: stop the server and move it away first") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _skip_sqlite_ids(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
        )
        for (table,) in tables.fetchall():
            raised = connection.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?", (IDS_SKIPPED, table))
            if not raised.rowcount:  # no row has ever been in it
                connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, IDS_SKIPPED))


async def _skip_ids(url: str) -> None:
    """Of PostgreSQL. Raises ConfigError; then the database must not be used."""
    engine = create_async_engine(url)
    raised = (
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, COALESCE(last_value, 0) + :skipped) "
        "FROM pg_sequences WHERE schemaname = current_schema()"
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text(raised), {"skipped": IDS_SKIPPED})
    except (SQLAlchemyError, OSError) as error:
        raise ConfigError(f"the database is not wholly restored, empty it and begin again: {error}") from error
    finally:
        await engine.dispose()


def _check(file: Path) -> None:
    """Raises ConfigError for what is no whole database of ours."""
    try:
        with closing(sqlite3.connect(f"file:{_quoted(file)}?mode=ro", uri=True)) as connection:
            [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise ConfigError(f"{file} is no backup of this server: {error}") from error
    if found != "ok":
        raise ConfigError(f"{file} is damaged: {found}")


def _quoted(path: Path) -> str:
    return path.absolute().as_uri().removeprefix("file:")


async def _run(program: str, url: URL, *arguments: str) -> None:
    """The password goes by the environment: arguments are seen by everybody on the machine. Raises ConfigError."""
    if shutil.which(program) is None:
        raise ConfigError(
            f"{program} is not installed: Debian's postgresql-client has it, as new as the server or newer"
        )
    known = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    environment = os.environ | {name: str(value) for name, value in known.items() if value is not None}
    running = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        umask=0o077,
    )
    _, said = await running.communicate()
    if running.returncode != 0:
        raise ConfigError(f"{program}: {said.decode(errors='replace').strip()}")
