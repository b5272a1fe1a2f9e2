"""Two kinds of token. Account tokens are signed by an integration and prove who; join tokens are the server's own.

JSON Web Tokens (RFC 7519) with HS256 and nothing else: the header never chooses (RFC 8725 §3.1). Times are judged against
the `now` that is passed in. Everything here is pure; whether a key is known is the caller's question, asked between the
two halves (`issuer_untrusted`, then `read_account_token_untrusted`).
"""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from access.errors import TokenError
from access.fields import HANDLE, TURNING, is_storable

ALGORITHM = "HS256"
SECRET_BYTES_MIN = 32
"""RFC 7518 §3.2: a key of HS256 is at least as long as the hash."""
TOKEN_CHARACTERS_MAX = 8_192
"""More than any header or claim of ours needs; a header line of HTTP holds it."""
LIFETIME_MAX = timedelta(hours=24)
CLOCK_SKEW = timedelta(seconds=2)
"""How far an integrator's clock may run ahead of ours before his fresh tokens are refused."""
JOIN_TOKEN_LIFETIME = timedelta(seconds=60)
JOIN_AUDIENCE = "spaces:join"
INTEGRATION_AUDIENCE = "spaces:integration"
SUBJECT_LENGTH_MAX = 255
NAME_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an account token speaks of, in the integrator's words."""

    subject: str
    name: str | None
    handle: str | None


@dataclass(frozen=True, slots=True)
class JoinClaims:
    jti: str
    account: int | None
    space: str
    creator: int
    epoch: int
    expires_at: datetime


def issuer_untrusted(token: str) -> str:
    """The key that a token says it is signed with; nothing is proven yet. Raises TokenError."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise TokenError("token_malformed", f"A token has at most {TOKEN_CHARACTERS_MAX} characters.")
    parts = _unverified(token)
    if parts["header"].get("alg") != ALGORITHM:
        raise TokenError("token_algorithm", f"Tokens are signed with {ALGORITHM} and nothing else.")
    issuer = parts["payload"].get("iss")
    if not isinstance(issuer, str) or not is_storable(issuer):
        raise TokenError("token_claim", "`iss` is the id of the key that signs the token.")
    return issuer


def read_account_token_untrusted(token: str, secret: str, now: datetime) -> Identity:
    """Check signature, times and claims of an account token. Raises TokenError and nothing else."""
    claims = _verified(token, secret.encode())
    _check_times(claims, now, LIFETIME_MAX)
    subject = _text_claim(claims, "sub", SUBJECT_LENGTH_MAX)
    if subject is None:
        raise TokenError("token_claim", "`sub` is required: the account's stable id at the integrator.")
    handle = _text_claim(claims, "handle", 64)
    if handle is not None and not HANDLE.fullmatch(handle):
        raise TokenError("token_claim", "`handle`: 1 to 64 letters, digits, '_', '.' or '-'.")
    name = _text_claim(claims, "name", NAME_LENGTH_MAX)
    if name is not None:  # the integrator let him have it: what it would do to the words beside it is left out
        name = "".join(character for character in name if character not in TURNING) or None
    return Identity(subject, name, handle)


def check_integration_token_untrusted(token: str, secret: str, now: datetime) -> None:
    """A token in which an integration speaks for itself and nobody in particular: `aud`, and no `sub`. Raises TokenError."""
    claims = _verified(token, secret.encode(), audience=INTEGRATION_AUDIENCE)
    _check_times(claims, now, LIFETIME_MAX)
    if "sub" in claims:
        raise TokenError("token_claim", "A token of the integration itself has no `sub`.")


def make_account_token(
    key_id: str, secret: str, identity: Identity, *, now: datetime, lifetime: timedelta = LIFETIME_MAX
) -> str:
    claims: dict[str, Any] = {
        "iss": key_id,
        "sub": identity.subject,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    if identity.name is not None:
        claims["name"] = identity.name
    if identity.handle is not None:
        claims["handle"] = identity.handle
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def key_id_of(key: bytes) -> str:
    """The `kid` of a join token key: tells keys apart, says nothing about them."""
    return hashlib.sha256(b"spaces join token key\0" + key).hexdigest()[:16]


def make_join_token(
    key: bytes, *, account: int | None, space: str, creator: int, epoch: int, now: datetime, not_after: datetime | None
) -> tuple[str, datetime]:
    """A join token and its expiry: 60 s from now, or the end of the right if that is sooner."""
    expires_at = now + JOIN_TOKEN_LIFETIME
    if not_after is not None:
        expires_at = min(expires_at, not_after)
    claims = {
        "aud": JOIN_AUDIENCE,
        "jti": secrets.token_urlsafe(16),
        "sub": "" if account is None else str(account),
        "space": space,
        "creator": creator,
        "epoch": epoch,
        "exp": expires_at.timestamp(),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id_of(key)}), expires_at


def read_join_token_untrusted(token: str, key: bytes, space: str, now: datetime) -> JoinClaims:
    """Check a join token for this Space; that it was not used before is the caller's question. Raises TokenError."""
    if not is_join_token_untrusted(token):
        raise TokenError("token_malformed", "This is not a join token.")
    if _unverified(token)["header"].get("kid") != key_id_of(key):
        raise TokenError("token_key_unknown", "This join token is signed with a key that is not ours.")
    claims = _verified(token, key, audience=JOIN_AUDIENCE)
    _check_times(claims, now, JOIN_TOKEN_LIFETIME)
    if claims.get("space") != space:
        raise TokenError("token_wrong_space", "This join token is for another Space.")
    account = claims["sub"]
    return JoinClaims(
        claims["jti"],
        int(account) if account else None,
        space,
        claims["creator"],
        claims["epoch"],
        datetime.fromtimestamp(claims["exp"], UTC),
    )


