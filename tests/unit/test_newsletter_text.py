"""Markdown that may be put into anybody's mail program, links that carry their meaning, and the letter itself."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from hashlib import sha256

import pytest

from access.benefit_model import Delivery
from spaces.errors import RemoteError
from spaces.mail import SMTP_POLICY
from spaces.newsletters import letter
from spaces.newsletters.links import CONFIRM_WITHIN, MailLinks
from spaces.newsletters.markdown import to_html
from spaces.newsletters.webhook import check_signature_untrusted, sign

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
LINKS = MailLinks(b"k" * 32, lambda: "https://a-long-host-name.of-some-organisation.example:8443")


def test_markdown_becomes_html() -> None:
    html = to_html("# News\n\n**Bold** & [a link](https://x.example/?a=1&b=2)\n\n|a|b|\n|-|-|\n|1|~~2~~|\n")
    assert "<h1>News</h1>" in html
    assert "<strong>Bold</strong> &amp; " in html
    assert '<a href="https://x.example/?a=1&amp;b=2" rel="noopener noreferrer">a link</a>' in html
    assert "<td><s>2</s></td>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "<iframe src=//x>",
        "[x](JaVaScRiPt&colon;alert(1))", "![x](data:text/html;base64,PHNjcmlwdD4=)", "<style>*{display:none}</style>",
        "[x](vbscript:x)", "<a href='https://x' onclick='y'>z</a>", "![x](file:///etc/passwd)", "[a]: javascript:x\n\n[a]",
        '[x](https://x.example "\\" onmouseover=alert(1)")',
    ],
)  # fmt: skip
def test_nothing_that_runs_or_hides_comes_out(text: str) -> None:
    html = to_html(text).lower()
    for bad in (
        "<script",
        "<iframe",
        "<style",
        'href="javascript',
        'href="vbscript',
        'src="data',
        'src="file',
        "<img src=x",
    ):
        assert bad not in html
    for bad in ("onerror", "onclick", "onmouseover"):
        tags = [part.partition(">")[0] for part in html.split("<")[1:]]
        assert not any(bad in tag.replace("&quot; onmouseover=alert(1)", "") for tag in tags)


def test_links_say_what_was_signed_and_nothing_else() -> None:
    token = LINKS.unsubscribe(7, 2**40).rsplit("/", 1)[1]
    assert LINKS.read_unsubscribe_untrusted(token) == (7, 2**40)
    asked = LINKS.confirm(9, NOW).rsplit("/", 1)[1]
    assert LINKS.read_confirm_untrusted(asked, NOW + CONFIRM_WITHIN) == 9
    with pytest.raises(RemoteError, match="link_expired"):
        LINKS.read_confirm_untrusted(asked, NOW + CONFIRM_WITHIN + timedelta(seconds=1))
    other = MailLinks(b"o" * 32, lambda: "https://live.example")
    for reader, bad in (
        (LINKS.read_unsubscribe_untrusted, asked),
        (other.read_unsubscribe_untrusted, token),
        (LINKS.read_unsubscribe_untrusted, token[:-1]),
        (LINKS.read_unsubscribe_untrusted, token[:-1] + ("A" if token[-1] != "A" else "B")),
        (LINKS.read_unsubscribe_untrusted, ("A" if token[0] != "A" else "B") + token[1:]),
    ):
        with pytest.raises(RemoteError, match="link_bad"):
            reader(bad)
    assert LINKS.read_message_id_untrusted(LINKS.message_id(12)) == ("newsletter", 12)
    assert LINKS.read_message_id_untrusted(LINKS.reminder_message_id(12)) == ("reminder", 12)
    with pytest.raises(RemoteError):
        LINKS.read_message_id_untrusted(LINKS.message_id(12).replace(".12.", ".13."))


def test_a_signature_holds_for_its_body_and_its_time_both_ways() -> None:
    secret, body = "s" * 32, b'{"events": []}'
    header = sign(secret, body, NOW)
    by_hand = hmac.new(secret.encode(), f"{int(NOW.timestamp())}.".encode() + body, sha256).hexdigest()
    assert header == f"t={int(NOW.timestamp())},v1={by_hand}"
    for minutes in (-5, 0, 5):
        check_signature_untrusted(header, body, secret, NOW + timedelta(minutes=minutes))
    for minutes in (-6, 6):
        with pytest.raises(RemoteError, match="signature_old"):
            check_signature_untrusted(header, body, secret, NOW + timedelta(minutes=minutes))
    for bad in ("", "t=1,v1=", header.upper(), header[:-1], header.replace("t=", "t=1")):
        with pytest.raises(RemoteError, match="signature_bad"):
            check_signature_untrusted(bad, body, secret, NOW)
    with pytest.raises(RemoteError, match="signature_bad"):
        check_signature_untrusted(header, body + b" ", secret, NOW)


def test_the_letter_has_the_headers_of_a_mailing_in_one_piece() -> None:
    delivery = Delivery(5, 1, 2, 1, 3, 4, "Ädä, <b>", "ada@example.org", "Ü" * 100, "Hello *you* — {link}")
    message = letter.issue(delivery, "<p>Hello</p>", Address(addr_spec="no-reply@live.example"), LINKS, NOW)
    raw = message.as_bytes(policy=SMTP_POLICY)
    headers = raw.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    link = LINKS.unsubscribe(3, 4)
    assert f"List-Unsubscribe: <{link}>" in headers
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in headers
    assert "List-Id: <creator-4.newsletter.a-long-host-name.of-some-organisation.example>" in headers
    assert f"Message-ID: {LINKS.message_id(5)}" in headers
    assert message["From"] == '"Ädä, <b>" <no-reply@live.example>'
    assert max(len(line) for line in headers) <= 998
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert message.get_content_type() == "multipart/alternative"
    assert text.get_content().startswith("Hello *you* — {link}")
    assert link in text.get_content()
    assert "Ädä, &lt;b&gt;" in html.get_content()
    assert f'href="{link}"' in html.get_content()
