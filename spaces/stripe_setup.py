"""Stripe as the operator has set it up: do his settings look like Stripe's, and what they make."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncEngine

from access.service import Access
from access.stripe_api import ADDRESS, StripeApi
from access.stripe_inbox import StripeInbox
from access.stripe_provider import StripeProvider
from spaces.config import Config, ConfigError

SECRET_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9_]{8,255}")
WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,255}")


def check_stripe(config: Config) -> None:
    """Do the settings have the form that Stripe's have? Raises ConfigError, never showing a secret."""
    if not SECRET_KEY.fullmatch(config.stripe_secret_key):
        raise ConfigError("stripe_secret_key: a key of Stripe's begins with sk_test_, sk_live_, rk_test_ or rk_live_")
    if not webhook_secrets(config):
        raise ConfigError(
            "stripe_webhook_secret: needed with stripe_secret_key; Stripe shows it with the webhook endpoint"
        )
    for secret in webhook_secrets(config):
        if not WEBHOOK_SECRET.fullmatch(secret):
            raise ConfigError("stripe_webhook_secret: each begins with whsec_; several are separated by commas")
    if config.stripe_address:
        parts = urlsplit(config.stripe_address)
        if is_live(config):
            raise ConfigError("stripe_address: a live key is sent to Stripe only")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("stripe_address: the address of a stand-in for Stripe, http://127.0.0.1:12111")


def webhook_secrets(config: Config) -> tuple[str, ...]:
    return tuple(part.strip() for part in config.stripe_webhook_secret.split(",") if part.strip())


def is_live(config: Config) -> bool:
    return config.stripe_secret_key[3:8] == "live_"


def make_stripe(config: Config, engine: AsyncEngine, server_key: bytes, url: Callable[[], str]) -> StripeProvider:
    """`server_key`: makes our name within the Stripe account, the same on each node of a database. Raises ConfigError."""
    check_stripe(config)
    server = "spaces_" + hashlib.sha256(server_key).hexdigest()[:12]
    return StripeProvider(stripe_api(config), engine, server, url, automatic_tax=config.stripe_automatic_tax)


def stripe_api(config: Config) -> StripeApi:
    return StripeApi(config.stripe_secret_key, config.stripe_address or ADDRESS)


def make_inbox(config: Config, access: Access, wall: Callable[[], datetime]) -> StripeInbox | None:
    """None: payments do not go through Stripe."""
    provider = access.desk.provider
    if not isinstance(provider, StripeProvider):
        return None
    return StripeInbox(provider, access.desk, webhook_secrets(config), live=is_live(config), wall=wall)
