"""`/openapi.json` is true of the server: Schemathesis asks every address for what it describes, and for what it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.harness import contract_run
from tests.harness.server import serving

SHORT = ("--phases", "fuzzing,stateful", "--max-examples", "2", "--generation-deterministic")
"""The same questions each time, a few of each address; `python -m tests.harness.contract_run` asks as long as one likes."""
SHORTER = ("--phases", "fuzzing", "--max-examples", "1", "--generation-deterministic")


@pytest.mark.timeout(900)
def test_no_answer_is_undescribed_and_none_is_a_fault(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        host, names = asyncio.run(contract_run.fill(server.url))
        settings = contract_run.settings(tmp_path, names)
        for by, profile in ((host, SHORT), (None, SHORTER)):
            done = contract_run.run(server, settings, *profile, by=by)
            assert done.status == 0, done.output[-20_000:]
        assert server.log_complaints() == []
