"""Signing in by mail, through a real mail server and a browser's cookies; and what must not sign anybody in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from access.errors import AccessError
from access.sign_in import MAILS_PER_QUARTER_MAX, Asked
from spaces.node import Node
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.browser import Browser, code_in
from tests.harness.client import RtcClient
from tests.harness.node import running
from tests.harness.smtp import Mailbox, receiving_mail
from tests.harness.world import World

ADA = "Ada@Example.org"


@dataclass
class Site:
    node: Node
    mailbox: Mailbox
    api: Api

    def browser(self, **options: Any) -> Browser:
        return Browser(self.node.url, **options)


@asynccontextmanager
async def site_of(folder: Path, **changes: Any) -> AsyncIterator[Site]:
    async with receiving_mail() as mailbox, aiohttp.ClientSession() as http:
        mail = {"smtp_url": mailbox.url, "mail_from": "Spaces <no-reply@live.example>"}
        async with running(folder, **({"sign_ins_per_minute_max": 1_000} | mail | changes)) as node:
            yield Site(node, mailbox, Api(http, node.url))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_of(tmp_path) as site:
        yield site


async def test_a_code_signs_in_and_a_new_account_is_there(site: Site) -> None:
    async with site.browser() as ada:
        made = await ada.sign_in(ADA, site.mailbox)
        me = await ada.ok("GET", "/v1/me")
        assert me["account"]["id"] == made["account"]["id"]
        assert me["account"]["handle"] is None
        assert me["address"] == "Ada@example.org"
        assert me["is_operator"] is False
        letter = site.mailbox.to("Ada@example.org")[0].message
        assert letter["Auto-Submitted"] == "auto-generated"
        assert "/sign-in#code=" in letter.get_content()
    async with site.browser() as elsewhere:
        again = await elsewhere.sign_in("ADA@EXAMPLE.ORG", site.mailbox)
        assert again["account"]["id"] == made["account"]["id"], "however the address is spelled"


@pytest.mark.sqlite
async def test_the_cookies_are_out_of_reach_of_scripts_and_of_other_sites(site: Site) -> None:
    async with site.browser() as ada:
        asked = await ada.request("POST", "/v1/sign-in", json={"address": ADA})
        answered = await ada.request(
            "POST", "/v1/sign-in/code", json={"code": code_in(site.mailbox, "Ada@example.org")}
        )
        for reply in (asked, answered):
            cookie = reply.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Secure" not in cookie
        assert "spaces_session" in ada.cookies
        rows = await site.node.access.people.sessions(
            (await site.node.access.people.profile(await account(site, answered.body))).account
        )
        assert ada.cookies["spaces_session"] not in str(rows), "only its hash is kept"


async def account(site: Site, body: Any) -> Any:
    found = await site.node.access.find_account(body["account"]["id"], integration=None)
    assert found is not None
    return found


@pytest.mark.sqlite
async def test_with_https_the_cookie_is_this_hosts_alone(tmp_path: Path) -> None:
    async with site_of(tmp_path, public_url="https://live.example") as site:
        body = {"address": ADA}
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"http://127.0.0.1:{site.node.http_port}/v1/sign-in", json=body) as reply,
        ):
            assert reply.headers["Set-Cookie"].startswith("__Host-spaces_browser=")
            assert "Secure" in reply.headers["Set-Cookie"]


async def test_a_code_works_once(site: Site) -> None:
    async with site.browser() as ada:
        await ada.sign_in(ADA, site.mailbox)
        code = code_in(site.mailbox, "Ada@example.org")
        assert (await ada.request("POST", "/v1/sign-in/code", json={"code": code})).code == "no_sign_in"


async def test_two_who_type_the_same_code_at_once_are_one(site: Site) -> None:
    async with site.browser() as ada:
        await ada.ok("POST", "/v1/sign-in", json={"address": ADA})
        body = {"code": code_in(site.mailbox, "Ada@example.org")}
        replies = await asyncio.gather(*(ada.request("POST", "/v1/sign-in/code", json=body) for _ in range(6)))
        assert sorted(reply.status for reply in replies) == [201, *[409] * 5]


async def test_a_code_is_no_use_in_another_browser(site: Site) -> None:
    """Whoever is made to follow somebody else's link is not signed in to that account: login CSRF."""
    async with site.browser() as attacker, site.browser() as victim:
        await attacker.ok("POST", "/v1/sign-in", json={"address": "mallory@example.org"})
        code = code_in(site.mailbox, "mallory@example.org")
        assert (await victim.request("POST", "/v1/sign-in/code", json={"code": code})).code == "no_sign_in"
        await victim.ok("POST", "/v1/sign-in", json={"address": ADA})
        assert (await victim.request("POST", "/v1/sign-in/code", json={"code": code})).code == "bad_code"
        assert victim.cookies.keys() == {"spaces_browser"}


