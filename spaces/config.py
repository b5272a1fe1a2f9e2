"""Every limit and setting in one frozen value, with its unit in its name and the reason for the number beside it."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ENVIRONMENT_PREFIX = "SPACES_"
TURN_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>udp|tcp))?",
    re.ASCII,
)
"""RFC 7065."""
NODE_NAME = re.compile(r"[A-Za-z0-9._-]{0,64}")
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster", "redis+sentinel")
DATABASE_SCHEMES = frozenset({"postgresql", "postgres", "postgresql+asyncpg", "sqlite+aiosqlite"})


def setting(default: Any, help: str, *, secret: bool = False) -> Any:
    """A field of Config that is also the option `--name-of-field` and the variable `SPACES_NAME_OF_FIELD`."""
    metadata = {"help": help, "secret": secret}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    # --- where it listens and is reached
    host: str = setting("", "address for HTTP to bind; empty: every address, IPv6 and IPv4")
    http_port: int = setting(8080, "port for HTTP and WebSocket")
    udp_host: str = setting("", "address for UDP to bind; empty: every address, IPv6 and IPv4")
    udp_port: int = setting(8081, "the one UDP port of this node; every participant's media passes through it")
    udp_buffer_bytes: int = setting(
        4 * 1024 * 1024,
        "the kernel's buffer of that port, each way; a tick's burst to 5,000 listeners takes 4 MiB with the kernel's own share",
    )
    public_addresses: tuple[str, ...] = setting(
        (), "addresses that clients reach our UDP port at, IPv4 and IPv6, each with an optional port; comma-separated"
    )
    public_url: str = setting("", "https://… address of the page as people type it; empty: http://127.0.0.1:HTTP_PORT")
    tls_cert: str = setting("", "PEM certificate chain for HTTPS")
    tls_key: str = setting("", "PEM private key for HTTPS")
    trusted_proxies: tuple[str, ...] = setting((), "networks whose X-Forwarded-For and -Proto are believed")
    allowed_origins: tuple[str, ...] = setting((), "other origins that may call the API and open sockets; * for any")
    turn_urls: tuple[str, ...] = setting((), "turn: and turns: addresses handed to clients")
    turn_secret: str = setting("", "shared secret of coturn's time-limited credentials", secret=True)

    # --- where it keeps things
    data: Path = setting(Path("var"), "folder for the embedded database and recordings")
    database_url: str = setting("", "SQLAlchemy address of PostgreSQL; empty: SQLite in the data folder", secret=True)
    # --- several nodes
    redis_url: str = setting(
        "",
        "Redis for several nodes: redis://, rediss:// or unix://, redis+cluster://, redis+sentinel://host,host/NAME; "
        "empty: one node, in process",
        secret=True,
    )
    node_name: str = setting("", "what this node is called among those of its Redis; empty: HOSTNAME-HTTP_PORT")
    node_url: str = setting(
        "", "http://… address at which the other nodes reach this one's HTTP; empty: its address on the way to Redis"
    )

    node_port: int = setting(
        -1, "port of its own for the other nodes' requests, plain HTTP at node_host; 0: any; -1: they use http_port"
    )
    node_host: str = setting(
        "127.0.0.1", "where node_port listens; an address in the nodes' own network where they are on several machines"
    )
    drain_notice_seconds: float = setting(
        1.5, "with several nodes: how long one that is to end says so on /readyz first, for balancers to see it"
    )
    shared_http_port: bool = setting(False, "let several nodes of this machine share http_port, as workers do")

    # --- what is forgotten
    client_addresses_kept_days: int = setting(30, "how long the addresses that people signed in from are kept")
    admissions_kept_days: int = setting(
        90,
        "how long it is kept who was in a Space and on which right, from when he left: a disputed payment may ask that long",
    )
    audit_kept_days: int = setting(1_095, "how long the audit log is kept; 0: for ever")

    talk_kept_days: int = setting(
        90,
        "how long what was written in a Space's chat and its captions are kept after its end: longer than its replay is "
        "of use; 0: for ever",
    )

    # --- mail
    smtp_url: str = setting(
        "", "smtp://user:password@host:587 (STARTTLS) or smtps://…:465; empty: no mail is sent", secret=True
    )
    mail_from: str = setting("", "sender of all mail: Spaces <no-reply@live.example>; needed with smtp_url")

    mail_webhook_secret: str = setting(
        "",
        "signs what the mail server tells of bounces and complaints, 32 bytes or more; empty: nothing is taken",
        secret=True,
    )

    # --- webhooks to integrators
    webhook_networks: tuple[str, ...] = setting(
        (),
        "private networks that webhooks may be sent into, also by plain http; comma-separated; empty: public addresses only",
    )
    webhook_seconds_max: float = setting(10.0, "for an integrator's server to take a webhook")

    # --- who may read the figures
    metrics_token: str = setting(
        "",
        "bearer token for /metrics, 16 bytes or more; empty: it is for this machine and metrics_networks",
        secret=True,
    )
    metrics_networks: tuple[str, ...] = setting((), "networks that may read /metrics without a token; comma-separated")

    # --- signing in elsewhere
    oidc_issuer: str = setting("", "https://… address of an OpenID provider that people may sign in at; empty: none")
    oidc_client_id: str = setting("", "what that provider calls this server")
    oidc_client_secret: str = setting("", "and the secret that it gave it", secret=True)

    # --- keys
    stripe_secret_key: str = setting("", "Stripe's API key; empty: test money", secret=True)
    stripe_webhook_secret: str = setting(
        "", "signing secrets of Stripe's webhook endpoints, separated by commas", secret=True
    )
    stripe_automatic_tax: bool = setting(
        False, "Stripe Tax computes the tax of each checkout; set it up at Stripe first"
    )
    stripe_address: str = setting("", "a stand-in for Stripe, for tests; only with a test key")
    api_key: str = setting("", "id of the first API key, which signs account tokens")
    api_secret: str = setting("", "secret of the first API key, 32 bytes or more", secret=True)

    # --- money
    share_percent: float = setting(3.0, "the platform's share of what creators earn after tax and processor fees")
    share_percent_above: float = setting(20.0, "the same above a creator's lifetime step")
    share_steps: tuple[str, ...] = setting(
        ("USD=50000",), "lifetime earnings, in whole units, from which on the higher share is taken, by currency"
    )
    grace_days: float = setting(7.0, "how long a right outlives a renewal that could not be collected")
    payout_delay_days: float = setting(7.0, "how old earnings are when they can be paid out; refunds come early")
    test_clock: bool = setting(False, "with test money: whoever is signed in may put the clock forward; for demos")

    # --- Spaces
    slots: int = setting(4, "loudest speakers forwarded to the stage at once: more talking at once is not understood")
    mixed: int = setting(4, "loudest speakers mixed for the audience at once")
    speakers_max: int = setting(10, "speakers on a stage beside host and co-hosts (X Spaces: 10)")
    cohosts_max: int = setting(2, "co-hosts of a Space (X Spaces: 2)")
    seats_per_account_max: int = setting(3, "seats of one account in one Space: phone, desk and a spare")
    seats_policy: str = setting(
        "displace", "one device more than that: displace (the one that came in first gives way and is told) or reject"
    )
    capacity_max: int = setting(10_000, "seats in one Space on this node")
    hands_max: int = setting(200, "people who ask to speak at once in one Space: nobody looks through more")
    invitations_max: int = setting(50, "open invitations to one stage")
    pins_max: int = setting(10, "links pinned in one Space: more are a list that nobody reads while listening")
    guest_link_hours_max: int = setting(168, "how long a guest link may be good: a week ahead is when guests are asked")
    guest_hours_max: int = setting(
        24, "how long a guest without an account stays one, from the start of the Space on: a day outlasts any talk"
    )
    host_absence_minutes_max: float = setting(
        10.0,
        "how long a live Space goes on without host and co-hosts before it ends by itself: long enough to find another "
        "network or a charger, short enough that nobody is left talking in the host's name",
    )
    schedule_days_ahead_max: int = setting(30, "how far ahead a Space may be planned (X Spaces: 14, later 30)")
    moves_max: int = setting(20, "how often one Space may be given another start: each is told to whoever is reminded")
    reminder_minutes_before_start: int = setting(15, "how long before its start people are reminded who asked for it")
    green_room_minutes_before_start: int = setting(60, "how long before its start the stage may connect")

    # --- sound
    audience_bitrate: int = setting(
        48_000, "bits per second of the audience's Opus; one voice needs 32 kb/s, several more"
    )
    audience_packet_milliseconds: int = setting(
        20,
        "sound in a packet to the audience: 20, 40 or 60; 60 sends a third of the datagrams, which are most of what a "
        "listener costs, and 40 ms later: for large audiences",
    )
    audience_expected_loss_percent: int = setting(
        0, "loss that the audience's in-band FEC is made for at least; reports raise it"
    )
    levelling: bool = setting(True, "bring speakers to equal loudness for the audience (−18 LUFS)")
    jitter_delay_milliseconds_min: int = setting(0, "shortest wait for what may be late; the network's own spread adds")
    jitter_delay_milliseconds_max: int = setting(200, "longest; beyond it a conversation breaks")

    # --- captions
    captions_engine: str = setting(
        "", "what writes captions on this server: pocketsphinx, or package.module:function of one's own; empty: nothing"
    )
    captions_model: str = setting("", "path of the model that it is given; empty: its own")
    captions_language: str = setting("en", "the language of that model (BCP 47)")

    # --- limits per client address (an address is an IPv4 address or an IPv6 /64)
    offers_per_minute_max: int = setting(120, "SDP offers per client address; a household or an office behind one NAT")
    sockets_per_address_max: int = setting(200, "open WebSockets per client address")
    handshakes_per_address_max: int = setting(200, "media sessions in their handshake per client address")
    requests_per_minute_max: int = setting(1_200, "other API calls per client address")
    sign_ins_per_minute_max: int = setting(20, "codes asked for and typed per client address")
    handshakes_max: int = setting(
        2_000,
        "media sessions in their handshake on this node; at the next one another makes room, silent ones first: a handshake "
        "takes a second, so even 2,000 more a second keep nobody out",
    )

    # --- times
    handshake_seconds_max: float = setting(15.0, "from the answer to connected media; then the session is dropped")
    silence_seconds_max: float = setting(30.0, "without any authenticated packet: consent has expired (RFC 7675)")
    hello_seconds_max: float = setting(5.0, "from opening a socket to its first message")
    idle_seconds_max: float = setting(
        75.0, "an HTTP connection without a whole request; longer than proxies keep theirs"
    )
    body_seconds_max: float = setting(10.0, "for a request's body to come; it is 64 KiB at most")
    seat_lease_seconds: float = setting(30.0, "how long a seat outlives the last successful look at the database")
    rights_poll_seconds: float = setting(0.25, "how often ended rights are looked for; the bound for revocation is 1 s")

    log_format: str = setting("auto", "auto (JSON unless a terminal), json or console")

    def __post_init__(self) -> None:
        for holds, demand in (
            (0 <= self.http_port <= 65_535, "http_port: 0 to 65535"),
            (0 <= self.udp_port <= 65_535, "udp_port: 0 to 65535"),
            (65_536 <= self.udp_buffer_bytes <= 1 << 30, "udp_buffer_bytes: 65536 to 1073741824"),
            (_is_web_address(self.public_url), "public_url: an address like https://live.example"),
            (-1 <= self.node_port <= 65_535, "node_port: -1 to 65535"),
            (
                not (self.redis_url and self.tls_cert) or bool(self.node_url) or self.node_port >= 0,
                "node_port: with redis_url and tls_cert nodes need a port of their own (and node_host, on several machines) or "
                "a node_url: they know each other by address, and the certificate is for a name",
            ),
            (0 <= self.drain_notice_seconds <= 60, "drain_notice_seconds: 0 to 60"),
            (_is_web_address(self.node_url), "node_url: an address like http://10.0.0.5:8080"),
            (
                NODE_NAME.fullmatch(self.node_name) is not None,
                "node_name: up to 64 of A-Z a-z 0-9 . _ -; empty: HOSTNAME-HTTP_PORT",
            ),
            (
                not self.redis_url or self.redis_url.partition("://")[0] in REDIS_SCHEMES,
                f"redis_url: one of {', '.join(REDIS_SCHEMES)}, like redis://127.0.0.1:6379/0",
            ),
            (_is_database(self.database_url), "database_url: postgresql://user:password@host/name; empty for SQLite"),
            (
                0 <= self.jitter_delay_milliseconds_min <= self.jitter_delay_milliseconds_max,
                "jitter_delay_milliseconds_min: 0 up to jitter_delay_milliseconds_max",
            ),
            (self.audience_packet_milliseconds in (20, 40, 60), "audience_packet_milliseconds: 20, 40 or 60"),
            (0 < self.rights_poll_seconds < 1.0, "rights_poll_seconds: below 1, the bound for revocation"),
            (1.0 < self.seat_lease_seconds <= 30.0, "seat_lease_seconds: above 1, at most 30"),
            (
                0 <= self.share_percent <= self.share_percent_above <= 100,
                "share_percent: 0 up to share_percent_above, which is 100 at most",
            ),
            (all(map(_is_step, self.share_steps)), "share_steps: like USD=50000,EUR=45000"),
            (0 <= self.grace_days <= 90, "grace_days: 0 to 90"),
            (0 <= self.payout_delay_days <= 180, "payout_delay_days: 0 to 180"),
            (
                not self.test_clock or not self.stripe_secret_key or bool(self.stripe_address),
                "test_clock: only with test money",
            ),
            (0.1 <= self.webhook_seconds_max <= 60.0, "webhook_seconds_max: 0.1 to 60"),
            (self.seats_per_account_max >= 1, "seats_per_account_max: 1 or more"),
            (self.seats_policy in ("displace", "reject"), "seats_policy: displace or reject"),
            (self.hands_max >= 1, "hands_max: 1 or more"),
            (self.invitations_max >= 1, "invitations_max: 1 or more"),
            (self.pins_max >= 1, "pins_max: 1 or more"),
            (0 <= self.talk_kept_days <= 36_500, "talk_kept_days: 0 to 36500"),
            (self.guest_link_hours_max >= 1, "guest_link_hours_max: 1 or more"),
            (1 <= self.guest_hours_max <= 8_760, "guest_hours_max: 1 to 8760"),
            (self.host_absence_minutes_max > 0, "host_absence_minutes_max: above 0"),
            (1 <= self.schedule_days_ahead_max <= 366, "schedule_days_ahead_max: 1 to 366"),
            (self.moves_max >= 1, "moves_max: 1 or more"),
            (0 <= self.reminder_minutes_before_start <= 1_440, "reminder_minutes_before_start: 0 to 1440"),
            (1 <= self.slots <= 16, "slots: 1 to 16"),
            (0 <= self.client_addresses_kept_days <= 36_500, "client_addresses_kept_days: 0 to 36500"),
            (0 <= self.admissions_kept_days <= 36_500, "admissions_kept_days: 0 to 36500"),
            (0 <= self.audit_kept_days <= 36_500, "audit_kept_days: 0 to 36500"),
            (self.sign_ins_per_minute_max >= 1, "sign_ins_per_minute_max: 1 or more"),
            (1 <= self.mixed <= 64, "mixed: 1 to 64"),
        ):
            if not holds:
                raise ConfigError(demand)
        if not _is_mail_server(self.smtp_url):
            raise ConfigError("smtp_url: smtp://user:password@host:587 or smtps://…; empty: no mail")
        if self.smtp_url and not self.mail_from:
            raise ConfigError("mail_from: needed with smtp_url, the sender of all mail")
        if self.mail_from and not _is_sender(self.mail_from):
            raise ConfigError("mail_from: an address, or Name <address>")
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("tls_cert and tls_key go together: set both or neither")
        if len({bool(self.oidc_issuer), bool(self.oidc_client_id), bool(self.oidc_client_secret)}) > 1:
            raise ConfigError("oidc_issuer, oidc_client_id and oidc_client_secret go together: set all or none")
        if not _is_issuer(self.oidc_issuer):
            raise ConfigError("oidc_issuer: an https address without query; http only of this very machine")
        if bool(self.turn_urls) != bool(self.turn_secret):
            raise ConfigError("turn_urls and turn_secret go together: set both or neither")
        for url in self.turn_urls:
            if TURN_URL.fullmatch(url) is None:
                raise ConfigError(f"turn_urls: {url} is not like turn:turn.example:3478?transport=tcp")
        if bool(self.api_key) != bool(self.api_secret):
            raise ConfigError("api_key and api_secret go together: set both or neither")
        if self.metrics_token and len(self.metrics_token.encode()) < 16:
            raise ConfigError("metrics_token: at least 16 bytes, so that it cannot be guessed")
        if self.mail_webhook_secret and len(self.mail_webhook_secret.encode()) < 32:
            raise ConfigError("mail_webhook_secret: at least 32 bytes")
        if self.api_secret and len(self.api_secret.encode()) < 32:
            raise ConfigError("api_secret: at least 32 bytes, as RFC 7518 §3.2 asks of HS256")

    @property
    def url(self) -> str:
        """The address that the page and links are given, without a trailing slash."""
        if self.public_url:
            return self.public_url.rstrip("/")
        return f"{'https' if self.tls_cert else 'http'}://127.0.0.1:{self.http_port}"

    @property
    def sqlalchemy_url(self) -> str:
        if not self.database_url:
            return f"sqlite+aiosqlite:///{self.data / 'spaces.db'}"
        url = self.database_url
        for prefix in ("postgresql://", "postgres://"):
            if url.startswith(prefix):
                return "postgresql+asyncpg://" + url.removeprefix(prefix)
        return url


class ConfigError(Exception):
    """A setting that cannot be used; the message names it and says what would do."""


def _is_web_address(url: str) -> bool:
    """Or nothing at all."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return not url or (parts.scheme in ("http", "https") and bool(parts.hostname))


