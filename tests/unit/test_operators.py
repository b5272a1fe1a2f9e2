"""What operators do, over HTTP and from the command line: reports, suspensions, settings. Everything is audited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from access.errors import AccessError
from access.sessions import Client
from spaces.__main__ import make_parser
from spaces.config import Config
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.database import fresh_database_url
from tests.harness.eventually import until, until_so
from tests.harness.node import running
from tests.harness.world import World

pytestmark = pytest.mark.thorough

HTTP_OF_AN_OPERATOR = (
    ("GET", "/v1/reports", None),
    ("GET", "/v1/reports/1", None),
    ("POST", "/v1/reports/1/close", {"outcome": "acted"}),
    ("POST", "/v1/accounts/@ada/suspension", None),
    ("DELETE", "/v1/accounts/@ada/suspension", None),
    ("POST", "/v1/creators/ada/suspension", None),
    ("DELETE", "/v1/creators/ada/suspension", None),
    ("POST", "/v1/spaces/nowhere/suspension", None),
    ("DELETE", "/v1/spaces/nowhere/suspension", None),
    ("GET", "/v1/operator/suspensions", None),
    ("GET", "/v1/operator/search?q=ada", None),
    ("GET", "/v1/operator/accounts/@ada", None),
    ("GET", "/v1/operator/payments/1", None),
    ("GET", "/v1/operator/settings", None),
    ("PATCH", "/v1/operator/settings", {"settings": {"speakers_max": 1}}),
)


@pytest.fixture
async def boss(api: Api, node: Node) -> Person:
    boss = person("boss")
    await api.ok("GET", "/v1/me", by=boss)
    await node.access.people.appoint("@boss")
    return boss


async def code(api: Api, method: str, path: str, by: Person | None, json: Any = None) -> tuple[int, str]:
    reply = await api.request(method, path, by=by, json=json)
    return reply.status, reply.code


async def command_line(node: Node, *words: str) -> int:
    """`spaces admin …` beside the running node, on its database."""
    options = make_parser().parse_args(["admin", *words])
    return int(await options.run(node.config, options))


async def test_all_of_it_is_for_operators_alone(api: Api, node: Node, boss: Person) -> None:
    await api.creator("ada")
    for method, path, body in HTTP_OF_AN_OPERATOR:
        assert await code(api, method, path, person("bob"), body) == (403, "not_operator"), path
        assert await code(api, method, path, None, body) == (401, "not_signed_in"), path
    await node.access.people.dismiss("@boss")
    assert await code(api, "GET", "/v1/reports", boss) == (403, "not_operator")


async def test_a_payment_is_found_by_its_receipt_and_paid_back_with_a_reason(
    api: Api, node: Node, boss: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not told whose it is; the payer reads why."""
    host, fan = await api.creator("ada"), person("fan")
    await api.subscribe(fan, host, await api.tier(host))
    [paid] = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"]
    found = await api.ok("GET", f"/v1/operator/payments/{paid['id']}", by=boss)
    assert (found["creator"]["handle"], found["left_minor"]) == ("ada", paid["gross_minor"])
    assert "fan" not in str(found).lower()
    for number in ("999", "no-number"):
        assert await code(api, "GET", f"/v1/operator/payments/{number}", boss) == (404, "unknown_payment")
    path = f"/v1/creators/ada/payments/{paid['id']}/refund"
    body = {"amount_minor": 150, "reason": "  The evening was cut short. "}
    await api.ok("POST", path, by=boss, json=body)
    assert await code(api, "POST", path, boss, {"reason": "two\nlines"}) == (422, "bad_field")
    assert await command_line(node, "refund", "ada", paid["id"], "--amount", "100", "--reason", "Sorry.") == 0
    assert f"250 of {paid['gross_minor']} USD" in capsys.readouterr().out
    [paid] = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"]
    asked = [(one["amount_minor"], one["reason"]) for one in paid["refunds_asked"]]
    assert asked == [(150, "The evening was cut short."), (100, "Sorry.")]
    [seen] = (await api.ok("GET", "/v1/creators/ada/payments", by=host))["payments"]
    assert seen["refunds_asked"] == paid["refunds_asked"]
    left = await api.ok("GET", f"/v1/operator/payments/{paid['id']}", by=boss)
    assert left["left_minor"] == paid["gross_minor"] - 250
    subscription = paid["purchase"].removeprefix("subscription:")
    await api.ok("POST", f"/v1/subscriptions/{subscription}/cancel", by=fan)
    await api.ok("POST", "/v1/me/deletion", by=fan, json={"confirm": "delete my account"})
    [seen] = (await api.ok("GET", "/v1/creators/ada/payments", by=host))["payments"]
    assert [one["reason"] for one in seen["refunds_asked"]] == ["", ""], (
        "what was written to somebody who is nobody now"
    )


