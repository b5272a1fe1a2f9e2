"""TURN: credentials as Debian's coturn takes them, given to those who may come in, by every way; and the doctor's own look."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aioice import stun

from access.service import utcnow
from spaces import turn_check
from spaces.config import ConfigError
from spaces.signaling.messages import IceServer
from spaces.signaling.turn import LIFETIME, ice_servers, link_headers
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.coturn import SECRET, coturn
from tests.harness.node import node_config, served

pytestmark = pytest.mark.sqlite

TURN: dict[str, Any] = {
    "turn_urls": ("turn:turn.example:3478?transport=tcp", "turns:turn.example:443"),
    "turn_secret": SECRET,
}
LINK = re.compile(
    r'<(?P<url>turns?:[^>]+)>; rel="ice-server"; username="(?P<username>\d+:[^"]+)"; '
    r'credential="(?P<credential>[A-Za-z0-9+/=]+)"; credential-type="password"'
)


async def options(api: Api, path: str, token: str | None = None, **headers: str) -> list[str]:
    """Its Link headers."""
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with api.http.request("OPTIONS", f"{api.url}{path}", headers=headers) as reply:
        assert reply.status == 204
        return list(reply.headers.getall("Link", []))


async def test_who_may_come_in_is_told_the_relay_before_the_offer_and_nobody_else(tmp_path: Path) -> None:
    async with served(tmp_path, **TURN) as api:
        host, fan, other = await api.creator("ada"), person("bob"), person("cleo")
        await api.subscribe(fan, host, await api.tier(host))
        await api.ok("GET", "/v1/me", by=other)
        space = await api.space(host, access={"policy": "subscribers"}, live=False)
        whip, whep = f"/v1/spaces/{space}/whip", f"/v1/spaces/{space}/whep"
        assert await options(api, whep, fan.token) == [], "not before the start"
        assert len(await options(api, whip, host.token)) == 2, "the green room"
        await api.ok("POST", f"/v1/spaces/{space}/start", by=host)
        links = await options(api, whep, fan.token)
        found = [LINK.fullmatch(link) for link in links]
        assert [link and link["url"] for link in found] == list(TURN["turn_urls"])
        me = (await api.ok("GET", "/v1/me", by=fan))["account"]["id"]
        assert found[0] is not None
        until, owner = found[0]["username"].split(":")
        assert owner == me
        left = int(until) - utcnow().timestamp()
        assert 0 < left <= LIFETIME.total_seconds()
        minted = await api.ok("POST", f"/v1/spaces/{space}/admissions", by=fan)
        for path, token in (
            (whep, None),
            (whep, other.token),
            (whep, "nonsense"),
            (whep, minted["join_token"]),
            (whip, fan.token),
        ):
            assert await options(api, path, token) == [], (path, token)
        assert (await api.request("OPTIONS", "/v1/spaces/nowhere/whep", by=fan)).status == 404
        preflight = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
        assert await options(api, whep, fan.token, **preflight) == []
        assert len(await options(api, whep, fan.token)) == 2


async def test_a_node_without_turn_tells_of_none(tmp_path: Path) -> None:
    async with served(tmp_path) as api:
        host = await api.creator("ada")
        space = await api.space(host)
        assert await options(api, f"/v1/spaces/{space}/whep", host.token) == []


async def test_the_socket_hands_them_out_with_an_offer(tmp_path: Path) -> None:
    async with served(tmp_path, **TURN) as api:
        host = await api.creator("ada")
        space = await api.space(host)
        async with entered(api, space, host) as (channel, welcome):
            await channel.ok("listen")
            offer = await channel.event("offer")
            [server] = offer["ice_servers"]
            assert server["urls"] == list(TURN["turn_urls"])
            assert server["username"].endswith(f":{welcome['you']['account']['id']}")


@pytest.mark.parametrize(
    ("urls", "secret"),
    [
        (("turn:turn.example",), ""),
        ((), SECRET),
        (("turn://turn.example",), SECRET),
        (("https://turn.example",), SECRET),
        (('turn:turn.example>; rel="x"',), SECRET),
        (("turn:turn.example?transport=sctp",), SECRET),
    ],
)
def test_what_is_no_turn_server_is_not_configured(tmp_path: Path, urls: tuple[str, ...], secret: str) -> None:
    with pytest.raises(ConfigError, match="turn_"):
        node_config(tmp_path, turn_urls=urls, turn_secret=secret)


@pytest.mark.needs("coturn")
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_coturn_takes_a_credential_until_its_time_and_no_other(tmp_path: Path, transport: str) -> None:
    with coturn(tmp_path, udp=transport == "udp") as server:
        url = server.udp if transport == "udp" else server.tcp
        config = node_config(tmp_path, turn_urls=(url,), turn_secret=SECRET)
        address = turn_check.read_url(url)

        async def allocate(username: str, credential: str) -> None:
            async with turn_check.allocated(address, username, credential) as client:
                assert client.relayed_address is not None
                assert client.relayed_address[0] == "127.0.0.1"

        [good] = ice_servers(config, "17", utcnow())
        await allocate(good.username, good.credential)
        [old] = ice_servers(config, "17", utcnow() - LIFETIME - timedelta(seconds=5))
        for username, credential in (
            (old.username, old.credential),
            (good.username, old.credential),
            (good.username.replace(":17", ":18"), good.credential),
            (f"{int(utcnow().timestamp()) + 90_000}:17", good.credential),
        ):
            with pytest.raises(stun.TransactionFailed, match="401"):
                await allocate(username, credential)


@pytest.mark.needs("coturn")
async def test_the_doctor_makes_an_allocation_and_looks_where_it_leads(tmp_path: Path) -> None:
    ours = ("--allowed-peer-ip=127.0.0.1", "--denied-peer-ip=0.0.0.0-255.255.255.255")
    with coturn(tmp_path, *ours) as server:

        async def said(**changes: Any) -> list[tuple[str, str, str]]:
            usual: dict[str, Any] = {
                "turn_urls": (server.tcp,),
                "turn_secret": SECRET,
                "public_addresses": ("127.0.0.1",),
            }
            found = await turn_check.examine(node_config(tmp_path, udp_port=9_000, **(usual | changes)), utcnow())
            return [(one.state, one.what, one.advice) for one in found]

        assert [state for state, *_ in await said()] == ["ok"]
        [(state, what, advice)] = await said(public_addresses=("203.0.113.5",))
        assert (state, "203.0.113.5" in what, "allowed-peer-ip" in advice) == ("fail", True, True)
        [(state, what, advice)] = await said(turn_secret="another")
        assert (state, "static-auth-secret" in advice) == ("fail", True)
        [(state, what, advice)] = await said(turn_urls=("turn:127.0.0.1:9?transport=tcp",))
        assert (state, "cannot be used" in what) == ("fail", True)
        assert [state for state, *_ in await said(turn_urls=(), turn_secret="")] == ["warn"]
    with coturn(tmp_path) as server:
        [(state, what, _)] = await said()
        assert (state, "private networks" in what) == ("warn", True)


def test_links_say_what_the_rfc_has_them_say() -> None:
    server = IceServer(urls=["turn:a.example", "turns:a.example"], username="1:2", credential="c=")
    assert link_headers([server]) == [
        f'<{url}>; rel="ice-server"; username="1:2"; credential="c="; credential-type="password"'
        for url in ("turn:a.example", "turns:a.example")
    ]
