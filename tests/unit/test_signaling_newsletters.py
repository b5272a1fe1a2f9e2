"""Newsletters over HTTP, from the first draft to one-click unsubscribing, with a real SMTP server at the other end."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces.newsletters.webhook import sign
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.eventually import until
from tests.harness.node import served
from tests.harness.smtp import Letter, Mailbox, receiving_mail

pytestmark = pytest.mark.thorough

SECRET = "a secret of the mail server, 32 bytes or more"


@dataclass
class Press:
    api: Api
    mailbox: Mailbox
    host: Person
    tier: str

    async def letters(self, count: int) -> list[Letter]:
        await until(lambda: len(self.mailbox.letters) >= count, 20)
        return self.mailbox.letters

    async def follow(self, link: str, data: dict[str, str] | None = None, method: str = "POST") -> tuple[int, str]:
        """Without a cookie, a token or anything else that would say who it is."""
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.request(method, link, data=data, allow_redirects=False) as reply,
        ):
            return reply.status, await reply.text()

    async def reader(self, handle: str, address: str) -> Person:
        """A subscriber who has asked for it and followed the link in the question."""
        fan, before = person(handle), len(self.mailbox.letters)
        await self.api.subscribe(fan, self.host, self.tier)
        given = await self.api.ok("PUT", "/v1/me/newsletters/ada", by=fan, json={"email": address, "source": "page"})
        assert given["confirmed_at"] is None
        question = (await self.letters(before + 1))[before]
        link = re.search(r"http\S+", question.message.get_content())
        assert link is not None
        assert (await self.follow(link[0], method="GET"))[0] == 200
        assert (await self.follow(link[0]))[0] == 200
        return fan

    async def sent(self, **changes: Any) -> dict[str, Any]:
        body = {"subject": "News", "markdown": "Hello **all**"} | changes
        issue = await self.api.ok("POST", "/v1/creators/ada/newsletters", by=self.host, json=body)
        path = f"/v1/creators/ada/newsletters/{issue['id']}"
        assert (await self.api.ok("POST", f"{path}/send", by=self.host))["state"] in ("sending", "sent")
        async with asyncio.timeout(20):
            while True:
                seen: dict[str, Any] = await self.api.ok("GET", path, by=self.host)
                if seen["state"] == "sent":
                    return seen
                await asyncio.sleep(0.02)


@asynccontextmanager
async def a_press(folder: Path) -> AsyncIterator[Press]:
    async with (
        receiving_mail() as mailbox,
        served(
            folder, smtp_url=mailbox.url, mail_from="Live <no-reply@live.example>", mail_webhook_secret=SECRET
        ) as api,
    ):
        host = await api.creator("ada")
        body = {
            "name": "Readers", "level": 1, "price": {"amount_minor": 499, "currency": "USD"}, "benefits": ["newsletter"],
        }  # fmt: skip
        tier = (await api.ok("POST", "/v1/creators/ada/tiers", by=host, json=body))["id"]
        yield Press(api, mailbox, host, tier)


async def test_a_newsletter_is_written_previewed_and_sent(tmp_path: Path) -> None:
    async with a_press(tmp_path) as press:
        api, host = press.api, press.host
        fan = await press.reader("grace", "Grace@example.org")
        (mine,) = (await api.ok("GET", "/v1/me/newsletters", by=fan))["newsletters"]
        assert (mine["creator"]["handle"], mine["email"], mine["source"]) == ("ada", "Grace@example.org", "page")
        assert mine["confirmed_at"] is not None
        body = {"subject": "Bread", "markdown": "# Rye\n\n<script>x</script> *today*", "tiers": [press.tier]}
        issue = await api.ok("POST", "/v1/creators/ada/newsletters", by=host, json=body)
        path = f"/v1/creators/ada/newsletters/{issue['id']}"
        await api.ok("PATCH", path, by=host, json={"subject": "Rye bread"})
        preview = await api.ok("GET", f"{path}/preview", by=host)
        assert (preview["subject"], preview["audience"]) == ("Rye bread", 1)
        assert "<h1>Rye</h1>" in preview["html"]
        assert "<script>" not in preview["html"]
        await api.ok("POST", f"{path}/send", by=host)
        letter = (await press.letters(2))[1]
        assert (letter.sender, letter.recipient) == ("no-reply@live.example", "Grace@example.org")
        assert letter.message["From"] == "Ada <no-reply@live.example>"
        assert letter.message["Subject"] == "Rye bread"
        assert re.search(rb"\r\nList-Id: <creator-\d+\.newsletter\.127\.0\.0\.1>\r\n", letter.raw)
        html = letter.message.get_body(("html",))
        assert html is not None
        assert "<em>today</em>" in html.get_content()
        for method, what in (("PATCH", ""), ("DELETE", ""), ("POST", "/send")):
            reply = await api.request(method, path + what, by=host, json={} if method == "PATCH" else None)
            assert (reply.status, reply.code) == (409, "bad_state")


async def test_one_click_unsubscribes_without_cookies_and_looking_does_not(tmp_path: Path) -> None:
    async with a_press(tmp_path) as press:
        await press.reader("grace", "grace@example.org")
        fan = await press.reader("eve", "eve@example.org")
        await press.sent()
        letter = press.mailbox.to("grace@example.org")[-1].message
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = letter["List-Unsubscribe"].strip("<>")
        status, page = await press.follow(link, method="GET")
        assert (status, "<form" in page, "ada" in page.lower()) == (200, True, True)
        assert (await press.sent())["deliveries"]["sent"] == 2, "looking at the link changed nothing"
        for _ in range(2):
            assert (await press.follow(link, {"List-Unsubscribe": "One-Click"}))[0] == 200
        assert (await press.sent())["deliveries"] == {
            "queued": 0, "claimed": 0, "sent": 1, "refused": 0, "unknown": 0, "failed": 0, "skipped": 0,
        }  # fmt: skip
        await press.api.ok("DELETE", "/v1/me/newsletters/ada", by=fan)
        assert (await press.sent())["deliveries"]["sent"] == 0
        assert (await press.follow(link[:-1] + ("y" if link.endswith("x") else "x")))[0] == 404
        assert (await press.api.ok("GET", "/v1/me/newsletters", by=fan))["newsletters"] == []


async def test_bounces_and_complaints_are_taken_from_whoever_signs(tmp_path: Path) -> None:
    async with a_press(tmp_path) as press:
        for name in ("grace", "eve", "joan"):
            await press.reader(name, f"{name}@example.org")
        await press.sent()
        message_id = press.mailbox.to("grace@example.org")[-1].message["Message-ID"]

        async def tell(body: dict[str, Any], *, at: datetime | None = None, secret: str = SECRET) -> tuple[int, Any]:
            raw = json.dumps(body).encode()
            headers = {
                "Spaces-Signature": sign(secret, raw, at or datetime.now(UTC)), "Content-Type": "application/json",
            }  # fmt: skip
            async with press.api.http.post(f"{press.api.url}/v1/mail/events", data=raw, headers=headers) as reply:
                return reply.status, await reply.json(content_type=None)

        events = [
            {"kind": "bounce", "message_id": message_id},
            {"kind": "complaint", "address": "EVE@example.org"},
            {"kind": "bounce", "message_id": "<somebody@else.example>"},
        ]
        for secret, at in (("x" * 32, None), (SECRET, datetime.now(UTC) + timedelta(hours=1))):
            assert (await tell({"events": events}, secret=secret, at=at))[0] == 401
        assert (await press.sent())["deliveries"]["sent"] == 3
        status, problem = await tell({"events": [{"kind": "bounce"}]})
        assert (status, problem["field"]) == (422, "events[0]")
        for _ in range(2):
            assert await tell({"events": events}) == (200, {"taken": 2, "unknown": 1})
        seen = (await press.sent())["deliveries"]
        assert (seen["sent"], seen["skipped"]) == (1, 1), "of whoever complains the consent has ended too"


async def test_who_may_not_write_or_send(tmp_path: Path) -> None:
    async with a_press(tmp_path) as press:
        api, issues = press.api, "/v1/creators/ada/newsletters"
        body = {"subject": "x", "markdown": "y"}
        made = await api.ok("POST", issues, by=press.host, json=body)
        for method, path in (
            ("GET", issues), ("POST", issues), ("GET", f"{issues}/{made['id']}"), ("PATCH", f"{issues}/{made['id']}"),
            ("GET", f"{issues}/{made['id']}/preview"), ("POST", f"{issues}/{made['id']}/send"),
            ("POST", f"{issues}/{made['id']}/stop"), ("DELETE", f"{issues}/{made['id']}"),
        ):  # fmt: skip
            sent = body if method in ("POST", "PATCH") and not path.endswith(("send", "stop")) else None
            assert (await api.request(method, path, by=person("eve"), json=sent)).status == 403, (method, path)
            assert (await api.request(method, path, json=sent)).status == 401
        for changes, field in (
            ({"subject": " "}, "subject"), ({"subject": "a\nBcc: x@y.example"}, "subject"), ({"markdown": ""}, "markdown"),
            ({"markdown": "x" * 20_001}, "markdown"), ({"tiers": ["999"]}, "tiers"), ({"tiers": ["x"]}, "tiers[0]"),
            ({"markdown": "a\x00b"}, "markdown"),
        ):  # fmt: skip
            reply = await api.request("POST", issues, by=press.host, json=body | changes)
            assert (reply.status, reply.body["field"]) == (422, field), changes
        for address in ("nobody", "a@b.example\r\nX: y", "a" * 300):
            reply = await api.request("PUT", "/v1/me/newsletters/ada", by=person("eve"), json={"email": address})
            assert (reply.status, reply.body["field"]) == (422, "email")
        assert (await api.request("PUT", "/v1/me/newsletters/ada", by=person("eve"))).code == "no_address"
        assert (await api.request("GET", f"{issues}/999", by=press.host)).status == 404
        await api.ok("DELETE", f"{issues}/{made['id']}", by=press.host)
        assert press.mailbox.letters == []


async def test_nobodys_mailbox_is_filled_with_questions(tmp_path: Path) -> None:
    async with a_press(tmp_path) as press:
        replies = [
            await press.api.request(
                "PUT", "/v1/me/newsletters/ada", by=person(f"eve{n}"), json={"email": "v@example.org"}
            )
            for n in range(6)
        ]
        assert [reply.status for reply in replies] == [200] * 5 + [409]
        assert replies[5].code == "too_many_confirmations"
        assert len(press.mailbox.letters) == 5
        press.mailbox.to_recipient["no@example.org"] = "550 5.1.1 no such user"
        reply = await press.api.request(
            "PUT", "/v1/me/newsletters/ada", by=person("joan"), json={"email": "no@example.org"}
        )
        assert (reply.status, reply.body["field"]) == (422, "email")


async def test_without_a_mail_server_it_says_so(tmp_path: Path) -> None:
    async with served(tmp_path) as api:
        host = await api.creator("ada")
        body = {"subject": "x", "markdown": "y"}
        issue = await api.ok("POST", "/v1/creators/ada/newsletters", by=host, json=body)
        path = f"/v1/creators/ada/newsletters/{issue['id']}"
        refused = await api.request("POST", f"{path}/send", by=host)
        assert (refused.status, refused.code) == (409, "no_mail")
        assert (await api.ok("GET", path, by=host))["state"] == "draft"
        refused = await api.request("PUT", "/v1/me/newsletters/ada", by=host, json={"email": "a@b.example"})
        assert (refused.status, refused.code) == (409, "no_mail")
        assert (await api.ok("GET", "/v1/me/newsletters", by=host))["newsletters"] == []
        assert (await api.request("POST", "/v1/mail/events", json={"events": []})).code == "webhook_off"
