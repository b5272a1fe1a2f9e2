"""Account tokens as an integrating site signs them (HS256, `iss` = the key's id)."""

from __future__ import annotations

import time
from dataclasses import dataclass

import jwt

API_KEY = "test-key"
API_SECRET = "a secret of the tests that is long enough"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    handle: str
    token: str


def person(handle: str, *, lives_seconds: int = 3600) -> Person:
    return Person(handle, mint(handle, lives_seconds=lives_seconds))


def mint(
    handle: str, *, lives_seconds: int = 3600, secret: str = API_SECRET, key: str = API_KEY, algorithm: str = "HS256"
) -> str:
    """A token; the keyword arguments also make the ones that must be refused."""
    claims: dict[str, str | int] = {"iss": key, "sub": f"sub-{handle}", "handle": handle, "name": handle.title()}
    claims["exp"] = int(time.time()) + lives_seconds
    return jwt.encode(claims, "" if algorithm == "none" else secret, algorithm=algorithm)
