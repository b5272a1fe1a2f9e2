"""Structured logs: one line per event, JSON unless a terminal reads them, never a token."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import msgspec
import structlog
from aiohttp.http_exceptions import HttpProcessingError

SECRET_NAMES = frozenset(
    {"token", "authorization", "join_token", "secret", "api_secret", "password", "credential", "cookie", "pwd", "sdp"}
)


def configure_logs(log_format: str = "auto", stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Set up structlog and the standard library's logging, which dependencies write to. `auto`: JSON unless a terminal."""
    stream = stream if stream is not None else sys.stderr
    console = log_format == "console" or (log_format == "auto" and stream.isatty())
    lines = _Lines(stream)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    # Tracebacks without local variables: those hold tokens and keys.
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    )
    # Our own lines do not go through the standard library, which takes four times as long as all the rest of a line.
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("aiohttp.server").addFilter(is_ours)
    for noisy in ("aiohttp.access", "alembic", "numba"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Lines:
    """Where structlog's lines go. A full disk or a closed pipe costs lines and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line + "\n")  # once, so that threads do not write into each other's lines
            self._stream.flush()

    debug = info = warning = warn = error = critical = exception = fatal = msg = log = write


def _json(event: MutableMapping[str, Any], **_: Any) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except (UnicodeError, OverflowError, TypeError):  # half a surrogate pair, a number of more than 64 bits
        return json.dumps(event, default=repr)


def is_ours(record: logging.LogRecord) -> bool:
    """Bytes that are no HTTP are the sender's fault: a traceback for each of them would let anybody fill the log."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


def hide_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A value whose name says that it is secret never reaches a line, wherever it was bound."""
    for name in event.keys() & SECRET_NAMES:
        event[name] = "[hidden]"
    return event
