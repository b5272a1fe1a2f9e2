"""When a Space begins, by the clock of a place: across the days on which clocks are put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.errors import RequestError
from spaces.language_tag import canonical
from spaces.schedule import one_moment, read_local, read_start
from spaces.search_words import read_topics, topic_key, words_in
from spaces.time_zones import names, zone

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AHEAD = timedelta(days=30)


def moment(text: str, place: str) -> datetime:
    found = zone(place)
    assert found is not None
    return one_moment(datetime.fromisoformat(text), found, place)


@pytest.mark.parametrize(
    ("local", "place", "utc"),
    [
        ("2026-03-29T01:59", "Europe/Paris", "2026-03-29T00:59Z"),
        ("2026-03-29T03:00", "Europe/Paris", "2026-03-29T01:00Z"),
        ("2026-10-25T03:00", "Europe/Paris", "2026-10-25T02:00Z"),
        ("2026-07-01T20:00", "America/New_York", "2026-07-02T00:00Z"),
        ("2026-04-05T03:30", "Australia/Lord_Howe", "2026-04-04T17:00Z"),  # clocks go by half an hour there
        ("2026-06-01T12:00", "Asia/Kathmandu", "2026-06-01T06:15Z"),
        ("2026-06-01T12:00", "Pacific/Kiritimati", "2026-05-31T22:00Z"),
    ],
)
def test_a_local_time_is_a_moment(local: str, place: str, utc: str) -> None:
    assert moment(local, place) == datetime.fromisoformat(utc)


def test_a_time_that_clocks_jump_over_is_refused_and_the_next_one_named() -> None:
    with pytest.raises(RequestError) as refused:
        moment("2026-03-29T02:30", "Europe/Paris")
    assert (refused.value.status, refused.value.code) == (422, "no_such_time")
    assert "2026-03-29T03:30:00" in refused.value.detail
    whole_day = zone("Pacific/Apia")  # went over the date line, and 30 December 2011 was not
    assert whole_day is not None
    assert read_local(datetime(2011, 12, 30, 12), whole_day).moments == ()


def test_a_time_that_clocks_show_twice_is_refused_and_both_are_named() -> None:
    with pytest.raises(RequestError) as refused:
        moment("2026-10-25T02:30", "Europe/Paris")
    assert (refused.value.status, refused.value.code) == (422, "ambiguous_time")
    for either in ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"):
        assert either in refused.value.detail


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(["Europe/Paris", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia"]),
)
def test_every_moment_shows_the_local_time_that_it_was_named_by(local: datetime, place: str) -> None:
    found = zone(place)
    assert found is not None
    read = read_local(local, found)
    assert len(read.moments) <= 2
    assert list(read.moments) == sorted(set(read.moments))
    for one in read.moments:
        assert one.astimezone(found).replace(tzinfo=None, fold=0) == local
    if not read.moments:
        assert read.after_gap is not None
        assert read.after_gap > local
        assert len(read_local(read.after_gap, found).moments) == 1


@pytest.mark.parametrize(
    ("start", "local", "place", "code", "field"),
    [
        (NOW, None, None, "bad_field", "scheduled_start"),
        (NOW + AHEAD + timedelta(seconds=1), None, None, "too_far_ahead", "scheduled_start"),
        (None, datetime(2026, 3, 1, 13), "Europe/Paris", "bad_field", "local_start"),
        (None, datetime(2026, 4, 2), "Europe/Paris", "too_far_ahead", "local_start"),
        (None, datetime(9999, 12, 31, 23, 59), "Pacific/Apia", "too_far_ahead", "local_start"),
        (None, datetime(2026, 3, 2), None, "bad_field", "time_zone"),
        (None, None, "Mars/Olympus", "bad_field", "time_zone"),
        (None, None, "../../etc/passwd", "bad_field", "time_zone"),
        (NOW + AHEAD, datetime(2026, 3, 2), "Europe/Paris", "bad_field", "local_start"),
    ],
)
def test_a_start_that_cannot_be_is_refused_by_its_field(
    start: datetime | None, local: datetime | None, place: str | None, code: str, field: str
) -> None:
    with pytest.raises(RequestError) as refused:
        read_start(start, local, place, zone, NOW, AHEAD)
    error = refused.value
    assert (error.status, error.code, error.extra["field"]) == (422, code, field)


def test_zones_are_the_packages_and_nothing_else_is_one() -> None:
    assert {"Europe/Paris", "UTC", "Asia/Kolkata"} <= names()
    for name in ("", "Europe", "Europe/paris", "localtime", "/etc/localtime", "Europe/Paris\0", "Ünderland"):
        assert zone(name) is None


@pytest.mark.parametrize(
    ("given_", "usual"),
    [
        ("EN-gb", "en-GB"), ("zh-hant-tw", "zh-Hant-TW"), ("de-1996", "de-1996"), ("de-ch-1996", "de-CH-1996"),
        ("zh-yue-hk", "zh-yue-HK"), ("sl-rozaj-biske-1994", "sl-rozaj-biske-1994"), ("es-419", "es-419"),
        ("en-latn-gb-boont-r-extended-x-private", "en-Latn-GB-boont-r-extended-x-private"),
        ("", None), ("e", None), ("english!", None), ("en-", None), ("en--gb", None), ("x-private", None),
        ("en-a-bbb-a-ccc", None), ("de-1996-1996", None), ("en\n", None), ("ｅｎ", None),
    ],
)  # fmt: skip
def test_language_tags_are_well_formed_and_have_one_spelling(given_: str, usual: str | None) -> None:
    assert canonical(given_) == usual


def test_words_are_found_whatever_their_case_and_accents() -> None:
    assert words_in("Café «MÜLLER» rock'n'roll ÉTÉ") == ["cafe", "muller", "rock", "n", "roll", "ete"]
    assert words_in("音楽の夜") == ["音", "楽", "の", "夜"]
    assert words_in("straße") == words_in("STRASSE")
    assert words_in("x" * 100) == ["x" * 32]
    assert words_in("#!? \u202e") == []


def test_topics_are_trimmed_and_each_is_there_once() -> None:
    assert read_topics([" #Jazz", "jazz", "New   York", "#", "JAZZ"]) == ("Jazz", "New York")
    assert topic_key("Été  Indien") == topic_key("ete indien")