async def test_guessing_ends_after_five_attempts(site: Site) -> None:
    async with site.browser() as ada:
        await ada.ok("POST", "/v1/sign-in", json={"address": ADA})
        for _ in range(5):
            assert (await ada.request("POST", "/v1/sign-in/code", json={"code": "AAAA-AAAA-AAAA"})).code == "bad_code"
        right = {"code": code_in(site.mailbox, "Ada@example.org")}
        assert (await ada.request("POST", "/v1/sign-in/code", json=right)).code == "no_sign_in"


async def test_known_and_unknown_addresses_get_the_same_answer(site: Site) -> None:
    async with site.browser() as ada, site.browser() as prober:
        await ada.sign_in(ADA, site.mailbox)
        site.mailbox.to_recipient["refused@example.org"] = "550 no such mailbox"
        for address in (ADA, "new@example.org", "refused@example.org"):
            reply = await prober.request("POST", "/v1/sign-in", json={"address": address})
            assert (reply.status, reply.body.keys()) == (202, {"expires_at"})


NO_ADDRESSES = ["", "ada", "ada@", "a b@c.de", "ada@example.org\r\nBcc: eve@example.org", "ä@b.de"]


@pytest.mark.sqlite
async def test_what_is_no_address_is_refused_by_name(site: Site) -> None:
    async with site.browser() as ada:
        for address in NO_ADDRESSES:
            reply = await ada.request("POST", "/v1/sign-in", json={"address": address})
            assert reply.code == "bad_field", address
            assert reply.body["field"] == "address"
        assert site.mailbox.letters == []


async def test_a_mailbox_is_not_flooded(site: Site) -> None:
    async with site.browser() as ada:
        for _ in range(5):
            await ada.ok("POST", "/v1/sign-in", json={"address": ADA})
        assert (await ada.request("POST", "/v1/sign-in", json={"address": "ada@EXAMPLE.org"})).code == "too_many_mails"
        await ada.ok("POST", "/v1/sign-in", json={"address": "grace@example.org"})


async def test_nor_by_many_who_ask_at_once(world: World) -> None:
    asked = await asyncio.gather(
        *(world.access.people.ask("Ada@example.org") for _ in range(3 * MAILS_PER_QUARTER_MAX)), return_exceptions=True
    )
    assert len([one for one in asked if isinstance(one, Asked)]) == MAILS_PER_QUARTER_MAX
    assert {one.code for one in asked if isinstance(one, AccessError)} == {"too_many_mails"}


async def test_an_address_asks_for_so_many_codes_a_minute(tmp_path: Path) -> None:
    async with site_of(tmp_path, sign_ins_per_minute_max=2) as site, site.browser() as ada:
        for address in ("a@example.org", "b@example.org"):
            await ada.ok("POST", "/v1/sign-in", json={"address": address})
        reply = await ada.request("POST", "/v1/sign-in", json={"address": "c@example.org"})
        assert reply.code == "too_many_sign_ins"
        assert int(reply.headers["Retry-After"]) >= 1


@pytest.mark.sqlite
async def test_a_mail_server_that_is_away_is_told(tmp_path: Path) -> None:
    async with site_of(tmp_path, smtp_url="smtp://127.0.0.1:1") as site, site.browser() as ada:
        assert (await ada.request("POST", "/v1/sign-in", json={"address": ADA})).code == "mail_away"


@pytest.mark.sqlite
async def test_without_a_mail_server_the_code_is_in_the_log(tmp_path: Path) -> None:
    async with site_of(tmp_path, smtp_url="") as site, site.browser() as ada:
        assert (await ada.ok("GET", "/v1/sign-in"))["mail"] is False
        with capture_logs() as logs:
            await ada.ok("POST", "/v1/sign-in", json={"address": ADA})
        [link] = [line["link"] for line in logs if "sign-in code" in line["event"]]
        await ada.ok("POST", "/v1/sign-in/code", json={"code": link.partition("#code=")[2]})
        assert (await ada.ok("GET", "/v1/me"))["address"] == "Ada@example.org"


