"""What sessions that are over must not leave in a media plane: one list of every table that grows with them."""

from __future__ import annotations

from typing import Any

from spaces.sfu.media import Media


def left_behind(media: Media) -> dict[str, Any]:
    """Everything that a session may have left, and what of it is not empty."""
    engine = media._engine
    engine.apply()
    tables = {
        "peers": media._peers,
        "addresses": media._incoming.addresses,
        "speakers": media._incoming._speakers,
        "ice": media._incoming._ice._peers,
        "confirms": media._confirms,
        "handshakes": media._handshakes,
        "half open": media._half_open._address,
        "half open by address": media._half_open._count,
        "half open and silent": media._half_open._silent._of,
        "half open and heard": media._half_open._heard._of,
        "fan-out rows": media._fanout._keys,
        "owners": engine._owners,
        "relayed Spaces": media._relayed_spaces,
        "Spaces given out": engine._relays,
    }
    for name, space in media._spaces.items():
        tables |= {f"{name} peers": space.peers, f"{name} receivers": space.stage.receivers}
        tables[f"{name} speakers"] = space.stage._loudest._speakers
    for name, sound in engine._spaces.items():
        tables |= {f"{name} sources": sound.sources, f"{name} programs": sound.programs}
        tables[f"{name} listeners"] = sound.listeners
    left: dict[str, Any] = {name: table for name, table in tables.items() if table}
    for name, pool in (("speaker rows", engine._speakers), ("program rows", engine._programs)):
        if len(pool._free) != len(pool.rows.state):
            left[name] = len(pool.rows.state) - len(pool._free)
    if len(media._fanout._free) != len(media._fanout.rows.context):
        left["fan-out free list"] = media._fanout._free
    return left
