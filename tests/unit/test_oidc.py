"""Signing in at an OpenID provider, over real HTTP: whom it vouches for has a session, and nobody whom it does not."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm

from access.sessions import Client
from spaces.config import ConfigError
from spaces.doctor import examine
from spaces.node import Node
from tests.harness.api import Reply, read_reply
from tests.harness.node import node_config, running
from tests.harness.oidc_provider import CLIENT_ID, CLIENT_SECRET, Claims, Provider, new_key, provider

pytestmark = pytest.mark.thorough


@dataclass
class Browser:
    """Keeps cookies and follows no redirect by itself."""

    node: Node
    http: aiohttp.ClientSession

    async def get(self, address: str, *, accept: str = "*/*") -> tuple[Reply, str]:
        """The answer, and where it leads."""
        where = address if address.startswith("http") else self.node.url + address
        async with self.http.get(where, allow_redirects=False, headers={"Accept": accept}) as answer:
            reply = await read_reply(answer)
            return reply, reply.headers.get("Location", "")

    async def at_the_provider(self) -> str:
        """Signed in there; the address that leads back."""
        reply, there = await self.get("/v1/sign-in/oidc")
        assert reply.status == 303
        _, back = await self.get(there)
        return back

    async def sign_in(self) -> Reply:
        return (await self.get(await self.at_the_provider()))[0]

    async def me(self) -> Reply:
        return (await self.get("/v1/me"))[0]


@asynccontextmanager
async def browser(node: Node) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(node, http)


@dataclass
class House:
    node: Node
    provider: Provider
    browser: Browser


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with provider() as made:
        settings = {"oidc_issuer": made.url, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
        async with running(tmp_path, sign_ins_per_minute_max=100, **settings) as node, browser(node) as there:
            yield House(node, made, there)


async def test_whoever_the_provider_vouches_for_is_signed_in_and_is_the_same_next_time(house: House) -> None:
    methods, _ = await house.browser.get("/v1/sign-in")
    assert methods.body["oidc"] == "127.0.0.1"
    reply, where = await house.browser.get(await house.browser.at_the_provider())
    assert (reply.status, where) == (303, "/sign-in#signed-in")
    first = (await house.browser.me()).body
    assert first["account"]["name"] == "Ada"
    sessions, _ = await house.browser.get("/v1/me/sessions")
    assert [one["method"] for one in sessions.body["sessions"]] == ["oidc"]
    async with browser(house.node) as other:
        await other.sign_in()
        assert (await other.me()).body["account"]["id"] == first["account"]["id"]
    house.provider.person["sub"] = "grace-2"
    async with browser(house.node) as other:
        await other.sign_in()
        assert (await other.me()).body["account"]["id"] != first["account"]["id"]
    assert house.provider.asked.count("/keys") == 1, "keys are kept"
    assert house.provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize("verified", [False, None, "true", 1, True])
async def test_an_address_takes_nobodys_account_over(house: House, verified: Any) -> None:
    people = house.node.access.people
    asked = await people.ask("ada@example.org")
    owner = (await people.answer(asked.browser, asked.code, Client("a browser", "203.0.113.7"))).account
    house.provider.spoil["email_verified"] = verified
    await house.browser.sign_in()
    me = (await house.browser.me()).body
    assert me["account"]["id"] != str(owner.id)
    assert me["address"] is None


@pytest.mark.parametrize("verified", [False, "true", True])
async def test_only_a_verified_address_is_kept(house: House, verified: Any) -> None:
    house.provider.spoil["email_verified"] = verified
    await house.browser.sign_in()
    assert (await house.browser.me()).body["address"] == ("ada@example.org" if verified is True else None)


def without_signature(made: Provider, claims: Claims) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": made.kid})


def with_another_key(made: Provider, claims: Claims) -> str:
    return jwt.encode(claims, new_key(), algorithm="RS256", headers={"kid": made.kid})


def with_an_unknown_key(made: Provider, claims: Claims) -> str:
    return jwt.encode(claims, new_key(), algorithm="RS256", headers={"kid": "other"})


def with_the_public_key_as_a_secret(made: Provider, claims: Claims) -> str:
    """The classic confusion of HMAC with RSA."""
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = made.key.public_key().public_bytes(*form)
    header = {"alg": "HS256", "kid": made.kid, "typ": "JWT"}

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    text = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.digest(secret, text.encode(), 'sha256'))}"


def with_the_clients_secret(made: Provider, claims: Claims) -> str:
    return jwt.encode(claims, CLIENT_SECRET, algorithm="HS256", headers={"kid": made.kid})


def with_a_key_of_its_own(made: Provider, claims: Claims) -> str:
    """It brings the key along that it is signed with."""
    key = new_key()
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": made.kid, "jwk": public})


def with_other_claims(made: Provider, claims: Claims) -> str:
    head, _, signature = made.signed(claims).split(".")
    _, body, _ = made.signed(claims | {"sub": "somebody-else"}).split(".")
    return f"{head}.{body}.{signature}"


FORGERIES: list[Callable[[Provider, Claims], str]] = [
    without_signature,
    with_another_key,
    with_an_unknown_key,
    with_the_public_key_as_a_secret,
    with_the_clients_secret,
    with_a_key_of_its_own,
    with_other_claims,
    lambda made, claims: "no token",
    lambda made, claims: "a" * 20_000,
    lambda made, claims: made.signed(claims) + "A" * 4,
]


@pytest.mark.sqlite
async def test_a_token_that_the_provider_has_not_signed_is_refused(house: House) -> None:
    for number, forge in enumerate(FORGERIES):
        house.provider.sign = forge
        reply = await house.browser.sign_in()
        assert (reply.status, reply.code) == (403, "oidc_token"), number
        assert (await house.browser.me()).status == 401


OTHER_CLAIMS: list[Claims] = [
    {"aud": "another client"},
    {"aud": None},
    {"aud": ["another client"]},
    {"aud": [CLIENT_ID, "another client"]},
    {"azp": "another client"},
    {"iss": "https://another.example"},
    {"iss": None},
    {"nonce": "another"},
    {"nonce": None},
    {"nonce": 7},
    {"exp": 1_000_000_000},
    {"exp": None},
    {"exp": "tomorrow"},
    {"exp": True},
    {"iat": 9_999_999_999},
    {"iat": None},
    {"sub": None},
    {"sub": ""},
    {"sub": 7},
    {"sub": "x" * 256},
    {"sub": "nul\0"},
]


@pytest.mark.sqlite
async def test_a_token_that_says_something_else_is_refused(house: House) -> None:
    for spoil in OTHER_CLAIMS:
        house.provider.spoil = spoil
        reply = await house.browser.sign_in()
        assert (reply.status, reply.code) == (403, "oidc_token"), spoil
        assert (await house.browser.me()).status == 401


@pytest.mark.sqlite
async def test_several_audiences_are_fine_if_it_was_given_to_us(house: House) -> None:
    house.provider.spoil = {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}
    assert (await house.browser.sign_in()).status == 303


async def test_a_sign_in_counts_only_in_the_browser_that_began_it_and_once(house: House) -> None:
    back = await house.browser.at_the_provider()
    async with browser(house.node) as victim:
        assert (await victim.get(back))[0].code == "oidc_state"
        await victim.at_the_provider()
        assert (await victim.get(back))[0].code == "oidc_state", "begun here, but this is another's answer"
        assert (await victim.me()).status == 401
    changed, _ = await house.browser.get(back.replace("state=", "state=x"))
    assert changed.code == "oidc_state"
    foreign, _ = await house.browser.get(back.replace("iss=http", "iss=https"))
    assert foreign.code == "oidc_refused"
    assert (await house.browser.get(back))[0].status == 303
    again, _ = await house.browser.get(back)
    assert again.code == "oidc_state"


@pytest.mark.sqlite
@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=made-up"])
async def test_an_answer_without_a_good_code_signs_nobody_in(house: House, query: str) -> None:
    back = await house.browser.at_the_provider()
    state = back.split("state=")[1].split("&")[0]
    reply, _ = await house.browser.get(f"/v1/sign-in/oidc/callback{query or '?'}&state={state}")
    assert (reply.status, reply.code) == (403, "oidc_refused")


@pytest.mark.sqlite
async def test_a_person_reads_what_went_wrong_on_the_page(house: House) -> None:
    back = await house.browser.at_the_provider()
    state = back.split("state=")[1].split("&")[0]
    async with browser(house.node) as other:
        for address, trouble in (
            (back, "oidc_state"),
            (f"/v1/sign-in/oidc/callback?error=access_denied&state={state}", "oidc_refused"),
        ):
            there = other if trouble == "oidc_state" else house.browser
            reply, where = await there.get(address, accept="text/html,application/xhtml+xml,*/*;q=0.8")
            assert (reply.status, where) == (303, f"/sign-in#trouble={trouble}")
            page, _ = await there.get(where, accept="text/html")
            assert page.status == 200
            assert (await there.me()).status == 401


async def test_a_verifier_of_another_browser_redeems_no_code(house: House) -> None:
    """A code that leaked is worth nothing: PKCE."""
    stolen = (await house.browser.at_the_provider()).split("code=")[1].split("&")[0]
    async with browser(house.node) as thief:
        own = await thief.at_the_provider()
        code = own.split("code=")[1].split("&")[0]
        reply, _ = await thief.get(own.replace(code, stolen))
        assert (reply.status, reply.code) == (403, "oidc_refused")


@pytest.mark.sqlite
async def test_keys_that_have_changed_are_fetched_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spaces.oidc.provider.REFETCH_SECONDS", 0.0)
    assert (await house.browser.sign_in()).status == 303
    house.provider.key, house.provider.kid = new_key(), "second"
    async with browser(house.node) as other:
        assert (await other.sign_in()).status == 303
    assert house.provider.asked.count("/keys") == 2


@pytest.mark.sqlite
async def test_a_provider_that_is_away_or_another_is_503_and_the_doctor_says_so(tmp_path: Path) -> None:
    async with provider() as made:
        right = made.url
    settings = {"oidc_issuer": right, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
    async with running(tmp_path, **settings) as node, browser(node) as there:
        reply, _ = await there.get("/v1/sign-in/oidc")
        assert (reply.status, reply.code) == (503, "oidc_away")
    found = [str(one) for one in await examine(node_config(tmp_path, **settings))]
    assert [one for one in found if "OpenID provider cannot be used" in one]


@pytest.mark.sqlite
async def test_the_doctor_has_asked_the_provider(tmp_path: Path) -> None:
    async with provider() as made:
        settings = {"oidc_issuer": made.url, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET}
        found = [str(one) for one in await examine(node_config(tmp_path, **settings))]
        assert [one for one in found if "may sign in at 127.0.0.1" in one]
        lying = settings | {"oidc_issuer": f"{made.url}/"}
        found = [str(one) for one in await examine(node_config(tmp_path, **lying))]
        assert [one for one in found if "it calls itself" in one]


@pytest.mark.sqlite
async def test_without_a_provider_there_is_no_such_way(node: Node) -> None:
    async with browser(node) as there:
        assert (await there.get("/v1/sign-in"))[0].body["oidc"] is None
        assert (await there.get("/v1/sign-in/oidc"))[0].code == "no_oidc"
        assert (await there.get("/v1/sign-in/oidc/callback?code=x"))[0].code == "no_oidc"


@pytest.mark.parametrize(
    "changes",
    [
        {"oidc_issuer": "https://id.example"},
        {"oidc_issuer": "https://id.example", "oidc_client_id": "x"},
        {"oidc_issuer": "http://id.example", "oidc_client_id": "x", "oidc_client_secret": "y"},
        {"oidc_issuer": "https://id.example/?a=b", "oidc_client_id": "x", "oidc_client_secret": "y"},
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="oidc_issuer"):
        node_config(tmp_path, **changes)
