"""The composition root: builds a node, owns every task of it, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal

import structlog
from aiohttp import web

from access.service import Access, utcnow
from spaces.captioning.captioner import Captioner
from spaces.config import ENVIRONMENT_PREFIX, Config, ConfigError
from spaces.db.prepare import open_database, prepare, usable
from spaces.db.reminder_deliveries import ReminderDeliveries
from spaces.db.store import SpaceStore
from spaces.directory import LocalDirectory, Place
from spaces.garbage import collect_when_quiet
from spaces.hooks.sender import HookSender
from spaces.mail import Mailer
from spaces.metrics import Metrics
from spaces.newsletters.links import MailLinks
from spaces.newsletters.sender import NewsletterSender
from spaces.nodes import Nodes
from spaces.oidc.setup import OidcSignIn, make_oidc
from spaces.payments import open_access, refuse_mixture
from spaces.reconciler import Reconciler
from spaces.reminders.sender import ReminderSender
from spaces.sfu.media import Media
from spaces.share_card.painter import Painter
from spaces.signaling.app import make_app
from spaces.signaling.client_address import Network, read_networks
from spaces.signaling.connections import BESIDE_SOCKETS_MAX, Connections, connections_max
from spaces.signaling.door import Door
from spaces.signaling.live import Ending
from spaces.signaling.pulse import Pulse
from spaces.signaling.remote_media import Planes
from spaces.signaling.rights import Rights
from spaces.signaling.rooms import Rooms
from spaces.signaling.services import Services, make_limiters
from spaces.signaling.talks import Talks
from spaces.signaling.whip_sessions import WhipSessions
from spaces.sounds.reading import SoundReader
from spaces.stripe_setup import make_inbox
from spaces.tasks import Background, Stop

log = structlog.get_logger()

HTTP_BACKLOG = 1_024
"""Connections that may wait to be accepted: a storm of joins comes within a second."""
TLS_SECONDS_MAX = 10.0
"""For a TLS handshake, which takes three messages."""
SHUTDOWN_SECONDS_MAX = 3.0
"""For requests under way when the node stops; what matters is that media has said goodbye by then."""


class Node:
    """One process's worth of Spaces. `start` returns when it is ready; several may live in one process."""

    access: Access
    rooms: Rooms
    door: Door
    hooks: HookSender

    def __init__(self, config: Config) -> None:
        self.config = config
        self.metrics = Metrics()
        self.media = Media(config, self.metrics)
        self._state: Literal["ok", "starting", "leaving", "draining"] = "starting"
        self._http_port = config.http_port
        self._started = asyncio.Event()
        self._asked = Stop()
        """It is to end: what must be handed over is, while everything runs."""
        self._stop = Stop()
        self._life: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address of the page, without a trailing slash."""
        if self.config.public_url or self._http_port == self.config.http_port:
            return self.config.url
        return f"{'https' if self.config.tls_cert else 'http'}://127.0.0.1:{self._http_port}"

    @property
    def http_port(self) -> int:
        """The one that is bound, also when the configuration said 0."""
        return self._http_port

    async def start(self) -> None:
        """Raises ConfigError (also for a port that is taken, a database that cannot be used); nothing is left running then."""
        self._life = asyncio.create_task(self._live(), name="node")
        started = asyncio.create_task(self._started.wait(), name="node start")
        await asyncio.wait({self._life, started}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            life, self._life = self._life, None
            await life

    async def wait(self) -> None:
        """Until the node has stopped. Raises what it died of."""
        assert self._life is not None
        await asyncio.shield(self._life)

    async def stop(self) -> None:
        """Says goodbye to everybody and ends every task. Idempotent."""
        self._asked.tell()
        if self._life is not None:
            await self._life

    async def _live(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks, contextlib.AsyncExitStack() as stack:
                await self._work(tasks, stack)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group  # one thing went wrong first; the rest was cancelled

    async def _work(self, tasks: asyncio.TaskGroup, stack: contextlib.AsyncExitStack) -> None:
        """Build from the bottom up; the stack takes it down from the top."""
        config = self.config
        engine = open_database(config)
        stack.push_async_callback(engine.dispose)
        with usable(config):
            await prepare(engine)
        store = SpaceStore(engine, timedelta(minutes=config.reminder_minutes_before_start))
        reminder_deliveries = ReminderDeliveries(engine, utcnow)
        key = await store.server_key("join_token", utcnow())
        stripe_key = await store.server_key("stripe", utcnow())
        self.access = open_access(config, engine, lambda: self.url, key, stripe_key)
        stack.push_async_callback(self.access.desk.close)
        await refuse_mixture(config, self.access)
        if config.api_key:
            await self.access.ensure_key(config.api_key, config.api_secret)
        if not config.redis_url:
            await self.access.leave_all()
        background = Background(tasks)
        stack.push_async_callback(background.finish)
        links = MailLinks(await store.server_key("mail_links", utcnow()), lambda: self.url)
        oidc = make_oidc(config, await store.server_key("oidc", utcnow()))
        with binding("http_port", config.http_port):
            listening = listen(config.host, config.http_port, shared=config.shared_http_port)
        stack.callback(listening.close)
        self._http_port = listening.getsockname()[1]
        nodes, nodes_listening = None, None
        if config.redis_url:
            if config.node_port >= 0:
                with binding("node_port", config.node_port):
                    nodes_listening = listen(config.node_host, config.node_port)
                stack.callback(nodes_listening.close)
            reached_at = listening if nodes_listening is None else nodes_listening
            nodes_key = await store.server_key("nodes", utcnow())
            nodes = Nodes(
                config, self.media, self.metrics, store.owners, nodes_key, reached_at, self._stop, utcnow
            )  # fmt: skip
            stack.push_async_callback(nodes.close)
        services, pulse = self._assemble(store, reminder_deliveries, background, links, oidc, nodes)

        certificate = tls_context(config)
        runner = web.AppRunner(
            make_app(services), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS_MAX,
            keepalive_timeout=config.idle_seconds_max,
        )  # fmt: skip
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        connections = Connections(
            config.sockets_per_address_max + BESIDE_SOCKETS_MAX, connections_max(), services.trusted_proxies
        )
        assert runner.server is not None
        if certificate is None:
            server = await asyncio.get_running_loop().create_server(
                connections.guard(runner.server), sock=listening, backlog=HTTP_BACKLOG
            )
            stack.callback(server.close)
        else:
            listening.setblocking(False)
            accepting = connections.accept_tls(listening, runner.server, certificate, TLS_SECONDS_MAX)
            stack.push_async_callback(ended, tasks.create_task(accepting, name="accept TLS"))
        if nodes_listening is not None:
            for_nodes = await asyncio.get_running_loop().create_server(
                connections.guard(runner.server), sock=nodes_listening
            )  # fmt: skip
            stack.callback(for_nodes.close)
        if nodes is not None:
            nodes.custody.others = connections.befriend
            services.rights.elsewhere = nodes.rights_changed
        with binding("udp_port", config.udp_port):
            await self.media.start()
        stack.push_async_callback(self.media.stop)
        if nodes is not None:
            await nodes.begin()
            nodes.run(tasks, self._asked.tell)
            stack.push_async_callback(nodes.end)
        else:
            with usable(config):
                await self.rooms.recover()

        loops = (
            services.rights.follow_changes(),
            services.rights.expire(),
            pulse.speaking(),
            pulse.counts(),
            pulse.tick(),
            pulse.sweep(),
            pulse.money(),
            services.talks.tell_reactions(),
            services.talks.store_captions(),
            pulse.settings(),
            collect_when_quiet(lambda: self.media.quiet, self._stop, time.monotonic),
            services.newsletters.run(),
            services.reminder_sender.run(),
            services.hooks.run(),
        )
        running = {tasks.create_task(loop) for loop in loops}
        if services.captioner is not None:
            running.add(tasks.create_task(services.captioner.run()))
        if services.inbox is not None:
            reconciler = Reconciler(services.inbox, services.rights.nudge, self.metrics, self._stop, time.monotonic)
            running.add(tasks.create_task(reconciler.run()))
        self._state = "ok"
        self._started.set()
        log.info("ready", url=self.url, http_port=self._http_port, udp_port=self.media.udp_port)
        await self._asked.wait()
        if nodes is not None:
            self._state = "leaving"
            await nodes.leave()
        self._state = "draining"
        self._stop.tell()
        if nodes is not None:
            await nodes.hand_over()
        self._say_goodbye()
        services.rights.nudge()
        services.newsletters.nudge()
        services.reminder_sender.nudge()
        services.hooks.nudge()
        _, stuck = await asyncio.wait(running, timeout=SHUTDOWN_SECONDS_MAX)
        for loop in stuck:
            loop.cancel()

    def _assemble(
        self,
        store: SpaceStore,
        reminder_deliveries: ReminderDeliveries,
        background: Background,
        links: MailLinks,
        oidc: OidcSignIn | None,
        nodes: Nodes | None,
    ) -> tuple[Services, Pulse]:
        config = self.config
        place = Place(secrets.token_hex(8), self.url) if nodes is None else nodes.place
        custody = None if nodes is None else nodes.custody
        self.rooms = Rooms(
            config,
            store,
            self.access,
            LocalDirectory(time.monotonic),
            place,
            self.media,
            background,
            utcnow,
            time.monotonic,
            custody,
        )
        planes = Planes(self.media, config.slots, background, self.metrics)
        limiters = make_limiters(config)
        self.door = Door(self.access, self.rooms, self.metrics, background, self._stop, lambda: self.url, utcnow)
        trusted = networks("trusted_proxies", config.trusted_proxies)
        mail = Mailer(config)
        captioner = make_captioner(config, self._stop, self.metrics)
        kept = timedelta(days=config.talk_kept_days) if config.talk_kept_days else None
        talks = Talks(
            store.talk, self.rooms, self.door, self.media, captioner, self._stop, kept, utcnow, time.monotonic
        )
        self.hooks = HookSender(
            self.access.hooks, networks("webhook_networks", config.webhook_networks), config.webhook_seconds_max,
            self.metrics, self._stop, utcnow, time.monotonic,
        )  # fmt: skip
        services = Services(
            config=config,
            url=lambda: self.url,
            access=self.access,
            media=self.media,
            planes=planes,
            elsewhere=None if nodes is None else nodes.elsewhere(self.rooms, limiters.sockets),
            rooms=self.rooms,
            door=self.door,
            talks=talks,
            captioner=captioner,
            rights=Rights(
                config, self.access, self.rooms, self.door, self._stop, self.access.now, time.monotonic, utcnow
            ),
            sessions=WhipSessions(planes, self.door),
            metrics=self.metrics,
            limiters=limiters,
            guest_links=store.guest_links,
            reports=store.reports,
            stingers=store.stingers,
            sounds=SoundReader(),
            mail=mail,
            inbox=make_inbox(config, self.access, utcnow),
            oidc=oidc,
            links=links,
            newsletters=NewsletterSender(self.access.newsletters, mail, links, self._stop, utcnow),
            reminders=store.reminders,
            reminder_deliveries=reminder_deliveries,
            reminder_sender=ReminderSender(reminder_deliveries, mail, links, self._stop, utcnow),
            painter=Painter(),
            hooks=self.hooks,
            trusted_proxies=trusted,
            metrics_networks=networks("metrics_networks", config.metrics_networks),
            health=lambda: {"audio": self._state == "starting" or self.media.healthy},
            state=lambda: self._state,
            now=utcnow,
            clock=time.monotonic,
        )
        if nodes is not None:
            nodes.connect_rooms(self.rooms, planes, self.door, services.sessions, self.access, talks)
        return services, Pulse(
            self.rooms, self.media, self.access, self.metrics, self._stop, time.monotonic, talks.sweep
        )

    def _say_goodbye(self) -> None:
        for live in self.rooms.alive():
            for entry in list(live.entries.values()):
                if entry.peer is not None:
                    entry.peer.end(Ending("draining"))
                self.door.leave(entry)


def make_captioner(config: Config, stop: Stop, metrics: Metrics) -> Captioner | None:
    """None: none is set up. Raises ConfigError."""
    if not config.captions_engine:
        return None
    engine, model, language = config.captions_engine, config.captions_model, config.captions_language
    return Captioner(engine, model, language, stop, time.monotonic, metrics.captions_left_out.inc)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancelled, and over."""
    task.cancel()
    await asyncio.wait({task})


