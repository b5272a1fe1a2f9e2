"""The money side of a node or a command: provider, clock and terms as the operator has set them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from access.embedded_money import EmbeddedTestMoney
from access.money import EXPONENTS
from access.money_clock import MoneyClock
from access.payments import PaymentProvider
from access.people import Retention
from access.pretended_money import Held
from access.service import Access, utcnow
from access.shares import MoneyTerms
from spaces.config import Config, ConfigError
from spaces.stripe_setup import is_live, make_stripe


def open_access(
    config: Config, engine: AsyncEngine, url: Callable[[], str], join_token_key: bytes, stripe_key: bytes
) -> Access:
    """`stripe_key`: makes this server's name within its Stripe account. Raises ConfigError."""
    provider = make_provider(config, engine, url, stripe_key)
    pretended = not config.stripe_secret_key or bool(config.stripe_address)
    clock = MoneyClock(engine, utcnow, may_forward=config.test_clock and pretended)
    return Access(
        engine,
        provider=provider,
        join_token_key=join_token_key,
        now=clock.now,
        terms=money_terms(config, provider),
        wall=utcnow,
        clock=clock,
        retention=retention(config),
    )


async def refuse_mixture(config: Config, access: Access) -> None:
    """Real and pretended money do not share a database. Raises ConfigError."""
    if complaint := mixture(config, await access.books.held()):
        raise ConfigError(complaint)


def mixture(config: Config, held: Held) -> str:
    """Why what a database holds and what is set for payments do not go together; empty: they do."""
    if is_live(config) and held.pretended:
        return (
            "stripe_secret_key: it takes real money, and this database has rights and earnings of test money or of Stripe's "
            "test mode; `spaces admin end-test-money` takes them back"
        )
    if held.real and not is_live(config):
        return (
            "stripe_secret_key: this database has real payments; without Stripe's live key people would be let in for "
            "money that nobody pays"
        )
    return ""


def retention(config: Config) -> Retention:
    audit_kept = timedelta(days=config.audit_kept_days) if config.audit_kept_days else None
    return Retention(
        timedelta(days=config.client_addresses_kept_days), audit_kept, timedelta(days=config.admissions_kept_days)
    )


def make_provider(config: Config, engine: AsyncEngine, url: Callable[[], str], stripe_key: bytes) -> PaymentProvider:
    if config.stripe_secret_key:
        return make_stripe(config, engine, stripe_key, url)
    return EmbeddedTestMoney(engine, url)


def money_terms(config: Config, provider: PaymentProvider) -> MoneyTerms:
    """Raises ConfigError."""
    steps = {currency: int(amount) for currency, _, amount in (step.partition("=") for step in config.share_steps)}
    for currency in steps:
        if currency not in EXPONENTS:
            raise ConfigError(f"share_steps: {currency} is not an ISO 4217 code of a currency in use")
    return MoneyTerms(
        share_below_bp=round(config.share_percent * 100),
        share_above_bp=round(config.share_percent_above * 100),
        steps=steps,
        grace=timedelta(days=config.grace_days),
        renewal_slack=provider.renewal_slack,
        payout_delay=timedelta(days=config.payout_delay_days),
    )
