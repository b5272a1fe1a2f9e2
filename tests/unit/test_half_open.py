"""Who makes room among those who are being set up."""

from __future__ import annotations

from spaces.sfu.half_open import HalfOpen


def come(table: HalfOpen, session: str, address: str) -> str | None:
    """Somebody comes, and who made room for him."""
    victim = table.victim()
    if victim is not None:
        table.remove(victim)
    table.add(session, address)
    return victim


def test_the_oldest_makes_room() -> None:
    table = HalfOpen(3)
    assert [come(table, f"s{n}", f"192.0.2.{n}") for n in range(6)] == [None, None, None, "s0", "s1", "s2"]
    assert len(table) == 3


def test_the_address_with_the_most_makes_room_first() -> None:
    table = HalfOpen(5)
    for n in range(4):
        come(table, f"crowd{n}", "198.51.100.1")
    come(table, "ada", "203.0.113.1")
    assert [come(table, f"b{n}", f"192.0.2.{n}") for n in range(4)] == ["crowd0", "crowd1", "crowd2", "ada"]


def test_who_was_heard_stays_while_others_are_silent() -> None:
    table = HalfOpen(4)
    come(table, "ada", "203.0.113.1")
    table.heard("ada")
    table.heard("nobody")
    victims = [come(table, f"s{n}", f"192.0.2.{n}") for n in range(100)]
    assert "ada" not in victims
    for n in range(100):
        table.heard(f"s{n}")
    assert come(table, "late", "192.0.2.200") == "ada", "then the oldest of those who were heard"


def test_a_table_forgets_who_left() -> None:
    table = HalfOpen(10)
    for n in range(10):
        table.add(f"s{n}", f"192.0.2.{n % 3}")
    assert [table.of(f"192.0.2.{n}") for n in range(3)] == [4, 3, 3]
    for n in range(0, 10, 2):
        table.heard(f"s{n}")
    for n in range(10):
        table.remove(f"s{n}")
        table.remove(f"s{n}")
    assert len(table) == 0
    assert table.victim() is None
    assert not any((table._address, table._count, table._silent._of, table._heard._of))