def networks(setting: str, texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Raises ConfigError."""
    try:
        return read_networks(texts)
    except ValueError as error:
        raise ConfigError(f"{setting}: {error}") from error


@contextlib.contextmanager
def binding(setting: str, port: int) -> Iterator[None]:
    """A port that cannot be had is a setting to change. Raises ConfigError."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{setting} {port}: {port_trouble(error)}; {port_advice(setting, error)}") from error


def port_trouble(error: OSError) -> str:
    """In a few words: Python adds the address that it tried."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def port_advice(setting: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"ports below 1024 are for root: choose another {setting} or put a proxy in front"
    if error.errno == errno.EADDRINUSE:
        variable = ENVIRONMENT_PREFIX + setting.upper()
        return f"another program has it (this server already running?): stop that or set {variable} to another"
    return "is there such an address on this machine?"


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening TCP socket; without a host on every address, IPv6 and IPv4 where there is IPv6. Raises OSError."""
    options: dict[str, Any] = {"backlog": HTTP_BACKLOG, "reuse_port": shared}
    if host:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, **options)
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, **options)
        except OSError as error:
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):  # a kernel with IPv6 switched off
                raise
    return socket.create_server(("", port), **options)


def tls_context(config: Config) -> ssl.SSLContext | None:
    """Raises ConfigError if the certificate and the key cannot be used."""
    if not config.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except ssl.SSLError as error:
        reason = f" ({error.reason.replace('_', ' ').lower()})" if error.reason else ""
        raise ConfigError(f"tls_cert, tls_key: not a certificate chain in PEM and its key{reason}") from error
    except OSError as error:
        raise ConfigError(f"tls_cert, tls_key: {config.tls_cert} or {config.tls_key}: {error.strerror}") from error
    return context
