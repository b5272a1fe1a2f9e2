"""What a request may need, put together once by the node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from access.service import Access
from access.stripe_inbox import StripeInbox
from spaces.captioning.captioner import Captioner
from spaces.config import Config
from spaces.db.guest_links import GuestLinks
from spaces.db.reminder_deliveries import ReminderDeliveries
from spaces.db.reminders import Reminders
from spaces.db.reports import Reports
from spaces.db.stingers import Stingers
from spaces.hooks.sender import HookSender
from spaces.mail import Mailer
from spaces.metrics import Metrics
from spaces.newsletters.links import MailLinks
from spaces.newsletters.sender import NewsletterSender
from spaces.oidc.setup import OidcSignIn
from spaces.reminders.sender import ReminderSender
from spaces.sfu.session import MediaPlane
from spaces.share_card.painter import Painter
from spaces.signaling.client_address import Network
from spaces.signaling.door import Door
from spaces.signaling.elsewhere import Elsewhere
from spaces.signaling.limits import Budget, Concurrency
from spaces.signaling.remote_media import Planes
from spaces.signaling.rights import Rights
from spaces.signaling.rooms import Rooms
from spaces.signaling.talks import Talks
from spaces.signaling.whip_sessions import WhipSessions
from spaces.sounds.reading import SoundReader

EXPORTS_PER_MINUTE_MAX = 6
"""An export reads every table."""
WEBHOOKS_PER_MINUTE_MAX = 6_000
"""Of one address: Stripe sends from a few, all at once on the day that most subscriptions are renewed."""


@dataclass(frozen=True, slots=True)
class Limiters:
    offers: Budget
    requests: Budget
    webhooks: Budget
    sockets: Concurrency
    sign_ins: Budget
    exports: Budget
    uploads: Concurrency


@dataclass(frozen=True, slots=True)
class Services:
    config: Config
    url: Callable[[], str]
    """The page's address without a trailing slash; known only once the port is."""
    access: Access
    media: MediaPlane
    planes: Planes
    elsewhere: Elsewhere | None
    """None: there is no other node."""
    rooms: Rooms
    door: Door
    talks: Talks
    captioner: Captioner | None
    """None: the server writes no captions itself."""
    rights: Rights
    sessions: WhipSessions
    metrics: Metrics
    limiters: Limiters
    guest_links: GuestLinks
    reports: Reports
    stingers: Stingers
    sounds: SoundReader
    mail: Mailer
    inbox: StripeInbox | None
    """None: Stripe is not set up here."""
    oidc: OidcSignIn | None
    """None: people sign in by mail only."""
    links: MailLinks
    newsletters: NewsletterSender
    reminders: Reminders
    reminder_deliveries: ReminderDeliveries
    reminder_sender: ReminderSender
    painter: Painter
    hooks: HookSender
    trusted_proxies: tuple[Network, ...]
    metrics_networks: tuple[Network, ...]
    """Which may read the metrics without a token."""
    health: Callable[[], dict[str, bool]]
    """Each part of the node and whether it works."""
    state: Callable[[], Literal["ok", "starting", "leaving", "draining"]]
    """leaving: nobody new is to be sent here, and whoever comes all the same is served."""
    now: Callable[[], datetime]
    clock: Callable[[], float]


def make_limiters(config: Config) -> Limiters:
    return Limiters(
        Budget("offers", config.offers_per_minute_max),
        Budget("requests", config.requests_per_minute_max),
        Budget("webhooks", WEBHOOKS_PER_MINUTE_MAX),
        Concurrency("sockets", config.sockets_per_address_max),
        Budget("sign_ins", config.sign_ins_per_minute_max),
        Budget("exports", EXPORTS_PER_MINUTE_MAX),
        Concurrency("uploads", 1),  # by account
    )
