"""What an OpenID provider says of somebody: its ID token, checked (OpenID Connect Core 1.0 §3.1.3.7). Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from access.fields import is_storable

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by the provider's own keys only: not `none`, and no secret that two sides know."""
CLOCK_SKEW = timedelta(seconds=60)
TOKEN_CHARACTERS_MAX = 16_384
SUBJECT_LENGTH_MAX = 255
EMAIL_LENGTH_MAX = 254


class IdTokenError(Exception):
    """The token proves nothing; the message says why."""


class UnknownKeyError(IdTokenError):
    """Signed with a key that is not among the provider's, as they were fetched last."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider vouches for."""

    subject: str
    name: str | None
    address: str | None
    """Only one that the provider itself has verified."""


def read_id_token_untrusted(
    token: str, keys: Iterable[dict[str, Any]], *, issuer: str, client_id: str, nonce: str, now: datetime
) -> Person:
    """`keys`: the provider's JSON Web Keys. Raises IdTokenError and nothing else."""
    claims = _verified(token, keys)
    if claims.get("iss") != issuer:
        raise IdTokenError("it is of another issuer")
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if client_id not in several:
        raise IdTokenError("it is for somebody else")
    if claims.get("azp", client_id) != client_id or (len(several) > 1 and "azp" not in claims):
        raise IdTokenError("it was given to somebody else")
    if _moment(claims, "exp") <= (now - CLOCK_SKEW).timestamp():
        raise IdTokenError("it has expired")
    if _moment(claims, "iat") > (now + CLOCK_SKEW).timestamp():
        raise IdTokenError("it is of the future")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(errors="replace"), nonce.encode()):
        raise IdTokenError("it answers another request")
    subject = _text(claims, "sub", SUBJECT_LENGTH_MAX)
    if subject is None:
        raise IdTokenError("it does not say whom it is about")
    verified = claims.get("email_verified") is True
    address = _text(claims, "email", EMAIL_LENGTH_MAX) if verified else None
    return Person(subject, _text(claims, "name", 1_000), address)


def _verified(token: str, keys: Iterable[dict[str, Any]]) -> dict[str, Any]:
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise IdTokenError("it is too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise IdTokenError("it is no JSON Web Token") from error
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise IdTokenError(f"it is not signed as it should be: {str(algorithm)[:20]!r}")
    key = _key(keys, header.get("kid"), algorithm)
    # Times are judged by the caller's clock, and by these rules: PyJWT would read its own.
    checks = ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
    options: Any = {f"verify_{check}": False for check in checks}
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=options)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise IdTokenError("its signature does not hold") from error
    return claims


def _key(keys: Iterable[dict[str, Any]], kid: Any, algorithm: str) -> jwt.PyJWK:
    """The provider's signing key of that name; without a name the only one that fits."""
    fitting = []
    for key in keys:
        if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
            continue
        if kid is not None and key.get("kid") != kid:
            continue
        try:
            fitting.append(jwt.PyJWK(key, algorithm))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue  # of a kind that does not sign so
    if len(fitting) != 1:
        raise UnknownKeyError("it is signed with a key that is not the provider's")
    return fitting[0]


def _moment(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise IdTokenError(f"`{name}` is no time")
    return value


def _text(claims: dict[str, Any], name: str, length_max: int) -> str | None:
    value = claims.get(name)
    fits = isinstance(value, str) and 0 < len(value) <= length_max and is_storable(value)
    return value if fits and isinstance(value, str) else None