async def test_a_report_is_looked_at_and_closed_with_a_note(api: Api, boss: Person) -> None:
    host, bob = await api.creator("ada"), person("bob")
    space = await api.space(host)
    body = {"reason": "abuse", "detail": "He shouts.", "account": "@ada"}
    await api.ok("POST", f"/v1/spaces/{space}/reports", by=bob, json=body)
    [report] = (await api.ok("GET", "/v1/reports", by=boss))["reports"]
    assert (await api.ok("GET", f"/v1/reports/{report['id']}", by=boss)) == report
    assert (report["detail"], report["account"]["handle"], report["space"]) == ("He shouts.", "ada", space)
    assert (await api.ok("GET", "/v1/operator/accounts/@ada", by=boss))["reports"] == [report]
    outcome = {"outcome": "acted", "note": "Warned him."}
    closed = await api.ok("POST", f"/v1/reports/{report['id']}/close", by=boss, json=outcome)
    assert (closed["outcome"], closed["note"], closed["closed_by"]["handle"]) == ("acted", "Warned him.", "boss")
    assert await code(api, "POST", f"/v1/reports/{report['id']}/close", boss, outcome) == (409, "closed")
    assert (await api.ok("GET", "/v1/reports", by=boss))["reports"] == []
    (told,) = (await api.ok("GET", "/v1/me/export", by=bob))["tables"]["reports"]
    assert told["outcome"] == outcome["outcome"], "the reporter hears what came of it"
    assert not {"note", "closed_by"} & told.keys(), "but neither what operators say among themselves nor who it was"
    assert await code(api, "GET", "/v1/reports/99", boss) == (404, "unknown_report")


async def test_a_suspended_account_is_out_everywhere_and_back_when_lifted(api: Api, boss: Person) -> None:
    host, bob = await api.creator("ada"), person("bob")
    space = await api.space(host)
    async with entered(api, space, bob) as (channel, _):
        done = await api.ok("POST", "/v1/accounts/@bob/suspension", by=boss, json={"reason": "He shouts."})
        assert (done["status"], done["reason"], done["by"]["handle"]) == ("suspended", "He shouts.", "boss")
        assert (await channel.event("evicted"))["problem"]["code"] == "suspended"
    you = (await api.ok("GET", f"/v1/spaces/{space}", by=bob))["you"]
    assert you["problem"]["code"] == "suspended"
    for method, path, body in (
        ("POST", f"/v1/spaces/{space}/reports", {"reason": "spam"}),
        ("POST", "/v1/creators", {"handle": "bob"}),
        ("POST", f"/v1/spaces/{space}/admissions", None),
    ):
        assert await code(api, method, path, bob, body) == (403, "suspended")
    again = await api.ok("POST", "/v1/accounts/@bob/suspension", by=boss)
    assert again["reason"] == "He shouts.", "it stands as it began"
    assert (await api.ok("DELETE", "/v1/accounts/@bob/suspension", by=boss))["status"] == "active"
    async with entered(api, space, bob):
        pass
    assert await code(api, "POST", "/v1/accounts/@boss/suspension", boss) == (409, "own_account")
    file = await api.ok("GET", "/v1/operator/accounts/@bob", by=boss)
    assert [(one["scope"], one["status"]) for one in file["suspensions"]] == [("account", "active")]


async def test_a_suspended_space_ends_and_is_not_entered(api: Api, boss: Person) -> None:
    host, bob = await api.creator("ada"), person("bob")
    space, other = await api.space(host), await api.space(host)
    async with entered(api, space, bob) as (channel, _), entered(api, other, bob):
        await api.ok("POST", f"/v1/spaces/{space}/suspension", by=boss)
        assert (await channel.event("evicted"))["problem"]["code"] == "space_suspended"
    await until_so(lambda: ended(api, space))
    assert (await api.ok("GET", f"/v1/spaces/{other}"))["state"] == "live"
    planned = await api.space(host, live=False)
    await api.ok("POST", f"/v1/spaces/{planned}/suspension", by=boss)
    assert await code(api, "POST", f"/v1/spaces/{planned}/start", host) == (403, "space_suspended")
    assert (await api.ok("GET", f"/v1/spaces/{planned}"))["you"]["problem"]["code"] == "space_suspended"
    await api.ok("DELETE", f"/v1/spaces/{planned}/suspension", by=boss)
    assert (await api.ok("POST", f"/v1/spaces/{planned}/start", by=host))["state"] == "live"


