"""Webhooks to a real server that takes, fails, hangs and redirects: each event at least once, in the order of its Space."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import jwt
import pytest
from sqlalchemy import text

from access import hooks
from access.database import make_engine
from spaces.node import Node
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import entered
from tests.harness.eventually import until, until_so
from tests.harness.integrator import Integrator, endpoint, integrator, look, own_token, signed_by
from tests.harness.node import running, served

pytestmark = pytest.mark.thorough

LOCAL = ("127.0.0.0/8",)


@dataclass
class Site:
    node: Node
    api: Api
    server: Integrator

    async def forget_pauses(self) -> None:
        """As if the pause before the next attempt were over."""
        engine = make_engine(self.node.config.sqlalchemy_url)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE webhook_queues SET due_at = created FROM "
                "(SELECT min(created_at) AS created FROM webhook_messages) AS m WHERE due_at IS NOT NULL"))  # fmt: skip
        await engine.dispose()
        self.node.hooks.nudge()

    async def run_out_of_time(self) -> None:
        """As if three days had passed."""
        engine = make_engine(self.node.config.sqlalchemy_url)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE webhook_deliveries SET give_up_at = created FROM "
                "(SELECT min(created_at) AS created FROM webhook_messages) AS m"))  # fmt: skip
        await engine.dispose()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(integrator())
        node = await stack.enter_async_context(running(tmp_path, webhook_networks=LOCAL))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Site(node, Api(http, node.url), server)


async def test_the_life_of_a_space_is_told_in_order_and_signed(site: Site) -> None:
    api, server = site.api, site.server
    _, secret = await endpoint(api, server.url)
    host, bob, cleo = await api.creator("ada"), person("bob"), person("cleo")
    for one in (bob, cleo):
        await api.ok("GET", "/v1/me", by=one)
    space = await api.space(host)
    async with entered(api, space, bob):
        await server.told("participant.joined", space)
        await api.ok("POST", f"/v1/spaces/{space}/speakers", by=host, json={"account": "@bob"})
        await api.ok("POST", f"/v1/spaces/{space}/lock", by=host)
        await api.ok("POST", f"/v1/spaces/{space}/mutes", by=host, json={"account": "@bob"})
        await api.request("POST", f"/v1/spaces/{space}/reports", by=bob, json={"reason": "spam"})
        await api.request("POST", f"/v1/spaces/{space}/blocks", by=host, json={"account": "@cleo"})
    await server.told("participant.left", space)
    await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
    await server.told("space.ended", space)
    assert server.kinds(space) == [
        "space.scheduled", "space.started", "participant.joined", "role.changed", "moderation.locked",
        "moderation.muted", "moderation.reported", "participant.left", "space.ended",
    ]  # fmt: skip
    assert (await server.told("moderation.blocked")).data["account"]["handle"] == "cleo"
    assert all(signed_by(one, secret) for one in server.taken)
    started = (await server.told("space.started", space)).data
    assert started["space"] | {"started_at": None} == {
        "id": space, "title": "A talk of ada", "state": "live", "scheduled_start": None, "time_zone": None,
        "started_at": None, "ended_at": None,
    }  # fmt: skip
    assert started["creator"] == started["by"]
    assert started["by"] == started["by"] | {"handle": "ada", "sub": "sub-ada", "name": "Ada"}
    [came] = (await server.told("participant.joined", space)).data["participants"]
    assert (came["account"]["sub"], came["role"]) == ("sub-bob", "listener")
    role = (await server.told("role.changed", space)).data
    assert (role["account"]["handle"], role["was"], role["role"]) == ("bob", "listener", "speaker")
    await until(lambda: site.node.hooks.idle)
    assert (await look(api, ""))["endpoints"][0] | {"id": ""} == (await look(api, ""))["endpoints"][0] | {
        "id": "", "waiting": 0, "dead": 0, "failing_since": None, "disabled_at": None,
    }  # fmt: skip


async def test_a_subscription_is_told_from_payment_to_end(site: Site) -> None:
    api, server = site.api, site.server
    await endpoint(api, server.url, kinds=["subscription.*"])
    host, fan = await api.creator("ada"), person("bob")
    subscription = await api.subscribe(fan, host, await api.tier(host))
    paid = (await server.told("subscription.paid")).data
    assert (paid["subscription"]["id"], paid["subscription"]["status"]) == (subscription, "active")
    assert (paid["amount_minor"], paid["currency"], paid["account"]["sub"]) == (499, "USD", "sub-bob")
    await api.ok("POST", f"/v1/subscriptions/{subscription}/cancel", by=host, json={"at": "now"})
    ended = (await server.told("subscription.ended")).data
    assert (ended["subscription"]["status"], ended["by"]["handle"]) == ("canceled", "ada")
    assert {one.kind.partition(".")[0] for one in server.taken} == {"subscription"}


async def test_what_fails_holds_back_its_own_space_and_comes_again_in_order(site: Site) -> None:
    api, server = site.api, site.server
    await endpoint(api, server.url, kinds=["space.*"])
    host = await api.creator("ada")
    bad = await api.space(host, live=False)
    await server.told("space.scheduled", bad)
    server.answer = lambda one: 500 if one.space == bad else 204
    await api.ok("POST", f"/v1/spaces/{bad}/start", by=host)
    await api.ok("POST", f"/v1/spaces/{bad}/end", by=host)
    good = await api.space(host)
    await server.told("space.started", good)
    assert server.kinds(bad) == ["space.scheduled"]
    await until(lambda: len([one for one in server.tried if one.space == bad]) >= 2)
    server.answer = lambda _: 204
    await site.forget_pauses()
    await server.told("space.ended", bad)
    assert server.kinds(bad) == ["space.scheduled", "space.started", "space.ended"]
    started = [one.id for one in server.tried if one.kind == "space.started" and one.space == bad]
    assert len(started) >= 2
    assert len(set(started)) == 1, "the same event has the same id in every attempt"


@pytest.mark.sqlite
async def test_who_hangs_keeps_nobody_elses_events(tmp_path: Path) -> None:
    quick = {"webhook_networks": LOCAL, "webhook_seconds_max": 1.0}
    async with integrator() as server, integrator() as other, served(tmp_path, **quick) as api:
        hanging, _ = await endpoint(api, server.url, kinds=["space.*"])
        await endpoint(api, other.url, kinds=["space.*"])
        server.answer = lambda _: None
        host = await api.creator("ada")
        spaces = [await api.space(host) for _ in range(6)]
        for space in spaces:
            await other.told("space.started", space)
        await until(lambda: server.tried)
        assert server.taken == []
        assert server.most_at_once <= 4, "some connections at once, and no more"

        async def timed_out() -> bool:
            return bool((await look(api, f"/{hanging}"))["last_error"] == "timeout")

        await until_so(timed_out)


@pytest.mark.sqlite
@pytest.mark.parametrize(("status", "error"), [(302, "redirect"), (404, "status"), (500, "status")])
async def test_no_answer_but_2xx_is_success(site: Site, status: int, error: str) -> None:
    api, server = site.api, site.server
    async with integrator() as other:
        made, _ = await endpoint(api, server.url, kinds=["space.scheduled"])
        server.headers = {"Location": other.url}
        server.answer = lambda _: status
        await api.space(await api.creator("ada"), live=False)
        await until(lambda: len(server.tried) >= 2)
        [waiting] = (await look(api, f"/{made}/deliveries?state=waiting"))["deliveries"]
        assert (waiting["last_status"], waiting["last_error"]) == (status, error)
        assert waiting["attempts"] >= 1
        assert other.tried == []


async def test_what_is_given_up_is_seen_and_sent_again_when_asked_for(site: Site) -> None:
    api, server = site.api, site.server
    made, _ = await endpoint(api, server.url, kinds=["space.*"])
    server.answer = lambda one: 500 if one.kind == "space.scheduled" else 204
    space = await api.space(await api.creator("ada"))
    await until(lambda: server.tried)
    await site.run_out_of_time()
    await server.told("space.started", space)  # what comes after it is held back no longer
    [dead] = (await look(api, f"/{made}/deliveries"))["deliveries"]
    assert (dead["kind"], dead["state"], dead["last_status"]) == ("space.scheduled", "dead", 500)
    assert (await look(api, f"/{made}"))["dead"] == 1
    server.answer = lambda _: 204
    assert (await look(api, f"/{made}/redeliver", "POST"))["redelivered"] == 1
    assert (await server.told("space.scheduled", space)).id == dead["id"]
    [first] = [one for one in server.taken if one.kind == "space.started"]
    assert (await look(api, f"/{made}/redeliver", "POST", {"id": first.id}))["redelivered"] == 1
    await until(lambda: [one.id for one in server.taken].count(first.id) == 2)


async def test_a_queue_is_bounded_and_keeps_what_is_newest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "WAITING_MAX", 3)
    api, server = site.api, site.server
    made, _ = await endpoint(api, server.url, kinds=["moderation.locked"])
    server.answer = lambda _: None
    host = await api.creator("ada")
    space = await api.space(host)
    await api.ok("POST", f"/v1/spaces/{space}/lock", by=host)
    await until(lambda: server.at_once == 1)
    for locked in (False, True, False, True, False):
        await api.ok("POST" if locked else "DELETE", f"/v1/spaces/{space}/lock", by=host)
    server.released.set()  # the first fails only now that the queue has let it go

    async def failed() -> bool:
        dead = (await look(api, f"/{made}/deliveries"))["deliveries"]
        return sorted(one["attempts"] for one in dead) == [0, 0, 1]

    await until_so(failed)
    dead = (await look(api, f"/{made}/deliveries"))["deliveries"]
    assert [one["last_error"] for one in dead] == ["overflow"] * 3
    assert len((await look(api, f"/{made}/deliveries?state=waiting"))["deliveries"]) == 3


async def test_an_endpoint_that_is_gone_is_told_nothing_more_until_it_is_enabled(site: Site) -> None:
    api, server = site.api, site.server
    made, _ = await endpoint(api, server.url, kinds=["space.*"])
    server.answer = lambda _: 410
    host = await api.creator("ada")
    first = await api.space(host, live=False)

    async def disabled() -> bool:
        return bool((await look(api, f"/{made}"))["disabled_why"] == "gone")

    await until_so(disabled)
    await api.ok("POST", f"/v1/spaces/{first}/start", by=host)
    second = await api.space(host)
    server.answer = lambda _: 204
    await look(api, f"/{made}/enable", "POST")
    await site.forget_pauses()
    await server.told("space.scheduled", first)  # which waited
    await api.ok("POST", f"/v1/spaces/{second}/end", by=host)
    await server.told("space.ended", second)
    assert (server.kinds(first), server.kinds(second)) == (["space.scheduled"], ["space.ended"])


async def test_a_rotated_secret_signs_beside_the_one_before(site: Site) -> None:
    api, server = site.api, site.server
    made, old = await endpoint(api, server.url)
    new = (await look(api, f"/{made}/secret", "POST"))["secret"]
    await api.space(await api.creator("ada"), live=False)
    told = await server.told("space.scheduled")
    assert new != old
    assert signed_by(told, new)
    assert signed_by(told, old)
    assert len(told.signatures) == 2


@pytest.mark.sqlite
async def test_a_name_that_leads_into_a_private_network_is_not_reached(tmp_path: Path) -> None:
    async with integrator() as server, served(tmp_path, webhook_networks=("10.0.0.0/8",)) as api:
        made, _ = await endpoint(api, server.url.replace("127.0.0.1", "localhost"), kinds=["space.*"])
        refused = await api.request(
            "POST", "/v1/webhook-endpoints", token=own_token(), json={"url": server.url.replace("http", "https")}
        )
        assert (refused.status, refused.code) == (422, "bad_field")
        await api.space(await api.creator("ada"), live=False)

        async def was_refused() -> bool:
            return bool((await look(api, f"/{made}"))["last_error"] == "refused_address")

        await until_so(was_refused)
    assert server.tried == []


async def test_endpoints_are_for_operators_and_integrations(site: Site) -> None:
    api, node = site.api, site.node
    await endpoint(api, site.server.url)
    bob = person("bob")
    for token, status, code in (
        (None, 401, "not_signed_in"),
        (bob.token, 403, "not_operator"),
        (own_token(sub="sub-bob"), 401, "token_claim"),
        (own_token(iss="nobody"), 401, "token_key_unknown"),
        (own_token(exp=1), 401, "token_expired"),
        (own_token(aud="spaces:else"), 401, "token_claim"),
    ):
        for method, path in (("GET", ""), ("POST", "/1/secret"), ("GET", "/1/deliveries"), ("DELETE", "/1")):
            reply = await api.request(method, f"/v1/webhook-endpoints{path}", token=token)
            assert (reply.status, reply.code) == (status, code), (method, path, code)
    assert (await api.request("GET", "/v1/me", token=own_token())).code == "token_claim"
    _, other_secret = await node.access.add_key("other", integration="another site")
    other = jwt.encode({"iss": "other", "aud": "spaces:integration", "exp": 4_000_000_000}, other_secret)
    assert (await api.request("GET", "/v1/webhook-endpoints", token=other)).code == "token_lifetime"
    await node.access.people.appoint("@bob")
    every = await api.ok("GET", "/v1/webhook-endpoints", by=bob)
    assert [one["integration"] for one in every["endpoints"]] == ["default"]
    made = await api.ok(
        "POST", "/v1/webhook-endpoints", by=bob, json={"url": site.server.url, "integration": "another site"}
    )
    assert (
        await api.request("GET", f"/v1/webhook-endpoints/{made['endpoint']['id']}", token=own_token())
    ).status == 404


async def test_an_integration_hears_nothing_of_anothers_creators(site: Site) -> None:
    api, server = site.api, site.server
    await site.node.access.add_key("other", integration="another site")
    boss = Person("boss", person("boss").token)
    await api.ok("GET", "/v1/me", by=boss)
    await site.node.access.people.appoint("@boss")
    async with integrator() as every:
        await api.ok("POST", "/v1/webhook-endpoints", by=boss, json={"url": server.url, "integration": "another site"})
        await api.ok("POST", "/v1/webhook-endpoints", by=boss, json={"url": every.url})
        await api.space(await api.creator("ada"), live=False)
        await every.told("space.scheduled")
        await until(lambda: site.node.hooks.idle)
    assert server.tried == []
