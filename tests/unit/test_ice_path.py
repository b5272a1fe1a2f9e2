"""Which address a peer is sent to: taken from authenticated checks, kept from replays, forgeries and idle candidates."""

from __future__ import annotations

import secrets

import pytest
from aioice import stun

from spaces.errors import RemoteError
from spaces.sfu.ice_lite import (
    PATH_SILENT_SECONDS,
    TRANSACTION_BYTES,
    TRANSACTIONS_REMEMBERED_MAX,
    Checked,
    IceLite,
    IcePeer,
    Path,
)

PASSWORD = "p" * 24
OURS, OUR_OTHER = b"\0" * 4 + b"\x0a\0\0\x01" + b"\0" * 4, b"\0" * 4 + b"\x0a\0\0\x02" + b"\0" * 4
HOME = Path("192.0.2.1", 5_000, OURS)
REBOUND = Path("192.0.2.1", 5_999, OURS)
MOBILE = Path("198.51.100.7", 40_000, OURS)
WIFI_PRIORITY, MOBILE_PRIORITY = 0x6E7F00FF, 0x6E7E00FF


class Ice:
    """One peer, `ufrag`, of an IceLite, and the checks he sends."""

    def __init__(self) -> None:
        self.lite = IceLite()
        self.peer: IcePeer = self.lite.add("ufrag", PASSWORD, "the peer")
        self.now = 100.0

    def request(
        self, *, nominate: bool = False, priority: int = WIFI_PRIORITY, password: str = PASSWORD, ufrag: str = "ufrag"
    ) -> bytes:
        message = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.REQUEST,
            transaction_id=secrets.token_bytes(12),
            attributes={"USERNAME": f"{ufrag}:theirs", "PRIORITY": priority},
        )
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(password.encode())
        return bytes(message)

    def receive(self, data: bytes, source: Path, holder: object = None) -> Checked:
        return self.lite.receive_untrusted(data, source, self.now, holder)

    def check(self, source: Path, *, nominate: bool = False, priority: int = WIFI_PRIORITY) -> bool:
        return self.receive(self.request(nominate=nominate, priority=priority), source).moved

    def refused(self, data: bytes, source: Path, holder: object = None) -> str:
        before = (self.peer.path, self.peer.path_heard_at, len(self.peer.seen))
        with pytest.raises(RemoteError) as refused:
            self.receive(data, source, holder)
        assert (self.peer.path, self.peer.path_heard_at, len(self.peer.seen)) == before, "a refused check left a trace"
        return refused.value.cause


@pytest.fixture
def ice() -> Ice:
    return Ice()


def test_the_first_check_gives_the_path_before_any_nomination(ice: Ice) -> None:
    assert ice.check(HOME)
    assert ice.peer.path == HOME
    assert not ice.check(HOME), "the path has not moved"


def test_an_unknown_ufrag_is_refused_and_nothing_is_kept(ice: Ice) -> None:
    assert ice.refused(ice.request(ufrag="stranger"), HOME) == "ice_unknown_ufrag"
    assert len(ice.lite) == 1


def test_a_wrong_password_is_refused(ice: Ice) -> None:
    assert ice.refused(ice.request(password="q" * 24), HOME) == "ice_integrity"
    assert ice.peer.path is None


def test_every_bit_of_the_integrity_counts(ice: Ice) -> None:
    good = ice.request()
    at = good.index(b"\x00\x08\x00\x14") + 4
    for i in range(20):
        forged = good[: at + i] + bytes((good[at + i] ^ 1,)) + good[at + i + 1 :]
        assert ice.refused(forged, HOME) == "ice_integrity"


def test_a_nomination_moves_the_path(ice: Ice) -> None:
    ice.check(HOME)
    assert ice.check(MOBILE, nominate=True, priority=MOBILE_PRIORITY)
    assert ice.peer.path == MOBILE


def test_a_plain_check_of_another_candidate_does_not_take_the_path(ice: Ice) -> None:
    ice.check(HOME, nominate=True)
    ice.now += PATH_SILENT_SECONDS - 0.1
    assert not ice.check(MOBILE, priority=MOBILE_PRIORITY)
    assert ice.peer.path == HOME
    assert not ice.check(HOME), "a plain check on the nominated pair changes nothing either"
    assert ice.peer.path == HOME


def test_a_plain_check_on_another_pair_of_the_same_candidate_does_not_take_the_path(ice: Ice) -> None:
    """Firefox goes on checking all our addresses from one socket: PRIORITY tells the candidate, not the pair."""
    ice.check(HOME, nominate=True)
    assert not ice.check(HOME._replace(local=OUR_OTHER))
    assert ice.peer.path == HOME