def _is_issuer(url: str) -> bool:
    """Or nothing at all. OpenID Connect Discovery 1.0 §3: https, and nothing after the path."""
    if not _is_web_address(url):
        return False
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    return not url or ((parts.scheme == "https" or local) and not parts.query and not parts.fragment)


def _is_database(url: str) -> bool:
    """Or nothing at all. What is wrong with it is not said: it holds a password."""
    scheme, separator, _ = url.partition("://")
    try:
        urlsplit(url).port  # noqa: B018 – raises for what is no port
    except ValueError:
        return False
    return not url or (bool(separator) and scheme in DATABASE_SCHEMES)


def _is_mail_server(url: str) -> bool:
    """Or nothing at all. What is wrong with it is not said: it holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return not url or (parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and port != 0)


def _is_sender(text: str) -> bool:
    """`Name <address>` or a bare address, on one line and in ASCII where SMTP sees it."""
    address = parseaddr(text)[1]
    local, _, domain = address.rpartition("@")
    return text.isprintable() and address.isascii() and bool(local) and bool(domain) and " " not in address


def _is_step(text: str) -> bool:
    currency, _, amount = text.partition("=")
    return len(currency) == 3 and currency.isupper() and amount.isascii() and amount.isdecimal() and int(amount) > 0


def settings() -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(Config) if f.metadata]


def parse_setting(name: str, kind: Any, text: str) -> Any:
    """Read one setting from text. Raises ConfigError naming it."""
    try:
        if isinstance(kind, types.GenericAlias):  # tuple[str, ...]
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError):
        wanted = {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, str(kind))
        raise ConfigError(f"{name}: {text!r} is not {wanted}") from None


def read_config(environment: Mapping[str, str], overrides: Mapping[str, str] | None = None, **fixed: Any) -> Config:
    """Config from `SPACES_…` variables, then the command line's texts, then values fixed by the caller."""
    kinds = typing.get_type_hints(Config)
    values: dict[str, Any] = {}
    for f in settings():
        variable = ENVIRONMENT_PREFIX + f.name.upper()
        if environment.get(variable, "") != "":
            values[f.name] = parse_setting(variable, kinds[f.name], environment[variable])
        if overrides and f.name in overrides:
            values[f.name] = parse_setting("--" + f.name.replace("_", "-"), kinds[f.name], overrides[f.name])
    values.update(fixed)
    return Config(**values)
