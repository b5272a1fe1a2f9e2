"""Everything a node counts, in a registry of its own, so that several nodes can live in one process (tests do)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import nlargest

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

TICK_LATENESS_BUCKETS = (
    *(0.0002, 0.0004, 0.0006, 0.0008, 0.001, 0.0012, 0.0014, 0.0016, 0.0018, 0.002, 0.0025, 0.003, 0.004, 0.005),
    *(0.006, 0.008, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.5),
)  # fmt: skip
"""Seconds; 2 ms is the goal, so it is looked at closely below that; a frame is 20 ms."""

LOSS_BUCKETS = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Fractions; FEC and concealment hide 10 %, nothing hides 30 %."""

ROUND_TRIP_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
"""Seconds; above 0.3 s a conversation is hard."""

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds from a request's first byte to its answer."""


SPACES_TOLD_MAX = 50
"""Spaces that have a line of their own: the others would be too many for whoever keeps all this."""


class Metrics:
    """The node's counters. Media code touches `drops`, `packets`, `speech`, ticks, `loss` and `round_trip`."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.spaces = Gauge("spaces_open", "Spaces open on this node, by state", ["state"], registry=registry)
        self.seats = Gauge("spaces_seats", "Seats taken on this node, by role", ["role"], registry=registry)
        self.joins = Counter(
            "spaces_joins", "Attempts to join, by way (whip, whep, socket, token) and outcome", ["way", "outcome"],
            registry=registry,
        )  # fmt: skip
        self.hooks = Counter(
            "spaces_integrator_webhooks", "Webhooks to integrators: attempts, by outcome (delivered, timeout, status, …)",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self.hooks_held = Gauge(
            "spaces_integrator_webhooks_held", "Webhooks that wait for their endpoint, and those given up", ["state"],
            registry=registry,
        )  # fmt: skip
        self.evictions = Counter(
            "spaces_evictions", "Seats ended by the server, by reason", ["reason"], registry=registry
        )
        self.packets = Counter("spaces_packets", "Datagrams, by direction (in, out)", ["direction"], registry=registry)
        self.drops = Counter(
            "spaces_drops", "Datagrams and messages dropped, by cause", ["cause"], registry=registry
        )  # fmt: skip
        self.speech = Counter(
            "spaces_speaker_packets",
            "Speakers' packets for the mix, by fate: played; lost, and of those recovered; late, duplicate, overflow, "
            "malformed; underruns are times that a buffer ran empty",
            ["fate"], registry=registry,
        )  # fmt: skip
        self.ticks_skipped = Counter(
            "spaces_ticks_skipped", "Audio ticks left out because the process stood still", registry=registry
        )
        self.tick_lateness = Histogram(
            "spaces_tick_lateness_seconds", "When a tick's last datagram had left, after it was due",
            buckets=TICK_LATENESS_BUCKETS, registry=registry,
        )  # fmt: skip
        self.tick_begin_lateness = Histogram(
            "spaces_tick_begin_lateness_seconds", "When a tick with a frame began, after it was due",
            buckets=TICK_LATENESS_BUCKETS, registry=registry,
        )  # fmt: skip
        self.loss = Histogram(
            "spaces_loss_fraction", "Loss that participants report or we see, per report",
            buckets=LOSS_BUCKETS, registry=registry,
        )  # fmt: skip
        self.round_trip = Histogram(
            "spaces_round_trip_seconds", "Round trip to participants, per receiver report",
            buckets=ROUND_TRIP_BUCKETS, registry=registry,
        )  # fmt: skip
        self.requests = Histogram(
            "spaces_request_seconds", "HTTP requests, by route and status", ["method", "route", "status"],
            buckets=REQUEST_BUCKETS, registry=registry,
        )  # fmt: skip
        self.webhooks = Counter(
            "spaces_webhooks", "Events of the payment provider, by outcome: received, missed (found later), or why refused",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self.webhook_backlog = Gauge(
            "spaces_webhook_backlog", "Events that wait to be applied (received) or were given up (dead)", ["state"],
            registry=registry,
        )  # fmt: skip
        self.payment_tasks = Gauge(
            "spaces_payment_tasks", "What the payment provider is still to be told (waiting), or has refused (refused)",
            ["state"], registry=registry,
        )  # fmt: skip
        self.crowded_out = Counter(
            "spaces_handshakes_crowded_out", "Media sessions that made room for newer ones while being set up",
            registry=registry,
        )  # fmt: skip
        self.captions_left_out = Counter(
            "spaces_captions_packets_left_out", "Packets of speakers that the captioning engine was too slow for",
            registry=registry,
        )  # fmt: skip
        self.relayed = Counter(
            "spaces_relayed_packets", "Packets of mixes between nodes, by direction (in, out)", ["direction"],
            registry=registry,
        )  # fmt: skip
        self.listeners = Gauge(
            "spaces_space_listeners",
            f"Listeners, on all nodes together, of the {SPACES_TOLD_MAX} Spaces of this node that have the most", ["space"],
            registry=registry,
        )  # fmt: skip
        self.nodes = Gauge("spaces_nodes", "Nodes that live, as this one sees it; 0: it is alone", registry=registry)
        self.node = Gauge("spaces_node_info", "This node's name", ["name"], registry=registry)
        self.owned = Gauge("spaces_owned", "Spaces that this node has, of several nodes", registry=registry)
        self.edge_sessions = Gauge(
            "spaces_edge_sessions", "Media sessions here of Spaces that other nodes have", registry=registry
        )  # fmt: skip
        self.moves = Counter(
            "spaces_moves",
            "Spaces that changed nodes: given or received at a planned move, not_given or not_received if that failed, lost",
            ["how"], registry=registry,
        )  # fmt: skip
        self.relayed_in, self.relayed_out = (self.relayed.labels(direction) for direction in ("in", "out"))
        self.sockets = Gauge("spaces_sockets", "Open WebSockets", registry=registry)
        self.packets_in, self.packets_out = (self.packets.labels(direction) for direction in ("in", "out"))
        self.refresh: Callable[[], None] = lambda: None
        """Brings up to date what is counted elsewhere and followed: called before everything is told."""
        self._followed: dict[Counter, int] = {}

    def ticked(self, began_late: float, ended_late: float) -> None:
        """A tick with a frame began, and its last datagram left, so many seconds after the tick was due."""
        self.tick_begin_lateness.observe(began_late)
        self.tick_lateness.observe(ended_late)

    def tell_audiences(self, listeners: Mapping[str, int]) -> None:
        """Of all live Spaces here."""
        self.listeners.clear()
        for space, count in nlargest(SPACES_TOLD_MAX, listeners.items(), key=lambda one: one[1]):
            self.listeners.labels(space=space).set(count)

    def follow(self, counter: Counter, total: int) -> None:
        """Let a counter stand at a total that is kept elsewhere."""
        before = self._followed.get(counter, 0)
        if total > before:
            counter.inc(total - before)
            self._followed[counter] = total

    def exposition(self) -> bytes:
        """The text format that Prometheus scrapes."""
        self.refresh()
        return generate_latest(self.registry)
