"""Who may do what for a publication: every address that is a creator's to use, by owner, editor, host and finance, by the owner
of another publication, and by somebody who is signed in and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from spaces.signaling.routes import API
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.node import served

ROLES = ("owner", "editor", "host", "finance")
OUTSIDERS = ("rival", "stranger")

OWNER = frozenset({"owner"})
EDITORS = frozenset({"owner", "editor"})
HOSTS = frozenset({"owner", "editor", "host"})
MONEY = frozenset({"owner", "finance"})
ALL = frozenset(ROLES)


@dataclass(frozen=True)
class Act:
    """`hidden`: others do not learn that there is such a thing. `refusals`: of who may, when it has been done already."""

    method: str
    path: str
    roles: frozenset[str]
    body: Any = None
    refusals: tuple[str, ...] = ()
    hidden: bool = False
    names: dict[str, str] = field(default_factory=dict)

    @property
    def route(self) -> tuple[str, str]:
        return self.method, self.path


PRICE = {"amount_minor": 500, "currency": "USD"}
CREATOR = "/v1/creators/{handle}"
SPACE = "/v1/spaces/{space}"
ACTS = (
    Act("PATCH", CREATOR, EDITORS, {"about": "We are {role}."}),
    Act("GET", f"{CREATOR}/members", ALL),
    Act("PUT", f"{CREATOR}/members/{{account}}", OWNER, {"role": "host"}),
    Act("DELETE", f"{CREATOR}/members/{{account}}", OWNER),
    Act("POST", f"{CREATOR}/tiers", MONEY, {"name": "Another", "level": 7, "price": PRICE}),
    Act("POST", "/v1/tiers/{tier}/publish", MONEY, None, ("bad_state",)),
    Act("POST", "/v1/tiers/{tier}/prices", MONEY, PRICE | {"currency": "EUR"}),
    Act("PUT", "/v1/tiers/{tier}/benefits", MONEY, {"benefits": ["space.join"]}),
    Act("POST", "/v1/tiers/{tier}/archive", MONEY, None, ("bad_state",), names={"tier": "spare"}),
    Act("POST", f"{CREATOR}/comps", MONEY, {"account": "@fan", "tier": "{tier}"}),
    Act("GET", f"{CREATOR}/comps", MONEY),
    Act("DELETE", f"{CREATOR}/comps/{{comp}}", MONEY),
    Act("POST", f"{CREATOR}/coupons", MONEY, {"code": "by-{role}", "percent_off": 10}),
    Act("GET", f"{CREATOR}/coupons", MONEY),
    Act("DELETE", f"{CREATOR}/coupons/{{code}}", MONEY),
    Act("GET", f"{CREATOR}/subscriptions", MONEY),
    Act("GET", f"{CREATOR}/payments", MONEY),
    Act("GET", f"{CREATOR}/balance", MONEY),
    Act("GET", f"{CREATOR}/payouts", MONEY),
    Act("GET", f"{CREATOR}/payout-account", MONEY),
    Act("GET", f"{CREATOR}/statements/{{month}}", MONEY),
    Act("GET", f"{CREATOR}/gifts", MONEY),
    Act("POST", f"{CREATOR}/payouts", MONEY, {"currency": "USD"}, ("nothing_available",)),
    Act("POST", f"{CREATOR}/payout-account", MONEY, {}, ("no_accounts",)),
    Act("POST", f"{CREATOR}/payments/{{payment}}/refund", MONEY, {"amount_minor": 1}),
    Act("POST", f"{CREATOR}/newsletters", EDITORS, {"subject": "News", "markdown": "Of {role}."}),
    Act("GET", f"{CREATOR}/newsletters", EDITORS),
    Act("GET", f"{CREATOR}/newsletters/{{issue}}", EDITORS),
    Act("PATCH", f"{CREATOR}/newsletters/{{issue}}", EDITORS, {"subject": "Other news"}),
    Act("GET", f"{CREATOR}/newsletters/{{issue}}/preview", EDITORS),
    Act("POST", f"{CREATOR}/newsletters/{{issue}}/send", EDITORS, None, ("bad_state",)),
    Act("POST", f"{CREATOR}/newsletters/{{issue}}/stop", EDITORS, None, ("bad_state",)),
    Act("DELETE", f"{CREATOR}/newsletters/{{issue}}", EDITORS, None, ("bad_state", "unknown_issue")),
    Act("POST", f"{CREATOR}/communities", EDITORS, {"name": "Of {role}", "rules": "Be kind."}),
    Act("PUT", f"{CREATOR}/tiers/{{tier}}/discount", MONEY, {"percent": 10}),
    Act("DELETE", f"{CREATOR}/tiers/{{tier}}/discount", MONEY),
    Act("GET", f"{CREATOR}/merch-codes", MONEY),
    Act("GET", f"{CREATOR}/merch-codes.csv", MONEY),
    Act("DELETE", f"{CREATOR}/merch-codes/{{code}}", MONEY, None, ("unknown_code",), names={"code": "subscription"}),
    Act("POST", f"{CREATOR}/keys", MONEY, {"name": "Of {role}", "scope": "merch"}),
    Act("GET", f"{CREATOR}/keys", MONEY),
    Act("DELETE", f"{CREATOR}/keys/{{key}}", MONEY),
    Act("PUT", f"{SPACE}/ticket-offer", MONEY, {"amount_minor": 1_500, "currency": "USD", "quantity": 9}),
    Act("GET", f"{SPACE}/tickets", MONEY),
    Act("POST", "/v1/tickets/{ticket}/refund", MONEY, hidden=True),
    Act("POST", f"{SPACE}/invitations", HOSTS, {"account": "@fan"}),
    Act("GET", f"{SPACE}/invitations", HOSTS),
    Act("DELETE", f"{SPACE}/invitations/{{account}}", HOSTS),
    Act("POST", "/v1/subscriptions/{subscription}/cancel", MONEY, {"at": "now"}, hidden=True),
    Act("POST", "/v1/gifts/{gift}/refund", MONEY, hidden=True),
    Act("POST", "/v1/spaces", HOSTS, {"title": "Of {role}", "creator": "@daily", "access": {"policy": "open"}}),
)
OF_OPERATORS = {("POST", f"{CREATOR}/suspension"), ("DELETE", f"{CREATOR}/suspension")}
"""Held by test_operators.py."""
OF_FANS = {
    ("POST", f"{CREATOR}/subscriptions"),
    ("POST", f"{CREATOR}/gifts"),
    ("POST", f"{CREATOR}/merch-codes"),
}


def test_every_address_of_a_creator_is_in_the_table() -> None:
    """A new one is to say who may use it."""
    of_creators = {
        (route.method, route.path)
        for route in API
        if route.sign_in and route.path.startswith((f"{CREATOR}/", "/v1/tiers/"))
    }
    assert of_creators - OF_FANS - OF_OPERATORS - {act.route for act in ACTS} == set()
    assert {act.route for act in ACTS} <= {(route.method, route.path) for route in API}


@dataclass
class Paper:
    api: Api
    people: dict[str, Person]
    names: dict[str, str]

    async def try_(self, act: Act, role: str) -> str | None:
        """None, or what is wrong."""
        path = act.path.format(**(self.names | {to: self.names[name] for to, name in act.names.items()}))
        reply = await self.api.request(act.method, path, by=self.people[role], json=_filled(act.body, self.names, role))
        if role in act.roles:
            fine = reply.status < 300 or reply.code in act.refusals
        else:
            fine = reply.status == (404 if act.hidden else 403)
        return None if fine else f"{role}: {act.method} {path}: {reply.status} {reply.body}"


def _filled(body: Any, names: dict[str, str], role: str) -> Any:
    if isinstance(body, dict):
        return {key: _filled(value, names, role) for key, value in body.items()}
    return body.format(role=role, **names) if isinstance(body, str) else body


@pytest.fixture
async def paper(tmp_path: Path) -> AsyncIterator[Paper]:
    """A publication with a member of each role, and something of everything that it can have."""
    settings = {"smtp_url": "smtp://127.0.0.1:1", "mail_from": "Daily <daily@example.org>"}  # where nobody answers
    async with served(tmp_path, requests_per_minute_max=100_000, **settings) as api:
        people = {name: person(name) for name in (*ROLES, *OUTSIDERS, "fan", "giver", "newcomer")}
        for one in people.values():
            await api.ok("GET", "/v1/me", by=one)
        owner, fan = people["owner"], people["fan"]
        for handle, founder in (("daily", owner), ("weekly", people["rival"])):
            await api.ok("POST", "/v1/creators", by=founder, json={"handle": handle, "kind": "publication"})
        for role in ROLES[1:]:
            await api.ok("PUT", f"/v1/creators/daily/members/@{role}", by=owner, json={"role": role})
        names = {"handle": "daily", "account": "@newcomer", "month": "2026-01"}
        for name, level in (("tier", 1), ("spare", 2)):
            made = {"name": name, "level": level, "price": PRICE}
            names[name] = (await api.ok("POST", "/v1/creators/daily/tiers", by=owner, json=made))["id"]
        names |= {"subscription": await api.subscribe(fan, Person("daily", ""), names["tier"])}
        names["payment"] = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"][0]["id"]
        gift = await api.ok(
            "POST", "/v1/creators/daily/gifts", by=people["giver"], json={"tier": names["tier"], "recipient": "@fan"}
        )
        await api.ok("POST", gift["checkout_url"], json={"outcome": "succeed"})
        names["gift"] = gift["id"]
        comp = {"account": "@giver", "tier": names["spare"]}
        names["comp"] = (await api.ok("POST", "/v1/creators/daily/comps", by=owner, json=comp))["id"]
        names["code"] = "spring"
        await api.ok("POST", "/v1/creators/daily/coupons", by=owner, json={"code": "spring", "percent_off": 5})
        issue = {"subject": "First", "markdown": "Hello."}
        names["issue"] = (await api.ok("POST", "/v1/creators/daily/newsletters", by=owner, json=issue))["id"]
        key = {"name": "Shop", "scope": "merch"}
        names["key"] = (await api.ok("POST", "/v1/creators/daily/keys", by=owner, json=key))["id"]
        space = {"title": "A talk", "creator": "@daily", "access": [{"policy": "ticketed"}, {"policy": "invite"}]}
        names["space"] = (await api.ok("POST", "/v1/spaces", by=owner, json=space))["id"]
        offer = {"amount_minor": 1_500, "currency": "USD", "quantity": 9}
        await api.ok("PUT", f"/v1/spaces/{names['space']}/ticket-offer", by=owner, json=offer)
        ticket = await api.ok("POST", f"/v1/spaces/{names['space']}/tickets", by=fan)
        await api.ok("POST", ticket["checkout_url"], json={"outcome": "succeed"})
        names["ticket"] = ticket["id"]
        yield Paper(api, people, names)


@pytest.mark.thorough
async def test_each_role_may_what_the_table_says_and_no_more(paper: Paper) -> None:
    wrong = []
    for act in ACTS:
        others = [role for role in (*OUTSIDERS, *ROLES) if role not in act.roles]
        for role in (*others, *sorted(act.roles)):  # who may does it last, and changes what there is
            wrong.append(await paper.try_(act, role))
    assert "\n".join(what for what in wrong if what) == ""


async def test_a_role_that_was_taken_back_is_worth_nothing(paper: Paper) -> None:
    api, people = paper.api, paper.people

    async def roles(name: str) -> list[tuple[str, str]]:
        creators = (await api.ok("GET", "/v1/me/creators", by=people[name]))["creators"]
        return [(creator["handle"], creator["role"]) for creator in creators]

    assert [await roles(name) for name in (*ROLES, "rival", "stranger")] == [
        *([("daily", role)] for role in ROLES), [("weekly", "owner")], [],
    ]  # fmt: skip
    await api.ok("DELETE", "/v1/creators/daily/members/@finance", by=people["finance"])  # leaves by himself
    await api.ok("PUT", "/v1/creators/daily/members/@editor", by=people["owner"], json={"role": "host"})
    await api.ok("POST", "/v1/creators", by=people["editor"], json={"handle": "editor"})
    assert await roles("finance") == []
    assert await roles("editor") == [("editor", "owner"), ("daily", "host")], "oneself first"
    for role, path in (("finance", "balance"), ("editor", "newsletters")):
        assert (await api.request("GET", f"/v1/creators/daily/{path}", by=people[role])).status == 403
    alone = await api.request("DELETE", "/v1/creators/daily/members/@owner", by=people["owner"])
    assert (alone.status, alone.code) == (409, "last_owner")
    gone = await api.request("POST", "/v1/me/deletion", by=people["owner"], json={"confirm": "delete my account"})
    assert (gone.status, gone.code) == (409, "last_owner")
