"""Whatever people type: what is shown to others is one visible line and a link that says where it leads, or nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from spaces.errors import RequestError
from spaces.pace import Pace
from spaces.talk.links import LINK_CHARACTERS_MAX, safe_link
from spaces.talk.text import one_line

DECEIVING = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
nasty = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(sorted(DECEIVING)),
        st.sampled_from("\0\x07\x1b\x7f\x85\u2028\u200b\u200d\u0301\ufdd0\U000e0041\U0001f3f4"),
    ),
    max_size=40,
)


def taken(read: Callable[[], str], field: str) -> str | None:
    """None: refused, as it should be."""
    try:
        return read()
    except RequestError as error:
        refused = error
    assert (refused.status, refused.extra["field"]) == (422, field)
    return None


@given(nasty)
@example("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f")
@example("a\u0344\u0344\u0344\u0344\u0344")  # grows when it is normalised
def test_what_is_shown_is_one_visible_line_that_deceives_nobody(text: str) -> None:
    line = taken(lambda: one_line(text, field="text", characters_max=30), "text")
    if line is None:
        return
    assert 1 <= len(line) <= 30
    assert not DECEIVING & set(line)
    assert not [c for c in line if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert line == line.strip() == unicodedata.normalize("NFC", line)
    assert "  " not in line
    line.encode()
    assert one_line(line, field="text", characters_max=30) == line, "what was taken once is taken again, as it is"


@pytest.mark.parametrize("line", ["Grüße", "नमस्ते", "👩‍👩‍👧‍👦", "مرحبا", "Ta có 3 món", "❤️", "a\u200eb", "ไม่เป็นไร"])
def test_what_people_write_is_taken_as_it_is(line: str) -> None:
    assert one_line(line, field="text", characters_max=50) == unicodedata.normalize("NFC", line)


hosts = st.from_regex(r"[a-z0-9-]{1,10}(\.[a-zäöü]{1,5}){0,2}", fullmatch=True)
links = st.one_of(
    nasty,
    st.builds("https://{}/{}".format, hosts, nasty),
    st.builds("{}://{}".format, st.sampled_from(["http", "HTTPS", "javascript", "data", "ftp", ""]), hosts),
    st.builds("https://{}@{}:{}/".format, nasty, hosts, st.integers(-1, 70_000)),
)


@settings(deadline=None)  # the first use of idna reads its tables
@given(links)
@example("https://exa\u2024mple.org/")
@example("https://例え.jp/パス?問=い#節")
@example("https://[::ffff:192.0.2.1]:8080/")
@example("http:///example.org")
@example("https://example.org\\.evil.example/")
def test_a_link_opens_a_page_and_tells_the_truth_about_where(text: str) -> None:
    link = taken(lambda: safe_link(text), "url")
    if link is None:
        return
    parts = urlsplit(link)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert parts.username is parts.password is None
    assert link.isascii()
    assert link.isprintable()
    assert not set(link) & set(' "<>\\^`{|}')
    assert len(link) <= LINK_CHARACTERS_MAX
    assert safe_link(link) == link


@given(st.lists(st.floats(0.0, 3.0), max_size=60), st.integers(1, 5), st.sampled_from([0.1, 0.5, 2.0]))
def test_nobody_is_faster_than_his_pace_and_who_keeps_it_is_never_refused(
    pauses: list[float], burst: int, seconds: float
) -> None:
    pace, now = Pace(seconds, burst), 100.0
    taken: list[float] = []
    for pause in pauses:
        now += pause
        wait = pace.wait("me", now)
        if wait:
            assert 0 < wait <= seconds + 1e-6
            assert pace.wait("me", now + wait + 1e-6) == 0.0, "who waits as long as he is told is not refused"
            now += wait + 1e-6
        taken.append(now)
        recent = [at for at in taken if at > now - seconds * burst]
        assert len(recent) <= 2 * burst
    assert pace.wait("somebody else", now) == 0.0
    assume(taken)
    assert pace.wait("me", now + seconds) == 0.0


def test_a_pace_forgets_whoever_is_at_rest() -> None:
    pace = Pace(1.0, 3, keys_max=50)
    for n in range(200):
        assert pace.wait(n, 10.0 + n / 1_000) == 0.0
    assert len(pace) == 50
    assert pace.wait("late", 99.0) == 0.0
    assert len(pace) == 1
