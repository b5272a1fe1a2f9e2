"""What receiver reports tell of the way to a client."""

from __future__ import annotations

from struct import pack

import pytest

from spaces.errors import RemoteError
from spaces.sfu.link import REPORTERS_MAX, Link
from spaces.sfu.rtcp import ReportBlock, ntp_middle

BLOCK = ReportBlock(1, 64, 10, 1, 4_800, 0, 0)


def test_nothing_is_known_before_the_first_report() -> None:
    link = Link()
    assert (link.loss, link.jitter, link.round_trip) == (None, None, None)


def test_the_first_report_counts_whole_and_later_ones_a_quarter() -> None:
    link = Link()
    link.report(BLOCK, 0.0)
    assert link.loss == 0.25
    assert link.jitter == 0.1
    link.report(BLOCK._replace(fraction_lost=0), 0.0)
    assert link.loss == 0.1875


def test_round_trip_is_kept_when_a_report_has_none() -> None:
    link = Link()
    link.report(BLOCK._replace(last_sender_report=ntp_middle(1_000.0)), 1_000.25)
    assert link.round_trip == pytest.approx(0.25, abs=1e-4)
    link.report(BLOCK, 1_001.0)
    assert link.round_trip == pytest.approx(0.25, abs=1e-4)


def test_reporters_are_bounded_and_only_authenticated_ones_are_kept() -> None:
    link = Link()
    for ssrc in range(1_000):
        assert link.check_reporter_untrusted(pack("!II", 0x80C90001, ssrc)) == ssrc
    for ssrc in range(REPORTERS_MAX):
        link.add_reporter(ssrc)
    link.check_reporter_untrusted(pack("!II", 0x80C90001, 3))
    with pytest.raises(RemoteError, match="rtcp_unknown_ssrc"):
        link.check_reporter_untrusted(pack("!II", 0x80C90001, 999))
