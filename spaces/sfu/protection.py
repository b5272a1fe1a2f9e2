"""For what loss the audience's in-band FEC is made: it costs all of them quality."""

from __future__ import annotations

import math

from spaces.sfu.link import BEYOND_HELP
from spaces.sfu.peer import SpaceMedia

EXPECTED_LOSS_STEPS = (0, 5, 10, 20)
"""Percent. libopus spends bits on FEC in steps too."""


def loss_to_expect(space: SpaceMedia) -> int:
    """In percent, in steps: what nine in ten of those without RED do not exceed."""
    reported = (peer.mix_loss_without_redundancy for peer in space.peers.values())
    losses = sorted(loss for loss in reported if loss is not None and loss <= BEYOND_HELP)
    worst = 100 * losses[math.ceil(0.9 * len(losses)) - 1] if losses else 0.0
    return next(step for step in EXPECTED_LOSS_STEPS if worst <= 1.5 * step + 1.0 or step == EXPECTED_LOSS_STEPS[-1])