async def ended(api: Api, space: str) -> bool:
    return bool((await api.ok("GET", f"/v1/spaces/{space}"))["state"] == "ended")


async def test_a_suspended_creator_has_no_live_space_and_sells_nothing(api: Api, node: Node, boss: Person) -> None:
    host, fan, other = await api.creator("ada"), person("bob"), person("cleo")
    tier = await api.tier(host)
    await api.subscribe(fan, host, tier)
    space = await api.space(host, access={"policy": "subscribers"})
    async with entered(api, space, fan) as (channel, _), entered(api, space, host) as (ada, _):
        await api.ok("POST", "/v1/creators/ada/suspension", by=boss)
        for one in (channel, ada):
            assert (await one.event("evicted"))["problem"]["code"] == "creator_suspended"
    await until_so(lambda: ended(api, space))
    planned = await code(api, "POST", "/v1/spaces", host, {"title": "Again", "access": {"policy": "open"}})
    assert planned == (403, "creator_suspended")
    for path in ("/v1/creators/ada/subscriptions", "/v1/creators/ada/gifts"):
        body = {"tier": tier} if path.endswith("subscriptions") else {"tier": tier, "months": 1}
        assert await code(api, "POST", path, other, body) == (403, "creator_suspended")

    async def renews() -> bool:
        [mine] = (await api.ok("GET", "/v1/me/subscriptions", by=fan))["subscriptions"]
        return not mine["cancel_at_period_end"]

    await until_so(lambda: opposite(renews))
    await api.ok("DELETE", "/v1/creators/ada/suspension", by=boss)
    space = await api.space(host, access={"policy": "subscribers"})
    async with entered(api, space, fan):
        pass  # what was paid for is there again


async def opposite(question: Any) -> bool:
    return not await question()


async def test_accounts_creators_and_spaces_are_found(api: Api, boss: Person) -> None:
    host = await api.creator("ada_lovelace")
    space = await api.space(host)

    async def found(text: str) -> tuple[list[str], list[str]]:
        answer = await api.ok("GET", f"/v1/operator/search?q={text}", by=boss)
        handles = [one["account"]["handle"] for one in answer["accounts"]]
        return handles, [one["space"]["id"] for one in answer["spaces"]]

    assert await found("@ada_lovelace") == (["ada_lovelace"], [])
    assert await found("Ada_l") == (["ada_lovelace"], [space])
    assert await found("sub:sub-ada_lovelace") == (["ada_lovelace"], [])
    assert await found(space) == ([], [space])
    assert await found("%25") == ([], [])
    assert await code(api, "GET", "/v1/operator/search?q=", boss) == (422, "bad_field")


async def test_settings_hold_at_once_and_within_bounds(api: Api, node: Node, boss: Person) -> None:
    host, bob = await api.creator("ada"), person("bob")
    await api.ok("GET", "/v1/me", by=bob)
    space = await api.space(host)

    async def change(**settings: Any) -> Any:
        return await api.request("PATCH", "/v1/operator/settings", by=boss, json={"settings": settings})

    changed = await change(speakers_max=0, new_creators=False, guest_link_hours_max=2)
    values = {one["name"]: one["value"] for one in changed.body["settings"]}
    assert (values["speakers_max"], values["new_creators"], values["cohosts_max"]) == (0, False, None)
    assert await code(api, "POST", f"/v1/spaces/{space}/speakers", host, {"account": "@bob"}) == (409, "stage_full")
    assert await code(api, "POST", "/v1/creators", bob, {"handle": "bob"}) == (403, "creators_closed")
    assert await code(api, "POST", f"/v1/spaces/{space}/guest-links", host, {"hours": 3}) == (422, "bad_field")
    for bad in ({"speakers_max": 101}, {"speakers_max": True}, {"sign_ups": 1}, {"speakers_max": 5, "no_such": 1}):
        refused = await change(**bad)
        assert refused.status == 422, bad
    await change(speakers_max=None, new_creators=None)
    await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob"})
    trail = (await api.ok("GET", "/v1/me/export", by=boss))["tables"]["audit_log"]
    told = [(row["body"]["name"], row["body"]["value"]) for row in trail if row["action"] == "platform.setting"]
    assert told[:2] == [("speakers_max", 0), ("new_creators", False)]
    assert len(told) == 5


