"""Whose packets go to whom on a stage."""

from __future__ import annotations

from dataclasses import dataclass, field

from spaces.sfu.stage import Stage


@dataclass(eq=False)
class Person:
    """On stage: heard, and hearing."""

    owner: str
    downlink_loss: float = 0.0
    got: list[tuple[int, int, bytes]] = field(default_factory=list)

    def forward(
        self, slot: int, tenure: int, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> None:
        self.got.append((slot, tenure, payload))


def send(stage: Stage, person: Person, payload: bytes = b"opus", dbfs: float = -20.0, now: float = 1.0) -> None:
    stage.packet(person, dbfs, 0.02, 1, 960, False, payload, now)


def stage_of(*people: Person, slots: int = 4) -> Stage:
    stage = Stage(slots)
    stage.receivers += people
    return stage


def test_everyone_hears_the_others_and_nobody_himself() -> None:
    a, b, c = Person("a"), Person("b"), Person("c")
    stage = stage_of(a, b, c)
    send(stage, a, b"from a")
    send(stage, b, b"from b")
    assert [p for _, _, p in a.got] == [b"from b"]
    assert [p for _, _, p in b.got] == [b"from a"]
    assert [p for _, _, p in c.got] == [b"from a", b"from b"]
    assert len({slot for slot, _, _ in c.got}) == 2


def test_two_sessions_of_one_owner_do_not_hear_each_other() -> None:
    phone, laptop = Person("a"), Person("a")
    stage = stage_of(phone, laptop)
    send(stage, phone)
    assert laptop.got == []


def test_who_holds_no_slot_is_not_forwarded() -> None:
    a, b, listener = Person("a"), Person("b"), Person("c")
    stage = stage_of(listener, slots=1)
    send(stage, a)
    send(stage, b, b"softer", dbfs=-30.0)
    assert [p for _, _, p in listener.got] == [b"opus"]


def test_who_is_silenced_gives_his_slot_away_and_gets_a_new_tenure_later() -> None:
    a, b, listener = Person("a"), Person("b"), Person("c")
    stage = stage_of(listener, slots=1)
    send(stage, a)
    stage.silence(a)
    send(stage, b)
    stage.silence(b)
    stage.silence(b)
    send(stage, a)
    tenures = [tenure for _, tenure, _ in listener.got]
    assert len(set(tenures)) == 3
    stage.silence(a)
    assert stage.levels(1.0) == {}


def test_the_worst_link_that_a_speakers_packets_cross() -> None:
    a, b, c = Person("a", 0.9), Person("b", 0.1), Person("c", 0.3)
    stage = stage_of(a, b, c)
    assert stage.worst_downlink_loss(a) == 0.0, "he holds no slot"
    send(stage, a)
    assert stage.worst_downlink_loss(a) == 0.3, "his own is not in it"
    b.downlink_loss = 1.0
    assert stage.worst_downlink_loss(a) == 0.3, (
        "who hears next to nothing is not helped by a sender's FEC, which costs all others"
    )
    stage.receivers.clear()
    assert stage.worst_downlink_loss(a) == 0.0


def test_levels_by_owner_are_the_louder_of_his_sessions() -> None:
    phone, laptop, other = Person("a"), Person("a"), Person("b")
    stage = stage_of()
    for person, dbfs in ((phone, -40.0), (laptop, -20.0), (other, -90.0)):
        send(stage, person, dbfs=dbfs)
    assert stage.levels(1.1) == {"a": -20.0}
    assert stage.levels(2.0) == {}
