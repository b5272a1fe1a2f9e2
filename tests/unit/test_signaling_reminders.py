"""A node reminds by mail: asked for on the page, sent by its own task, withdrawn by the link in the mail."""

from __future__ import annotations

import json
from pathlib import Path

from access.service import utcnow
from spaces.newsletters.webhook import sign
from tests.harness.api import Api
from tests.harness.browser import Browser
from tests.harness.eventually import until
from tests.harness.node import running
from tests.harness.smtp import receiving_mail

SECRET = "a secret of the mail server, 32 bytes or longer"
FAN = "fan@example.org"


async def test_reminders_go_out_by_themselves_and_their_link_ends_them(tmp_path: Path) -> None:
    async with (
        receiving_mail() as mailbox,
        running(
            tmp_path, smtp_url=mailbox.url, mail_from="Live <no-reply@live.example>", mail_webhook_secret=SECRET
        ) as node,
        Browser(node.url) as fan,
    ):
        api = Api(fan.http, node.url)
        host = await api.creator("ada")
        await fan.sign_in(FAN, mailbox)
        first, second = [await api.space(host, live=False) for _ in range(2)]
        for space in (first, second):
            asked = await fan.ok("PUT", f"/v1/spaces/{space}/reminder")
            assert asked["mail"] is True
        before = len(mailbox.letters)
        await api.ok("POST", f"/v1/spaces/{first}/start", by=host)
        await until(lambda: len(mailbox.letters) == before + 1)
        letter = mailbox.letters[-1].message
        assert (mailbox.letters[-1].recipient, letter["Subject"]) == (FAN, "Live now: A talk of ada")

        await api.ok("POST", f"/v1/spaces/{second}/start", by=host)
        await until(lambda: len(mailbox.letters) == before + 2)
        link = str(mailbox.letters[-1].message["List-Unsubscribe"]).strip("<>")
        async with api.http.get(link) as page:
            assert (page.status, page.content_type) == (200, "text/html")
            assert "<form" in await page.text()
        assert len((await fan.ok("GET", "/v1/me/reminders"))["reminders"]) == 2, "looking changes nothing"
        async with api.http.post(link, data="List-Unsubscribe=One-Click") as page:
            assert page.status == 200
        left = (await fan.ok("GET", "/v1/me/reminders"))["reminders"]
        assert [one["space"]["id"] for one in left] == [first]
        async with api.http.get(link) as page:
            assert "<form" not in await page.text()
        async with api.http.post(f"{link[:-2]}AA") as page:
            assert page.status == 404

        bounce = json.dumps({"events": [{"kind": "bounce", "message_id": str(letter["Message-ID"])}]}).encode()
        signature = {"Spaces-Signature": sign(SECRET, bounce, utcnow()), "Content-Type": "application/json"}
        async with api.http.post(f"{node.url}/v1/mail/events", data=bounce, headers=signature) as answer:
            assert await answer.json() == {"taken": 1, "unknown": 0}
        third = await api.space(host, live=False)
        asked = await fan.ok("PUT", f"/v1/spaces/{third}/reminder")
        assert asked["mail"] is False, "an address that takes nothing is not written to"
