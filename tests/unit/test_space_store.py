"""Spaces in the database, on whichever the tests are run with."""

from __future__ import annotations

from pathlib import Path

import pytest

from spaces.db.store import SpaceStore
from tests.harness.database import fresh_engine


@pytest.mark.parametrize("space", ["nowhere", "", "\0", "a\0b", "\ud800", "x" * 14, "x\n", "' OR 1=1 --"])
async def test_what_is_no_id_is_no_space(tmp_path: Path, space: str) -> None:
    async with fresh_engine(tmp_path) as engine:
        assert await SpaceStore(engine).load(space) is None
