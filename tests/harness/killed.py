"""A process that does one act on a database and is killed at a given step: before a statement, or before a commit.

`python -m tests.harness.killed` waits for orders, one line of JSON each, and does each in a child of its own, forked, so that
nothing is imported twice. What is killed is killed as `kill -9` does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

from access.database import make_engine


@dataclass
class Steps:
    """Counts what the database is asked; `kill_at`: never comes to the answer."""

    kill_at: int | None
    count: int = 0
    commits: list[int] = field(default_factory=list)

    def begin(self) -> None:
        event.listen(Engine, "before_cursor_execute", lambda *_: self._step())
        event.listen(Engine, "commit", lambda *_: self._commit())

    def _commit(self) -> None:
        self._step()
        self.commits.append(self.count)

    def _step(self) -> None:
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


async def _do(order: dict[str, Any]) -> dict[str, Any]:
    from tests.harness import money_acts

    engine = make_engine(order["url"])
    steps = Steps(order["kill_at"])
    try:
        act = await money_acts.on(engine, order["act"], order["notes"])
        if order["part"] == "act":
            steps.begin()
        await getattr(act, order["part"])()
        await act.close()
    finally:
        await engine.dispose()
    return {"notes": act.notes, "steps": steps.count, "commits": steps.commits}


def _child(order: dict[str, Any], answer: int) -> None:
    try:
        result = asyncio.run(_do(order))
    except BaseException:
        result = {"error": traceback.format_exc()}
    os.write(answer, json.dumps(result).encode())
    os._exit(0)


def main() -> None:
    import access.stripe_provider  # noqa: F401 – imported once, for all children
    from tests.harness import money_acts  # noqa: F401

    gc.freeze()
    for line in sys.stdin:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _child(json.loads(line), writer)
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            said = answer.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"killed": True} if killed else json.loads(said)), flush=True)


@dataclass
class Killer:
    """The test's end."""

    process: subprocess.Popen[str]

    async def do(
        self, url: str, act: str, part: str, notes: Any = None, *, kill_at: int | None = None
    ) -> dict[str, Any]:
        """Asserts that it went well, or was killed where it was to be."""
        order = {"url": url, "act": act, "part": part, "notes": notes, "kill_at": kill_at}
        result = await asyncio.to_thread(self._ask, json.dumps(order))
        assert "error" not in result, f"{act}, {part}, after {notes}:\n{result['error']}"
        return result

    def _ask(self, order: str) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        print(order, file=self.process.stdin, flush=True)
        result: dict[str, Any] = json.loads(self.process.stdout.readline())
        return result


@contextlib.contextmanager
def a_killer() -> Iterator[Killer]:
    command = [sys.executable, "-m", "tests.harness.killed"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Killer(process)


if __name__ == "__main__":
    main()