# --- sessions


@pytest.mark.sqlite
async def test_a_foreign_page_changes_nothing_with_the_cookie(site: Site) -> None:
    change = {"name": "Mallory"}
    async with site.browser() as ada:
        await ada.sign_in(ADA, site.mailbox)
        stories: tuple[dict[str, Any], ...] = (
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"Sec_Fetch_Site": "none"},
            {"Sec_Fetch_Site": "", "Origin": "https://evil.example"},
            {"Sec_Fetch_Site": "", "Origin": "null"},
            {"Sec_Fetch_Site": ""},  # nothing said at all
        )
        for said in stories:
            assert (await ada.request("PATCH", "/v1/me", json=change, **said)).code == "bad_origin", said
        own = await ada.request("PATCH", "/v1/me", json=change, Sec_Fetch_Site="", Origin=site.node.url)
        assert own.status == 200
        for path in ("/v1/sign-in", "/v1/sign-in/code", "/v1/sign-out"):
            body = {"address": ADA, "code": "x"}
            reply = await ada.request("POST", path, json=body, Sec_Fetch_Site="cross-site")
            assert reply.code == "bad_origin", path
        assert (await ada.request("GET", "/v1/me")).status == 200


async def test_the_session_opens_whatever_a_token_opens(site: Site) -> None:
    """REST, WHEP and the socket; a token that is sent along goes before the cookie."""
    host = await site.api.creator("ada")
    space = await site.api.space(host, access={"policy": "members"})
    async with site.browser() as fan:
        await fan.sign_in("fan@example.org", site.mailbox)
        rtc = RtcClient(site.api)
        try:
            path, offer = f"/v1/spaces/{space}/whep", rtc.offer_text("recvonly")
            reply = await fan.request("POST", path, data=offer.encode(), Content_Type="application/sdp")
            assert reply.status == 201
            reply = await fan.request(
                "POST", path, data=offer.encode(), Content_Type="application/sdp", Sec_Fetch_Site="cross-site"
            )
            assert reply.code == "bad_origin"
        finally:
            await rtc.close()
        mine = (await fan.ok("GET", "/v1/me"))["account"]["id"]
        assert await hello(fan, space, site.node.url) == mine
        assert await hello(fan, space, None) is None, "a client that says nothing of a page is none"
        token = person("grace").token
        named = await fan.request("GET", "/v1/me", Authorization=f"Bearer {token}")
        assert named.body["account"]["handle"] == "grace"


async def hello(browser: Browser, space: str, origin: str | None) -> str | None:
    """The account that the socket takes the browser for; None: refused."""
    headers = {} if origin is None else {"Origin": origin}
    async with browser.http.ws_connect(f"{browser.url}/v1/spaces/{space}/socket", headers=headers) as socket:
        await socket.send_json({"v": 1, "id": 1, "type": "hello", "client": "web"})
        welcome = await socket.receive_json()
        return str(welcome["you"]["account"]["id"]) if welcome["type"] == "ok" else None


async def test_signing_out_ends_the_session_for_good(site: Site) -> None:
    async with site.browser() as ada:
        await ada.sign_in(ADA, site.mailbox)
        kept = ada.cookies["spaces_session"]
        assert (await ada.request("POST", "/v1/sign-out")).status == 204
        assert "spaces_session" not in ada.cookies
        reply = await ada.request("GET", "/v1/me", Cookie=f"spaces_session={kept}")
        assert reply.code == "not_signed_in"


async def test_sessions_are_listed_and_revoked(site: Site) -> None:
    async with site.browser(user_agent="Desk") as desk, site.browser(user_agent="Phone") as phone:
        await desk.sign_in(ADA, site.mailbox)
        await phone.sign_in(ADA, site.mailbox)
        listed = (await desk.ok("GET", "/v1/me/sessions"))["sessions"]
        assert [(one["user_agent"], one["current"]) for one in listed] == [("Phone", False), ("Desk", True)]
        assert listed[0]["client_address"] == "127.0.0.1"
        async with site.browser() as other:
            await other.sign_in("other@example.org", site.mailbox)
            theirs = await other.request("DELETE", f"/v1/me/sessions/{listed[0]['id']}")
            assert theirs.code == "unknown_session"
        await desk.ok("DELETE", f"/v1/me/sessions/{listed[0]['id']}")
        assert (await phone.request("GET", "/v1/me")).code == "not_signed_in"
        await phone.sign_in(ADA, site.mailbox)
        await desk.ok("DELETE", "/v1/me/sessions")
        assert (await phone.request("GET", "/v1/me")).code == "not_signed_in"
        assert len((await desk.ok("GET", "/v1/me/sessions"))["sessions"]) == 1


