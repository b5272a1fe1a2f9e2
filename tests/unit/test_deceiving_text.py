"""What turns the direction of text is in nothing that others are shown: no title, topic, name or reason reads as another."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access import fields
from access.tokens import Identity, make_account_token
from spaces.signaling import patterns
from tests.harness.accounts import API_KEY, API_SECRET, Person, person
from tests.harness.api import Api
from tests.harness.channel import entered

pytestmark = [pytest.mark.thorough, pytest.mark.sqlite]

OVERRIDE = "photo_\u202egpj.exe"


def test_requests_and_access_mean_the_same_characters() -> None:
    assert {chr(code) for code in range(0x3000) if re.match(f"[{patterns.TURNING}]", chr(code))} == fields.TURNING


async def test_an_override_is_refused_wherever_people_write_what_others_read(api: Api) -> None:
    host, bob = await api.creator("ada"), person("bob")
    await api.ok("GET", "/v1/me", by=bob)
    space, tier = await api.space(host), await api.tier(host)
    price = {"amount_minor": 499, "currency": "USD"}
    open_space: dict[str, Any] = {"title": "A talk", "access": {"policy": "open"}}
    asked: list[tuple[str, str, dict[str, Any], str]] = [
        ("POST", "/v1/spaces", open_space | {"title": OVERRIDE}, "title"),
        ("POST", "/v1/spaces", open_space | {"topics": ["jazz", OVERRIDE]}, "topics[1]"),
        ("PATCH", f"/v1/spaces/{space}", {"title": OVERRIDE}, "title"),
        ("POST", f"/v1/spaces/{space}/blocks", {"account": "@bob", "reason": OVERRIDE}, "reason"),
        ("POST", f"/v1/spaces/{space}/reports", {"reason": "abuse", "detail": f"He says\n{OVERRIDE}"}, "detail"),
        ("POST", f"/v1/spaces/{space}/guests", {"token": "x", "name": OVERRIDE}, "name"),
        ("PATCH", "/v1/creators/ada", {"about": OVERRIDE}, "about"),
        ("POST", "/v1/creators/ada/tiers", {"name": OVERRIDE, "level": 2, "price": price}, "name"),
        ("POST", "/v1/creators/ada/newsletters", {"subject": OVERRIDE, "markdown": "x", "tier": tier}, "subject"),
        ("POST", "/v1/creators/ada/communities", {"name": OVERRIDE}, "name"),
    ]
    for method, path, body, field in asked:
        by: Person | None = None if path.endswith("/guests") else host
        reply = await api.request(method, path, by=by, json=body)
        assert (reply.status, reply.body.get("field")) == (422, field), (path, reply.body)
    reply = await api.request("POST", "/v1/creators", by=bob, json={"handle": "bob", "name": OVERRIDE})
    assert (reply.status, reply.body["field"]) == (422, "name")
    async with entered(api, space, host) as (ada, welcome):
        me = welcome["you"]["account"]["id"]
        refused = (await ada.request("account.block", account=me, reason=OVERRIDE))["problem"]
        assert (refused["status"], refused["field"]) == (422, "reason")
        refused = (await ada.request("report", account=me, reason="abuse", detail=OVERRIDE))["problem"]
        assert (refused["status"], refused["field"]) == (422, "detail")


async def test_a_name_that_an_integrator_vouches_for_is_shown_without_it(api: Api) -> None:
    for name, shown in (("\u202eBob \u2067B\u2069.", "Bob B."), ("\u202e", "")):
        identity = Identity(f"sub-{len(name)}", name, None)
        token = make_account_token(API_KEY, API_SECRET, identity, now=datetime.now(UTC), lifetime=timedelta(hours=1))
        told = (await api.ok("GET", "/v1/me", by=Person("bob", token)))["account"]["name"]
        assert fields.TURNING.isdisjoint(told)
        assert not shown or told == shown
