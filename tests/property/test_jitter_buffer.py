"""Whatever a network does to a stream: it is played in order, each packet once, with a bounded delay, and never loudly."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces.mixing.opus import FRAME
from tests.harness.playout import TICK, Playout
from tests.harness.sound import encode, sine

TONE = encode(sine(440, 1.0), fec_percent=20, bitrate=32_000)

NETWORK = st.lists(
    st.tuples(
        st.floats(0, 0.3, allow_subnormal=False),  # seconds on the way: reordering comes from the spread
        st.sampled_from(["", "", "", "", "", "", "lost", "twice"]),
    ),
    min_size=1,
    max_size=120,
)


@settings(max_examples=20, deadline=None)
@given(
    NETWORK, st.sampled_from([0.0, 0.02, 0.1]), st.sampled_from([0.1, 0.2]), st.sampled_from([0, 7, 65_500, 1 << 33])
)
def test_order_and_delay_are_kept(
    network: list[tuple[float, str]], delay_min: float, delay_max: float, first: int
) -> None:
    playout = Playout(delay_min=delay_min, delay_max=delay_max)
    arrivals = []
    for n, (delay, fate) in enumerate(network):
        if fate != "lost":
            arrivals += [(playout.now + n * TICK + delay, n)] * (2 if fate == "twice" else 1)
    arrivals.sort()
    for _ in range(len(network) + 40):
        while arrivals and arrivals[0][0] <= playout.now + TICK:
            at, n = arrivals.pop(0)
            playout.insert(first + n, TONE[n % len(TONE)], at=at, timestamp=first * 960 + n * FRAME)
        playout.tick()
        playout.check()
    assert playout.count("held") == 0, "what came was played or is known to be late"
    # Older than the longest delay is left out; on top come a hole's concealment and the frame in hand.
    assert all(waited <= delay_max + 10 * TICK + 2 * TICK for waited in playout.waited)
    assert np.isfinite(playout.sound).all()
    assert np.abs(playout.sound).max() < 1.5


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1 << 34), st.integers(0, 0xFFFFFFFF), st.integers(0, 5)), max_size=150))
def test_packets_with_any_numbers_at_all(packets: list[tuple[int, int, int]]) -> None:
    playout = Playout()
    for sequence, timestamp, ticks in packets:
        playout.insert(sequence, TONE[sequence % len(TONE)], timestamp=timestamp)
        playout.tick(ticks)
    playout.tick(100)
    playout.check()
    assert playout.count("held") == 0
    assert playout.out[-1] is None, "it ends"