async def test_who_signs_up_while_nobody_may(world: World) -> None:
    async def sign_in(address: str) -> int:
        asked = await world.access.people.ask(address)
        opened = await world.access.people.answer(asked.browser, asked.code, Client("", ""))
        return opened.account.id

    bob = await sign_in("bob@example.org")
    await world.access.operators.change_settings(None, {"sign_ups": False})
    assert await sign_in("bob@example.org") == bob
    with pytest.raises(AccessError, match="403 sign_ups_closed"):
        await sign_in("cleo@example.org")
    await world.access.people.appoint("cleo@example.org")
    await sign_in("cleo@example.org")
    await world.access.operators.suspend(None, "account", bob)
    with pytest.raises(AccessError, match="403 suspended"):
        await sign_in("bob@example.org")


async def test_the_command_line_does_the_same_to_a_running_node(
    api: Api, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    host, bob = await api.creator("ada"), person("bob")
    space = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{space}/reports", by=bob, json={"reason": "spam", "detail": "Ads."})
    assert await command_line(node, "reports") == 0
    assert "Ads." in capsys.readouterr().out
    await command_line(node, "close", "1", "dismissed", "--note", "No ads.")
    await command_line(node, "reports", "--closed")
    assert "dismissed: No ads." in capsys.readouterr().out
    async with entered(api, space, bob) as (channel, _):
        await command_line(node, "suspend", "creator", "ada", "--reason", "spam")
        assert (await channel.event("evicted"))["problem"]["code"] == "creator_suspended"
    await until_so(lambda: ended(api, space))
    await command_line(node, "suspended")
    assert "spam" in capsys.readouterr().out
    await command_line(node, "lift", "creator", "ada")
    await command_line(node, "set", "speakers_max", "0")
    limits = node.rooms.alive()[0].room
    await until(lambda: limits.limits.speakers_max == 0)
    await command_line(node, "find", "ada")
    assert "creator" in capsys.readouterr().out
    with pytest.raises(AccessError, match="422"):
        await command_line(node, "set", "speakers_max", "many")
    assert isinstance(node.config, Config)


async def test_the_command_line_pays_back(api: Api, node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    creator, bob = await api.creator("ada"), person("bob")
    await api.subscribe(bob, creator, await api.tier(creator, amount_minor=499))
    [paid] = (await api.ok("GET", "/v1/me/payments", by=bob))["payments"]
    await command_line(node, "refund", "ada", paid["id"], "--amount", "200")
    assert "200 of 499 USD" in capsys.readouterr().out
    for amount in ("300", "0", "-1"):
        with pytest.raises(AccessError, match="422 bad_field"):
            await command_line(node, "refund", "ada", paid["id"], "--amount", amount)
    await command_line(node, "refund", "ada", paid["id"])
    assert "499 of 499 USD" in capsys.readouterr().out
    for words, code in ((("ada", paid["id"]), "409 nothing_to_refund"), (("ada", "999"), "404 unknown_payment")):
        with pytest.raises(AccessError, match=code):
            await command_line(node, "refund", *words)
    [paid] = (await api.ok("GET", "/v1/me/payments", by=bob))["payments"]
    assert paid["refunded_minor"] == 499


async def test_a_node_that_was_away_ends_what_was_suspended_meanwhile(tmp_path: Path) -> None:
    async with fresh_database_url(tmp_path, migrated=True) as url:
        async with running(tmp_path, database_url=url) as node, aiohttp.ClientSession() as http:
            api = Api(http, node.url)
            space = await api.space(await api.creator("ada"))
            await node.access.operators.suspend(None, "space", (await api_account(api, space)), space=space)
            await node.stop()
        async with running(tmp_path, database_url=url) as node, aiohttp.ClientSession() as http:
            await until_so(lambda: ended(Api(http, node.url), space))


async def api_account(api: Api, space: str) -> int:
    return int((await api.ok("GET", f"/v1/spaces/{space}"))["creator"]["id"])