def test_a_rebound_nat_keeps_the_session_without_a_nomination(ice: Ice) -> None:
    ice.check(HOME, nominate=True)
    assert ice.check(REBOUND)
    assert ice.peer.path == REBOUND


def test_another_candidate_takes_over_a_silent_path(ice: Ice) -> None:
    ice.check(HOME, nominate=True)
    ice.now += PATH_SILENT_SECONDS + 0.1
    assert ice.check(MOBILE, priority=MOBILE_PRIORITY)


def test_checks_on_the_path_keep_it_from_being_silent(ice: Ice) -> None:
    ice.check(HOME, nominate=True)
    for _ in range(5):
        ice.now += 2.5
        ice.check(HOME)
        assert not ice.check(MOBILE, priority=MOBILE_PRIORITY)


@pytest.mark.parametrize("nominate", [False, True])
def test_a_replay_from_another_address_does_not_take_the_path(ice: Ice, nominate: bool) -> None:
    captured = ice.request(nominate=nominate)
    ice.receive(captured, HOME)
    ice.now += 3_600
    assert ice.refused(captured, MOBILE) == "ice_replay"
    assert ice.refused(captured, HOME._replace(local=OUR_OTHER)) == "ice_replay"
    assert not ice.receive(captured, HOME).moved, "from the path itself it is a retransmission and is answered"


def test_a_replay_after_the_path_has_moved_does_not_take_it_back(ice: Ice) -> None:
    captured = ice.request(nominate=True)
    ice.receive(captured, HOME)
    ice.check(MOBILE, nominate=True)
    assert ice.refused(captured, HOME) == "ice_replay"


def test_checks_from_unused_pairs_are_remembered_too(ice: Ice) -> None:
    ice.check(HOME, nominate=True)
    idle = ice.request(priority=MOBILE_PRIORITY)
    ice.receive(idle, MOBILE)
    ice.now += PATH_SILENT_SECONDS + 1
    assert ice.refused(idle, Path("203.0.113.66", 6, OURS)) == "ice_replay"


def test_an_address_of_a_live_peer_is_not_given_to_another(ice: Ice) -> None:
    """Whoever knows a valid check of his own may forge its source: that must not divert what the other peer sends."""
    assert ice.refused(ice.request(nominate=True), HOME, holder="somebody else") == "ice_address_taken"
    assert ice.receive(ice.request(), HOME, holder="the peer").moved, "his own is his"


def test_the_answer_goes_back_signed_with_the_source_in_it(ice: Ice) -> None:
    request = ice.request()
    answer = stun.parse_message(ice.receive(request, HOME).response)
    assert answer.check_message_integrity(PASSWORD.encode())
    assert answer.message_class is stun.Class.RESPONSE
    assert answer.transaction_id == stun.parse_message(request).transaction_id
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.1", 5_000)


def test_memory_of_transactions_is_bounded_and_forgets_the_oldest(ice: Ice) -> None:
    numbers = [number.to_bytes(TRANSACTION_BYTES, "big") for number in range(TRANSACTIONS_REMEMBERED_MAX + 10)]
    for number in numbers:
        ice.peer.remember(number)
    assert len(ice.peer.seen) == TRANSACTIONS_REMEMBERED_MAX * TRANSACTION_BYTES
    assert not ice.peer.has_seen(numbers[9])
    assert ice.peer.has_seen(numbers[10])
    assert ice.peer.has_seen(numbers[-1])
    assert not ice.peer.has_seen(numbers[20][4:] + numbers[21][:4]), "the end of one and the beginning of the next"


def test_one_check_repeated_from_the_path_does_not_make_the_others_forgotten(ice: Ice) -> None:
    """Whoever has captured two may send one again and again from a forged source, and take the path with the other."""
    captured, repeated = ice.request(nominate=True), ice.request()
    ice.receive(captured, HOME)
    for _ in range(TRANSACTIONS_REMEMBERED_MAX + 1):
        ice.receive(repeated, HOME)
    assert ice.refused(captured, MOBILE) == "ice_replay"


def test_a_removed_peer_is_unknown_and_a_ufrag_is_given_once(ice: Ice) -> None:
    with pytest.raises(KeyError):
        ice.lite.add("ufrag", "other", "other")
    ice.lite.remove("ufrag")
    ice.lite.remove("ufrag")
    assert len(ice.lite) == 0
    with pytest.raises(RemoteError, match="ice_unknown_ufrag"):
        ice.receive(ice.request(), HOME)
