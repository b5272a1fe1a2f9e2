"""`spaces doctor`: looks at everything that usually goes wrong, and says what to do about it."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

from access import pretended_money, stripe_health
from access.database import read
from access.payments import ProviderError
from access.service import utcnow
from spaces import nodes_check, turn_check
from spaces.config import Config, ConfigError
from spaces.db.migrate import is_current
from spaces.db.prepare import DATABASE_ERRORS, is_empty, open_database
from spaces.finding import Finding
from spaces.mail import Mailer, MailError
from spaces.node import listen, port_advice, port_trouble, tls_context
from spaces.oidc.provider import ProviderAwayError
from spaces.oidc.setup import make_oidc
from spaces.payments import mixture
from spaces.sfu.candidates import read_candidate
from spaces.sfu.udp import enlarge_buffers
from spaces.signaling.client_address import read_networks
from spaces.stripe_setup import check_stripe, is_live, stripe_api

LOOPBACK = ("127.0.0.1", "::1", "localhost")


async def examine(config: Config) -> list[Finding]:
    return [
        _http_port(config),
        _udp_port(config),
        _udp_buffers(config),
        _public_address(config),
        _public_url(config),
        _tls(config),
        _proxies(config),
        _metrics(config),
        _api_key(config),
        await _database(config),
        *await nodes_check.examine(config),
        *await turn_check.examine(config, utcnow()),
        _webhooks(config),
        await _mail(config),
        await _oidc(config),
        *await _payment(config),
    ]


def _http_port(config: Config) -> Finding:
    try:
        listen(config.host, config.http_port).close()
    except OSError as error:
        return Finding("fail", f"HTTP port {config.http_port}: {port_trouble(error)}", port_advice("http_port", error))
    return Finding("ok", f"HTTP port {config.http_port} is free")


def _udp_port(config: Config) -> Finding:
    family = socket.AF_INET6 if ":" in config.udp_host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind((config.udp_host, config.udp_port))
        except OSError as error:
            return Finding("fail", f"UDP port {config.udp_port}: {port_trouble(error)}", port_advice("udp_port", error))
    return Finding("ok", f"UDP port {config.udp_port} is free", "clients must reach it: open it in the firewall")


def _udp_buffers(config: Config) -> Finding:
    wanted = config.udp_buffer_bytes
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        sending, receiving = enlarge_buffers(probe, wanted)
    if min(sending, receiving) >= wanted:
        return Finding("ok", f"the kernel gives UDP buffers of {wanted} bytes")
    return Finding(
        "warn",
        f"the kernel gives UDP buffers of {sending} (out) and {receiving} (in) bytes, not {wanted}: "
        "large crowds lose packets",
        f"as root: sysctl -w net.core.wmem_max={wanted} net.core.rmem_max={wanted}",
    )


def _public_address(config: Config) -> Finding:
    if config.public_addresses:
        try:
            for text in config.public_addresses:
                read_candidate(text, config.udp_port)
        except ConfigError as error:
            return Finding("fail", str(error), "what the world sees: 203.0.113.5, or [2001:db8::5]:8081")
        return Finding("ok", f"clients are told to send media to {', '.join(config.public_addresses)}")
    return Finding(
        "warn",
        "no public_addresses: clients are told the addresses of this machine's interfaces",
        "behind NAT or in a container set SPACES_PUBLIC_ADDRESSES to what clients reach from outside",
    )


def _public_url(config: Config) -> Finding:
    parts = urlsplit(config.url)
    if parts.scheme == "https":
        return Finding("ok", f"the page is at {config.url}")
    if parts.hostname in LOOPBACK:
        return Finding(
            "warn",
            f"the page is at {config.url}, which only this machine can open",
            "set SPACES_PUBLIC_URL to the https:// address that people type",
        )
    return Finding(
        "fail",
        f"the page is at {config.url}: browsers give no microphone to a page without https",
        "set SPACES_TLS_CERT and SPACES_TLS_KEY, or put a proxy with a certificate in front",
    )


def _tls(config: Config) -> Finding:
    if not config.tls_cert:
        return Finding("ok", "no certificate here: HTTP, to be put behind a proxy that has one")
    try:
        tls_context(config)
    except ConfigError as error:
        return Finding("fail", str(error), "the chain and its key, both as PEM, readable by this user")
    return Finding("ok", f"certificate {config.tls_cert}")


def _proxies(config: Config) -> Finding:
    if not config.trusted_proxies:
        return Finding("ok", "no trusted proxy: clients are who calls")
    try:
        read_networks(config.trusted_proxies)
    except ValueError as error:
        return Finding("fail", f"trusted_proxies: {error}", "networks like 10.0.0.0/8, separated by commas")
    return Finding("ok", f"X-Forwarded-For and -Proto are believed of {', '.join(config.trusted_proxies)}")


def _metrics(config: Config) -> Finding:
    try:
        read_networks(config.metrics_networks)
    except ValueError as error:
        return Finding("fail", f"metrics_networks: {error}", "networks like 10.0.0.0/8, separated by commas")
    readers = ["whoever has the token"] if config.metrics_token else ["this machine"]
    readers += [", ".join(config.metrics_networks)] if config.metrics_networks else []
    who = f"/metrics is read by {' and '.join(readers)}"
    behind = config.public_url.startswith("https:") and not config.tls_cert and not config.trusted_proxies
    if behind and not config.metrics_token:
        return Finding(
            "warn",
            f"{who}; but a proxy is in front that trusted_proxies does not name",
            "if it is on this machine and adds no X-Forwarded-For, the world reads them: set SPACES_METRICS_TOKEN",
        )
    return Finding("ok", who)


def _api_key(config: Config) -> Finding:
    if config.api_key:
        return Finding("ok", f"account tokens may be signed with the key {config.api_key}")
    return Finding("warn", "no api_key", "set SPACES_API_KEY and SPACES_API_SECRET, or make one: spaces keys add")


async def _database(config: Config) -> Finding:
    where = "PostgreSQL" if config.database_url else f"SQLite in {config.data}"
    try:
        engine = open_database(config)
    except ConfigError as error:
        return Finding("fail", str(error), "choose a folder that this user may write with SPACES_DATA")
    try:
        if await is_empty(engine):
            return Finding("ok", f"database: {where}, empty; `spaces serve` will fill it")
        if await is_current(engine):
            complaint = mixture(config, await read(engine, pretended_money.held))
            if complaint:
                return Finding("fail", f"database: {where}; {complaint}", "see docs/money.md")
            return Finding("ok", f"database: {where}, at the newest revision")
        return Finding("fail", f"database: {where}, at another revision", "make a backup, then run: spaces migrate")
    except DATABASE_ERRORS as error:
        return Finding(
            "fail",
            f"database: {where} cannot be used: {type(error).__name__}",
            "check SPACES_DATABASE_URL, that the server runs and that the folder of SPACES_DATA can be written",
        )
    finally:
        await engine.dispose()


def _webhooks(config: Config) -> Finding:
    try:
        read_networks(config.webhook_networks)
    except ValueError as error:
        return Finding("fail", f"webhook_networks: {error}", "networks like 10.0.0.0/8, separated by commas")
    if not config.webhook_networks:
        return Finding("ok", "webhooks go to public addresses only")
    return Finding("ok", f"webhooks may also go to {', '.join(config.webhook_networks)}")


async def _mail(config: Config) -> Finding:
    if not config.smtp_url:
        return Finding(
            "warn", "no mail: links to sign in are shown in the log, newsletters are not sent", "set SPACES_SMTP_URL"
        )
    try:
        await Mailer(config).check()
    except MailError as error:
        return Finding("fail", f"the SMTP server cannot be used: {error}", "check SPACES_SMTP_URL")
    return Finding("ok", f"mail leaves as {config.mail_from}")


async def _oidc(config: Config) -> Finding:
    oidc = make_oidc(config, b"")
    if oidc is None:
        return Finding("ok", "people sign in by mail only: no OpenID provider is set")
    try:
        await oidc.provider.metadata()
    except ProviderAwayError as error:
        return Finding("fail", f"the OpenID provider cannot be used: {error}", "check SPACES_OIDC_ISSUER")
    return Finding(
        "ok", f"people may sign in at {oidc.provider.name}; {config.url}/v1/sign-in/oidc/callback comes back"
    )


async def _payment(config: Config) -> list[Finding]:
    if not config.stripe_secret_key:
        return [Finding("warn", "test money: nobody really pays", "that is right for trying it out")]
    try:
        check_stripe(config)
    except ConfigError as error:
        return [Finding("fail", str(error), "see docs/stripe.md")]
    mode = "real money" if is_live(config) else "Stripe's test mode"
    known = Finding("warn", f"Stripe: {mode}; it was never tried against the live Stripe", "see docs/stripe.md")
    return [known, *await _stripe(config)]


async def _stripe(config: Config) -> list[Finding]:
    api = stripe_api(config)
    try:
        said = await stripe_health.complaints(api, f"{config.url}/v1/webhooks/stripe")
    except ProviderError as error:
        return [Finding("fail", f"Stripe cannot be used: {error.detail}", "check the key, and the way out to Stripe")]
    finally:
        await api.close()
    if said:
        return [Finding("warn", what, "docs/stripe.md says how it is to be") for what in said]
    return [Finding("ok", "Stripe answers, and its webhook endpoint is told of all that is followed")]
