"""Structured logs: one line per event, JSON unless a terminal reads them, never a token."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError

SECRET_NAMES = frozenset(
    {"token", "authorization", "join_token", "secret", "api_secret", "password", "credential", "cookie", "pwd", "sdp"}
)


def configure_logs(log_format: str = "auto", stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Set up structlog and the standard library's logging, which dependencies write to. `auto`: JSON unless a terminal."""
    stream = stream if stream is not None else sys.stderr
    console = log_format == "console" or (log_format == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    # Tracebacks without local variables: those hold tokens and keys.
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
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


def is_ours(record: logging.LogRecord) -> bool:
    """Bytes that are no HTTP are the sender's fault: a traceback for each of them would let anybody fill the log."""
    return record.exc_info is None or not isinstance(record.exc_info[1], HttpProcessingError)


def hide_secrets(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A value whose name says that it is secret never reaches a line, wherever it was bound."""
    for name in event.keys() & SECRET_NAMES:
        event[name] = "[hidden]"
    return event