# --- handles and operators


async def test_a_handle_is_chosen_once_and_resembles_nobodys(site: Site) -> None:
    async with site.browser() as ada, site.browser() as eve:
        await ada.sign_in(ADA, site.mailbox)
        await eve.sign_in("eve@example.org", site.mailbox)
        assert (await ada.ok("PATCH", "/v1/me", json={"handle": "Ada_Lill", "name": "Ada"}))["account"]["name"] == "Ada"
        assert (await ada.request("PATCH", "/v1/me", json={"handle": "countess"})).code == "handle_set"
        await ada.ok("PATCH", "/v1/me", json={"handle": "ada_lill"})  # it is that already
        for like in ("ada_lill", "adalill", "Ada-Li11", "ada.1ill", "adaIiIl"):
            assert (await eve.request("PATCH", "/v1/me", json={"handle": like})).code == "handle_taken", like
        for bad in ("admin", "Adm1n", "support", "a", "-eve", "eve-", "e" * 31, "è", "ev e"):
            reply = await eve.request("PATCH", "/v1/me", json={"handle": bad})
            assert (reply.code, reply.body["field"]) == ("bad_field", "handle"), bad
        await eve.ok("PATCH", "/v1/me", json={"handle": "eve"})
        host = await site.api.creator("eve1")  # an integration's own accounts are not asked
        assert host.handle == "eve1"
        assert (await site.api.request("PATCH", "/v1/me", by=host, json={"name": "Eve"})).code == "not_yours"


async def test_of_two_who_choose_the_same_handle_at_once_one_has_it(site: Site) -> None:
    async with site.browser() as ada, site.browser() as eve:
        await ada.sign_in(ADA, site.mailbox)
        await eve.sign_in("eve@example.org", site.mailbox)
        replies = await asyncio.gather(
            ada.request("PATCH", "/v1/me", json={"handle": "night"}),
            eve.request("PATCH", "/v1/me", json={"handle": "n1ght"}),
        )
        assert sorted(reply.status for reply in replies) == [200, 409]


async def test_an_operator_suspends_and_nobody_else_does(site: Site) -> None:
    host = await site.api.creator("ada")
    space = await site.api.space(host, access={"policy": "members"})
    async with site.browser() as boss, site.browser() as troll:
        await site.node.access.people.appoint("boss@example.org")
        await boss.sign_in("boss@example.org", site.mailbox)
        await troll.sign_in("troll@example.org", site.mailbox)
        boss_id, troll_id = [(await who.ok("GET", "/v1/me"))["account"]["id"] for who in (boss, troll)]
        assert (await troll.request("POST", f"/v1/accounts/{boss_id}/suspension")).code == "not_operator"
        assert (await troll.request("POST", "/v1/accounts/999/suspension")).code == "not_operator"
        assert (await boss.request("POST", f"/v1/accounts/{boss_id}/suspension")).code == "own_account"
        assert (await boss.request("POST", "/v1/accounts/999/suspension")).code == "unknown_account"
        assert (await boss.ok("POST", f"/v1/accounts/{troll_id}/suspension"))["status"] == "suspended"
        assert (await troll.request("GET", "/v1/me")).status == 401, "his sessions have ended"
        assert (await boss.ok("DELETE", f"/v1/accounts/{troll_id}/suspension"))["status"] == "active"
        await troll.sign_in("troll@example.org", site.mailbox)
        assert (await troll.request("GET", f"/v1/spaces/{space}")).body["you"]["admitted"] is True
        trail = await site.node.access.people.check_audit()
        assert trail.broken is None
        await site.node.access.people.dismiss("boss@example.org")
        assert (await boss.request("POST", f"/v1/accounts/{troll_id}/suspension")).code == "not_operator"
