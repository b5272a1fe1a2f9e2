"""The OpenID provider that the configuration names."""

from __future__ import annotations

from dataclasses import dataclass

from spaces.config import Config
from spaces.oidc.provider import OidcProvider


@dataclass(frozen=True, slots=True)
class OidcSignIn:
    provider: OidcProvider
    key: bytes
    """Signs what browsers keep meanwhile."""


def make_oidc(config: Config, key: bytes) -> OidcSignIn | None:
    """None: people sign in by mail only."""
    if not config.oidc_issuer:
        return None
    return OidcSignIn(OidcProvider(config.oidc_issuer, config.oidc_client_id, config.oidc_client_secret), key)
