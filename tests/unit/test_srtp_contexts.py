"""libsrtp contexts made of an association's keys: what they accept, refuse, and never send twice."""

from __future__ import annotations

import secrets
from struct import pack

import pytest
from pylibsrtp import Error, Policy

from spaces.errors import RemoteError
from spaces.sfu.rtcp import receiver_report
from spaces.sfu.srtp import REPLAY_WINDOW_PACKETS, Keys, unprotect_rtcp_untrusted, unprotect_untrusted

PROFILES = {
    Policy.SRTP_PROFILE_AEAD_AES_128_GCM: 28,
    Policy.SRTP_PROFILE_AEAD_AES_256_GCM: 44,
    Policy.SRTP_PROFILE_AES128_CM_SHA1_80: 30,
}


def pair(profile: int = Policy.SRTP_PROFILE_AEAD_AES_128_GCM) -> tuple[Keys, Keys]:
    a, b = (secrets.token_bytes(PROFILES[profile]) for _ in range(2))
    return Keys(profile, send=a, receive=b), Keys(profile, send=b, receive=a)


def rtp(sequence: int, ssrc: int = 1) -> bytes:
    return pack("!BBHII", 0x80, 111, sequence & 0xFFFF, 0, ssrc) + b"opus"


@pytest.mark.parametrize("profile", PROFILES)
def test_one_sides_sending_is_the_others_receiving(profile: int) -> None:
    ours, theirs = pair(profile)
    assert unprotect_untrusted(theirs.receiving(), ours.sending().protect(rtp(5))) == rtp(5)
    report = receiver_report(1, ())
    assert unprotect_rtcp_untrusted(theirs.receiving(), ours.sending().protect_rtcp(report)) == report
    with pytest.raises(RemoteError, match="srtp_rejected"):
        unprotect_untrusted(ours.receiving(), ours.sending().protect(rtp(6)))


def test_an_index_is_never_sent_twice() -> None:
    context = pair()[0].sending()
    context.protect(rtp(5))
    with pytest.raises(Error):
        context.protect(rtp(5))
    context.protect(rtp(5, ssrc=2))


def test_replays_are_refused_within_and_before_the_window() -> None:
    ours, theirs = pair()
    out, receiving = ours.sending(), theirs.receiving()
    packets = [out.protect(rtp(n)) for n in range(REPLAY_WINDOW_PACKETS + 100)]
    for packet in (packets[0], packets[50], packets[-1]):
        unprotect_untrusted(receiving, packet)
    for packet in (packets[0], packets[1], packets[-1]):
        with pytest.raises(RemoteError, match="srtp_rejected"):
            unprotect_untrusted(receiving, packet)
    assert unprotect_untrusted(receiving, packets[-400]) == rtp(REPLAY_WINDOW_PACKETS + 100 - 400), "late, but new"


def test_the_sequence_wraps_and_the_rollover_is_followed() -> None:
    ours, theirs = pair()
    out, receiving = ours.sending(), theirs.receiving()
    for n in range(65_500, 65_600):
        assert unprotect_untrusted(receiving, out.protect(rtp(n))) == rtp(n)


def test_whoever_misses_everything_up_to_a_wrap_is_deaf_which_is_why_streams_begin_low() -> None:
    ours, theirs = pair()
    out = ours.sending()
    packets = [out.protect(rtp(n)) for n in range(65_500, 65_700)]
    with pytest.raises(RemoteError):
        unprotect_untrusted(theirs.receiving(), packets[-1])
    low = pair()
    packets = [low[0].sending().protect(rtp(n)) for n in ((1 << 14) - 1,)]
    out = low[0].sending()
    for n in range((1 << 14) - 1, (1 << 14) + 3_000):
        last = out.protect(rtp(n))
    assert unprotect_untrusted(low[1].receiving(), last) == rtp((1 << 14) + 2_999)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 20, 100, 1_500, 1_501, 2_048, 65_000])
def test_any_length_of_noise_is_refused(length: int) -> None:
    _, theirs = pair()
    noise = (b"\x80\x6f" + secrets.token_bytes(length))[:length]
    with pytest.raises(RemoteError, match="srtp_rejected"):
        unprotect_untrusted(theirs.receiving(), noise)
    with pytest.raises(RemoteError, match="srtcp_rejected"):
        unprotect_rtcp_untrusted(theirs.receiving(), noise)


def test_keys_are_not_in_their_text() -> None:
    keys, _ = pair()
    assert keys.send.hex() not in repr(keys)
    assert repr(keys.send) not in repr(keys)
    assert str(keys) == "Keys(…)"
