"""A backup of a database that is served, and a server that goes on from it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from spaces.config import Config, ConfigError
from spaces.db.backup import backup, restore
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.database import fresh_database_url
from tests.harness.node import node_config, served

pytestmark = pytest.mark.thorough


async def crowd(api: Api) -> None:
    """Goes on writing while the backup is made."""
    for number in range(30):
        await api.ok("GET", "/v1/me", by=person(f"fan{number:02}"))


async def test_what_was_there_is_there_again(tmp_path: Path) -> None:
    file, host = tmp_path / "kept.backup", person("ada")
    async with fresh_database_url(tmp_path / "one") as url, served(tmp_path / "one", database_url=url) as api:
        await api.creator("ada")
        space = await api.space(host)
        await asyncio.gather(crowd(api), backup(Config(database_url=url), file))
        with pytest.raises(ConfigError, match="is there already"):
            await backup(Config(database_url=url), file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [name for name in os.listdir(tmp_path) if "unfinished" in name]
    async with fresh_database_url(tmp_path / "two") as url:
        await restore(Config(database_url=url), file)
        with pytest.raises(ConfigError):
            await restore(Config(database_url=url), file)  # no longer empty
        async with served(tmp_path / "two", database_url=url) as api:
            assert (await api.ok("GET", f"/v1/spaces/{space}"))["state"] == "live"
            assert (await api.ok("GET", "/v1/me", by=host))["creator"] == "ada"


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"\0" * 4_000, b"something else"])
async def test_what_is_no_backup_changes_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    config = node_config(tmp_path / "data")
    with pytest.raises(ConfigError, match=r"no backup|damaged"):
        await restore(config, file)
    assert not (tmp_path / "data" / "spaces.db").exists()
    with pytest.raises(ConfigError, match="no file"):
        await restore(config, tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="no database"):
        await backup(config, tmp_path / "new")
    assert not (tmp_path / "new").exists()


async def test_missing_tools_of_postgresql_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    config = Config(database_url="postgresql://ada:hush@127.0.0.1/spaces")
    with pytest.raises(ConfigError, match="pg_dump is not installed: Debian's postgresql-client"):
        await backup(config, tmp_path / "file")


def test_a_backup_ends_although_others_go_on_writing(tmp_path: Path) -> None:
    """Somebody commits each time that a copy in pieces would give others their turn."""
    database, file = tmp_path / "spaces.db", tmp_path / "kept.backup"
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE alembic_version (version_num TEXT)")
        writer.execute("CREATE TABLE lines (content BLOB)")
        writer.executemany("INSERT INTO lines VALUES (?)", ((b"x" * 100_000,) for _ in range(100)))
        writer.commit()
    over = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(database, timeout=30)) as connection:
            while not over.wait(0.001):
                connection.execute("INSERT INTO lines VALUES (x'00')")
                connection.commit()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        asyncio.run(asyncio.wait_for(backup(Config(database_url=f"sqlite+aiosqlite:///{database}"), file), 30))
    finally:
        over.set()
        writing.join()
    assert file.exists()
