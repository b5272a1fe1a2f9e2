"""Mail against a real SMTP server: what arrives, and what is known of what did not."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from access.errors import AccessError
from access.mail_addresses import email_address
from spaces.config import ConfigError, read_config
from spaces.mail import Mailer, MailError, read_server
from tests.harness.node import node_config
from tests.harness.ports import free_tcp_port
from tests.harness.smtp import HANG_UP, Mailbox, only, receiving_mail

pytestmark = pytest.mark.sqlite


def mailer(folder: Path, mailbox: Mailbox | None, **changes: str) -> Mailer:
    url = "" if mailbox is None else mailbox.url
    return Mailer(node_config(folder, **({"smtp_url": url, "mail_from": "Späces <no-reply@live.example>"} | changes)))


def letter(to: str, text: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["To"], message["Subject"] = to, "A word"
    message.set_content(text)
    return message


async def test_a_message_arrives_whole(tmp_path: Path) -> None:
    text = ".a dot begins this line\nand — beyond ASCII — this\n" + "x" * 2_000
    async with receiving_mail() as mailbox:
        await mailer(tmp_path, mailbox).send(letter("ada@example.org", text))
    (got,) = mailbox.letters
    assert (got.sender, got.recipient) == ("no-reply@live.example", "ada@example.org")
    assert got.message["From"] == "Späces <no-reply@live.example>"
    assert got.message.get_content().splitlines() == text.splitlines()
    assert all(len(line) <= 998 for line in got.raw.split(b"\r\n")), "RFC 5322 §2.1.1"


async def test_one_connection_carries_several_and_outlives_a_refusal(tmp_path: Path) -> None:
    async with receiving_mail() as mailbox, mailer(tmp_path, mailbox).session() as session:
        mailbox.to_recipient["nobody@example.org"] = "550 5.1.1 no such user"
        mailbox.to_recipient["full@example.org"] = "452 4.2.2 mailbox full"
        mailbox.after_message["spam@example.org"] = "554 5.7.1 we think not"
        await session.send(letter("ada@example.org"))
        outcomes = []
        for recipient in ("nobody@example.org", "full@example.org", "spam@example.org"):
            with pytest.raises(MailError) as caught:
                await session.send(letter(recipient))
            outcomes.append((caught.value.outcome, caught.value.reply))
            assert recipient not in str(caught.value)
        await session.send(letter("bob@example.org"))
        assert outcomes == [("refused", 550), ("not_sent", 452), ("refused", 554)]
        assert mailbox.connections == 1
        assert len(mailbox.to("bob@example.org")) == 1


async def test_a_server_that_goes_away_before_the_message_has_not_got_it(tmp_path: Path) -> None:
    async with receiving_mail() as mailbox, mailer(tmp_path, mailbox).session() as session:
        mailbox.to_recipient["ada@example.org"] = HANG_UP
        with pytest.raises(MailError) as caught:
            await session.send(letter("ada@example.org"))
        assert caught.value.outcome == "not_sent"
        del mailbox.to_recipient["ada@example.org"]
        await session.send(letter("ada@example.org"))
        assert mailbox.connections == 2


async def test_a_server_that_goes_away_after_the_message_may_have_it(tmp_path: Path) -> None:
    async with receiving_mail() as mailbox:
        mailbox.after_message["ada@example.org"] = HANG_UP
        with pytest.raises(MailError) as caught:
            await mailer(tmp_path, mailbox).send(letter("ada@example.org"))
    assert caught.value.outcome == "unknown"
    assert len(mailbox.letters) == 1


async def test_without_a_server_it_says_so(tmp_path: Path) -> None:
    nowhere = mailer(tmp_path, None)
    assert not nowhere.configured
    with pytest.raises(MailError, match="smtp_url") as caught:
        await nowhere.send(letter("ada@example.org"))
    assert caught.value.outcome == "not_sent"
    with pytest.raises(MailError) as caught:
        await mailer(tmp_path, None, smtp_url=f"smtp://127.0.0.1:{free_tcp_port()}").send(letter("ada@example.org"))
    assert caught.value.outcome == "not_sent"


async def test_it_signs_in_and_says_no_password_without_tls(tmp_path: Path) -> None:
    async with receiving_mail(**only("ada", "p@ss")) as mailbox:
        await mailer(tmp_path, mailbox, smtp_url=f"smtp://ada:p%40ss@127.0.0.1:{mailbox.port}").check()
        with pytest.raises(MailError) as caught:
            await mailer(tmp_path, mailbox, smtp_url=f"smtp://ada:wrong@127.0.0.1:{mailbox.port}").check()
        assert caught.value.reply == 535
    elsewhere = read_server("smtp://ada:secret@mail.example")
    assert (elsewhere.start_tls, elsewhere.port) == (True, 587)
    assert (read_server("smtps://mail.example").tls, read_server("smtps://mail.example").port) == (True, 465)
    assert "secret" not in repr(elsewhere)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"smtp_url": "http://mail.example", "mail_from": "a@b.example"}, "smtp_url"),
        ({"smtp_url": "smtp://:25", "mail_from": "a@b.example"}, "smtp_url"),
        ({"smtp_url": "smtp://mail.example:99999", "mail_from": "a@b.example"}, "smtp_url"),
        ({"smtp_url": "smtp://mail.example"}, "mail_from"),
        ({"mail_from": "nobody"}, "mail_from"),
        ({"mail_from": "a@b.example\r\nBcc: c@d.example"}, "mail_from"),
    ],
)
def test_settings_that_cannot_work_are_named(changes: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        read_config({}, changes)


@pytest.mark.parametrize("address", ["ada@example.org", "a.b+c@EXAMPLE.org", "o'hara@x-y.example", "a@localhost"])
def test_addresses_as_people_have_them(address: str) -> None:
    local, _, domain = address.partition("@")
    assert email_address(f" {address} ") == f"{local}@{domain.lower()}"


@pytest.mark.parametrize(
    "address",
    [
        "", "ada", "@example.org", "ada@", "a b@example.org", "ada@example.org\r\nRCPT TO:<x@y.example>", "ada@exa\nmple.org",
        "<ada@example.org>", "a@b@c.example", ".a@b.example", "a..b@c.example", "a@-b.example", "a@b..example", "ä@example.org",
        '"a b"@example.org', "a@[127.0.0.1]", f"{'a' * 65}@b.example", f"a@{'b' * 64}.example", "a@" + "b." * 200 + "c",
        "a" * 10**6,
    ],
)  # fmt: skip
def test_what_could_mean_something_to_smtp_is_no_address(address: str) -> None:
    with pytest.raises(AccessError) as caught:
        email_address(address)
    assert (caught.value.status, caught.value.field) == (422, "email")
