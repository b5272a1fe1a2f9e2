"""The lines of the house: which room may import which, and which modules know neither sockets nor clocks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SHARED = {"spaces.config", "spaces.errors", "spaces.metrics"}
"""What every room of `spaces` may use."""

ROOMS: dict[str, set[str]] = {
    "access": set(),
    "spaces.sfu": {"spaces.mixing", "spaces.native", "spaces.redis_client", "spaces.redis_publisher", *SHARED},
    "spaces.mixing": {"spaces.sfu", "spaces.native", *SHARED},
    "spaces.signaling": {
        "access", "spaces.captioning", "spaces.db", "spaces.directory", "spaces.hooks", "spaces.ics", "spaces.language_tag",
        "spaces.logs", "spaces.mail", "spaces.pace", "spaces.talk",
        "spaces.mixing", "spaces.newsletters", "spaces.oidc", "spaces.reminders", "spaces.schedule",
        "spaces.search_words", "spaces.sfu", "spaces.share_card", "spaces.time_zones", "spaces.room", "spaces.room_commands",
        "spaces.room_events", "spaces.room_kept", "spaces.room_permit", "spaces.room_record", "spaces.room_rules",
        "spaces.sounds", "spaces.tasks",
        "spaces.tenure", "spaces.web", *SHARED,
    },
    "spaces.db": {
        "access", "spaces.room", "spaces.room_record", "spaces.room_rules", "spaces.search_words", "spaces.talk", *SHARED,
    },
    "spaces.talk": {"spaces.pace", *SHARED},
    "spaces.pace": set(),
    "spaces.directory": set(),
    "spaces.tenure": {"spaces.directory"},
    "spaces.redis_client": set(),
    "spaces.redis_publisher": {"spaces.redis_client"},
    "spaces.redis_directory": {"spaces.directory", "spaces.redis_client"},
    "spaces.captioning": {"spaces.mixing", "spaces.tasks", *SHARED},
    "spaces.room": {
        "spaces.room_absence", "spaces.room_change", "spaces.room_commands", "spaces.room_entrance", "spaces.room_events",
        "spaces.room_hands", "spaces.room_kept", "spaces.room_permit", "spaces.room_pins", "spaces.room_record",
        "spaces.room_rules", "spaces.room_seats", *SHARED,
    },
    "spaces.room_pins": {
        "spaces.room_commands", "spaces.room_permit", "spaces.room_record", "spaces.room_rules", *SHARED,
    },
    "spaces.room_absence": SHARED,
    "spaces.room_kept": {"spaces.room_commands", *SHARED},
    "spaces.room_entrance": {
        "spaces.room_change", "spaces.room_commands", "spaces.room_permit", "spaces.room_record", "spaces.room_rules",
        "spaces.room_seats", *SHARED,
    },
    "spaces.room_hands": {"spaces.room_record", "spaces.room_rules", *SHARED},
    "spaces.room_change": {
        "spaces.room_commands", "spaces.room_permit", "spaces.room_pins", "spaces.room_record", "spaces.room_rules", *SHARED,
    },
    "spaces.room_seats": {"spaces.room_commands", "spaces.room_kept", "spaces.room_rules", *SHARED},
    "spaces.room_permit": {"spaces.room_record", "spaces.room_rules", *SHARED},
    "spaces.room_events": {"spaces.room_rules", *SHARED},
    "spaces.room_commands": {"spaces.room_record", "spaces.room_rules", *SHARED},
    "spaces.room_record": {"spaces.room_rules", *SHARED},
    "spaces.room_rules": SHARED,
    "spaces.mail": SHARED,
    "spaces.oidc": {"access", *SHARED},
    "spaces.courier": {"spaces.mail", "spaces.tasks", *SHARED},
    "spaces.newsletters": {"access", "spaces.courier", "spaces.mail", "spaces.tasks", *SHARED},
    "spaces.reminders": {
        "access", "spaces.courier", "spaces.db", "spaces.ics", "spaces.mail", "spaces.newsletters", "spaces.schedule",
        "spaces.tasks", "spaces.time_zones", *SHARED,
    },
    "spaces.schedule": SHARED,
    "spaces.time_zones": set(),
    "spaces.language_tag": set(),
    "spaces.search_words": set(),
    "spaces.ics": set(),
    "spaces.share_card": SHARED,
    "spaces.hooks": {"access", "spaces.tasks", *SHARED},
    "spaces.sounds": SHARED,
    "spaces.config": set(),
    "spaces.errors": set(),
    "spaces.native": set(),
}  # fmt: skip
"""Room → other rooms that it may import. A room may always import itself."""

SANS_IO = [
    "access/decide.py",
    "spaces/schedule.py",
    "spaces/language_tag.py",
    "spaces/search_words.py",
    "spaces/ics.py",
    *(f"spaces/{p.name}" for p in ROOT.glob("spaces/room*.py")),
    *(
        f"spaces/sfu/{name}.py"
        for name in (
            "demux", "stun", "ice_lite", "rtp", "rtcp", "reception", "speakers", "forward", "stage", "link", "srtp",
            "gcm", "vectors", "uplink", "claims", "session", "half_open", "relay_packet",
        )
    ),
    *(f"spaces/mixing/{p.name}" for p in ROOT.glob("spaces/mixing/*.py") if p.stem not in ("tick", "warmup")),
    "spaces/signaling/sdp.py",
    *(f"spaces/talk/{p.name}" for p in ROOT.glob("spaces/talk/*.py")),
    "spaces/pace.py",
    "spaces/directory.py",
    "spaces/tenure.py",
    "spaces/signaling/link_messages.py",
    *(f"spaces/captioning/{name}.py" for name in ("wire", "voices", "recognizer")),
    *(
        f"spaces/signaling/{name}.py"
        for name in (
            "messages", "messages_common", "messages_talk", "answers", "answers_talk", "parameters", "patterns",
        )
    ),
]  # fmt: skip
BANNED = {
    "asyncio", "socket", "socketserver", "ssl", "select", "selectors", "threading", "time", "redis", "sqlalchemy",
    "aiohttp", "aiortc", "uvloop", "requests", "urllib", "http", "subprocess",
}  # fmt: skip


@cache
def imports(path: Path) -> list[str]:
    """Full names of what a file imports; what is only for type checking counts, for it is knowledge too."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    package = ".".join(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                base = package if node.level else ""
                for _ in range(node.level - 1):
                    base = base.rpartition(".")[0]
                module = ".".join(filter(None, (base, node.module)))
                yield from (f"{module}.{alias.name}" for alias in node.names)


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def files_of(room: str) -> list[Path]:
    path = ROOT.joinpath(*room.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    files = files_of(room)
    assert files
    for path in files:
        for name in imports(path):
            if not (within(name, "spaces") or within(name, "access")) or within(name, room):
                continue
            assert any(within(name, other) for other in ROOMS[room]), f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("path", SANS_IO)
def test_the_core_knows_neither_sockets_nor_clocks(path: str) -> None:
    for name in imports(ROOT / path):
        assert name.partition(".")[0] not in BANNED, f"{path} imports {name}"


@pytest.mark.parametrize("path", SANS_IO)
def test_the_core_does_not_lean_on_parts_that_do(path: str) -> None:
    """A module without a socket of its own may not borrow one: what it imports of ours is as pure, or is named here."""
    adapters = {
        # their datagrams leave through the compiled loop
        "spaces/mixing/engine.py": {"spaces.sfu.fanout"},
        "spaces/mixing/frame.py": {"spaces.sfu.fanout"},
    }
    for name in imports(ROOT / path):
        if not within(name, "spaces"):
            continue
        module = _module_file(name)
        if module is None or str(module) in SANS_IO:
            continue
        dotted = ".".join(module.with_suffix("").parts)
        allowed = {"spaces.config", "spaces.errors", "spaces.native"} | adapters.get(path, set())
        assert dotted in allowed, f"{path} leans on {dotted}"


def _module_file(name: str) -> Path | None:
    """The file of ours that holds an imported name, relative to the root."""
    parts = name.split(".")
    for count in (len(parts), len(parts) - 1):
        path = Path(*parts[:count]).with_suffix(".py")
        if (ROOT / path).is_file():
            return path
    return None


def test_aiortc_is_met_in_clients_only() -> None:
    """The demo's, and the doctor's of TURN servers: somebody else's side of the wire."""
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "spaces").rglob("*.py")
        if any(within(name, "aiortc") or within(name, "aioice") for name in imports(path))
    }
    assert {path for path in users if not path.startswith("spaces/demo/")} == {"spaces/turn_check.py"}


def test_nothing_of_ours_imports_tests_or_benchmarks() -> None:
    for folder in ("spaces", "access"):
        for path in (ROOT / folder).rglob("*.py"):
            for name in imports(path):
                assert name.partition(".")[0] not in ("tests", "benchmarks"), f"{path.relative_to(ROOT)}: {name}"
