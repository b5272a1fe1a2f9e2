"""A line of the log: JSON whatever is in it, no secret, and never an error for whoever logs."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from spaces.logs import configure_logs


@contextlib.contextmanager
def logged(log_format: str = "json") -> Iterator[io.StringIO]:
    """What is logged meanwhile; the configuration is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(log_format, stream)
    try:
        yield stream
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    with logged() as stream:
        yield stream


def test_a_line_is_json_with_level_time_and_what_was_bound(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request="r1"):
        structlog.get_logger().info("session ended", space="abc", path=Path("/x"))
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "session ended",
        "level": "info",
        "request": "r1",
        "space": "abc",
        "path": f"{Path('/x')!r}",
    }


@pytest.mark.parametrize("value", ["half a pair \ud83d", 2**80, "\x00\x1b[2J", "line\nline"])
def test_whatever_a_client_sends_makes_one_line(stream: io.StringIO, value: object) -> None:
    structlog.get_logger().warning("odd", value=value)
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["value"] == value


def test_a_secret_is_hidden_wherever_it_was_bound(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(token="t0"):
        structlog.get_logger().info("x", password="p0")
    logging.getLogger("a dependency").warning("y")
    assert "t0" not in stream.getvalue()
    assert "p0" not in stream.getvalue()
    assert json.loads(stream.getvalue().splitlines()[1])["event"] == "y"


def test_an_error_brings_its_traceback(stream: io.StringIO) -> None:
    try:
        raise LookupError("nothing")
    except LookupError:
        structlog.get_logger().exception("failed")
    assert "LookupError: nothing" in json.loads(stream.getvalue())["exception"]


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    assert stream.getvalue() == ""


def test_a_closed_stream_disturbs_nobody(stream: io.StringIO) -> None:
    stream.close()
    structlog.get_logger().info("into nothing")


def test_a_terminal_gets_plain_words() -> None:
    with logged("console") as stream:
        structlog.get_logger().info("hello", space="abc")
    assert "hello" in stream.getvalue()
    assert "{" not in stream.getvalue()
