"""A sign-in that has begun at an OpenID provider: what the browser keeps of it, signed by us, until it comes back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

LIFETIME = timedelta(minutes=15)
AUDIENCE = "spaces:oidc"


@dataclass(frozen=True, slots=True)
class OidcRequest:
    state: str
    """Binds the answer to this browser: nobody is signed in by somebody else's link."""
    nonce: str
    """Binds the ID token to this request."""
    verifier: str
    """Proves at the provider that who redeems the code is who asked for it (PKCE, RFC 7636)."""

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    def is_answered_by(self, state: str) -> bool:
        return hmac.compare_digest(self.state.encode(), state.encode(errors="replace"))


def begin() -> OidcRequest:
    return OidcRequest(*(secrets.token_urlsafe(32) for _ in range(3)))


def sealed(request: OidcRequest, key: bytes, now: datetime) -> str:
    claims = {"aud": AUDIENCE, "exp": (now + LIFETIME).timestamp()}
    claims |= {"state": request.state, "nonce": request.nonce, "verifier": request.verifier}
    return jwt.encode(claims, key, algorithm="HS256")


def opened_untrusted(cookie: str, key: bytes, now: datetime) -> OidcRequest | None:
    """None: none of ours, or too old."""
    try:
        claims = jwt.decode(cookie, key, algorithms=["HS256"], audience=AUDIENCE, options={"verify_exp": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    if claims["exp"] <= now.timestamp():
        return None
    return OidcRequest(claims["state"], claims["nonce"], claims["verifier"])
