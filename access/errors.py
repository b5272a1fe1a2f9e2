"""What can go wrong when somebody asks something of access; never a fault of ours."""

from __future__ import annotations


class AccessError(Exception):
    """A request that cannot be granted. `status` is HTTP's, `code` is stable, `field` names a bad field (422)."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field


class TokenError(Exception):
    """A token that proves nothing: always 401. `code` is stable and says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