def is_join_token_untrusted(token: str) -> bool:
    """Does this claim to be a join token (else it is read as an account token)? Nothing is proven."""
    return _says_it_is_for(token, JOIN_AUDIENCE)


def is_integration_token_untrusted(token: str) -> bool:
    """Does this claim to be a token of an integration itself? Nothing is proven."""
    return _says_it_is_for(token, INTEGRATION_AUDIENCE)


def _says_it_is_for(token: str, audience: str) -> bool:
    try:
        return len(token) <= TOKEN_CHARACTERS_MAX and _unverified(token)["payload"].get("aud") == audience
    except TokenError:
        return False


def _unverified(token: str) -> dict[str, Any]:
    try:
        return jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenError("token_malformed", "This is not a JSON Web Token.") from error


def _verified(token: str, key: bytes, audience: str | None = None) -> dict[str, Any]:
    """The claims, once the signature holds. Times are not judged here: PyJWT would read its own clock."""
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_sub": False}
    options |= {"verify_jti": False, "verify_iss": False, "verify_aud": audience is not None}
    try:
        return jwt.decode(token, key, algorithms=[ALGORITHM], audience=audience, options=options)
    except jwt.InvalidSignatureError as error:
        raise TokenError("token_signature", "The token's signature does not hold.") from error
    except jwt.InvalidAlgorithmError as error:
        raise TokenError("token_algorithm", f"Tokens are signed with {ALGORITHM} and nothing else.") from error
    except jwt.InvalidAudienceError as error:
        raise TokenError("token_audience", "The token is for something else.") from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenError("token_malformed", "This is not a JSON Web Token.") from error


def _check_times(claims: dict[str, Any], now: datetime, lifetime_max: timedelta) -> None:
    expires = _time_claim(claims, "exp")
    if expires is None:
        raise TokenError("token_claim", "`exp` is required.")
    if expires <= now.timestamp():
        raise TokenError("token_expired", "The token has expired.")
    if expires > (now + lifetime_max + CLOCK_SKEW).timestamp():
        raise TokenError("token_lifetime", f"`exp` is at most {lifetime_max.total_seconds():.0f} s ahead.")
    not_before = _time_claim(claims, "nbf")
    if not_before is not None and not_before > (now + CLOCK_SKEW).timestamp():
        raise TokenError("token_not_yet_valid", "The token is not valid yet.")


def _time_claim(claims: dict[str, Any], name: str) -> int | float | None:
    """A NumericDate (RFC 7519 §2): a number, not its text, not NaN."""
    value = claims.get(name)
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or (isinstance(value, float) and math.isnan(value))
    ):
        raise TokenError("token_claim", f"`{name}` is a number of seconds since 1970.")
    return value


def _text_claim(claims: dict[str, Any], name: str, length_max: int) -> str | None:
    value = claims.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > length_max or not is_storable(value):
        raise TokenError("token_claim", f"`{name}` is 1 to {length_max} characters of text.")
    return value
