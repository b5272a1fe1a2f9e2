"""Three kinds of error, told apart by whose fault they are and who should hear of them."""

from __future__ import annotations

from typing import Any


class RemoteError(Exception):
    """Bytes from the network that break a protocol: drop them and count `cause`. Never a bug of ours.

    The only exception that a function ending in `_untrusted` may raise.
    """

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else cause)
        self.cause = cause
        self.detail = detail


class LocalError(Exception):
    """A broken invariant of our own: crash what it concerns, loudly."""


class RequestError(Exception):
    """A request that cannot be granted; becomes an RFC 9457 problem document.

    `code` is stable and machine-readable; `extra` are further members of the problem (for instance `offers`, `field`).
    """

    def __init__(
        self, status: int, code: str, detail: str, *, retry_after_seconds: int | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.extra = extra
