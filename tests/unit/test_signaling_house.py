"""What surrounds every request: CORS, pages and their policy, health, metrics, OpenAPI, request ids, restarts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from yarl import URL

from spaces.config import ConfigError
from spaces.node import Node
from spaces.signaling.routes import API
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.client import listening
from tests.harness.database import fresh_database_url
from tests.harness.node import node_config, running, served
from tests.harness.server import parse_metrics

pytestmark = pytest.mark.thorough

FRIEND = "https://friend.example"


@pytest.mark.sqlite
async def test_a_preflight_allows_what_whip_needs(tmp_path: Path) -> None:
    async with served(tmp_path, allowed_origins=(FRIEND,)) as api:
        path = f"{api.url}/v1/spaces/{await api.space(await api.creator('ada'))}/whip"
        asked = {
            "Origin": FRIEND,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        }
        async with api.http.options(path, headers=asked) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
            assert {"POST", "PATCH", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))
        async with api.http.options(path, headers={**asked, "Origin": "https://evil.example"}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with api.http.post(path, headers={"Origin": FRIEND}, data="x") as answer:
            assert answer.status == 415, "refusals are readable across origins too"
            assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
            assert {"Location", "Link", "ETag"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.sqlite
async def test_the_pages_let_no_foreign_code_run(api: Api) -> None:
    for path in ("/", "/@ada", "/s/4fJ2k", "/pay/x"):
        reply = await api.request("GET", path)
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert reply.headers["Cache-Control"] == "no-cache"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script type=" in reply.body
    script = await api.request("GET", "/web/client.js")
    assert (script.status, script.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")


NO_FILES = [
    "/web/../node.py",
    "/web/%2e%2e/node.py",
    "/web/..%2fnode.py",
    "/web/nothing.js",
    "/web/",
    "/web//etc/hosts.js",
    "/web/%00.js",
    f"/web/{'x' * 300}.js",
    "/web/%ff.js",
]


@pytest.mark.sqlite
async def test_nothing_but_the_pages_files_is_served(api: Api) -> None:
    for path in NO_FILES:
        async with api.http.get(URL(api.url + path, encoded=True)) as answer:
            assert answer.status == 404, path


@pytest.mark.sqlite
async def test_unknown_addresses_and_methods_are_problems(api: Api) -> None:
    assert (await api.request("GET", "/v1/nothing")).code == "unknown_address"
    wrong = await api.request("PUT", "/v1/spaces")
    assert (wrong.status, wrong.code, wrong.headers["Allow"]) == (405, "bad_method", "GET, POST")


@pytest.mark.sqlite
async def test_a_mistyped_address_is_a_page_for_people(api: Api) -> None:
    async with api.http.get(f"{api.url}/nothing", headers={"Accept": "text/html,*/*"}) as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    async with api.http.get(f"{api.url}/v1/nothing", headers={"Accept": "text/html,*/*"}) as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")


@pytest.mark.sqlite
async def test_requests_have_an_id_that_comes_back(api: Api) -> None:
    async with api.http.get(f"{api.url}/v1/spaces", headers={"X-Request-Id": "abc-1"}) as answer:
        assert answer.headers["X-Request-Id"] == "abc-1"
    async with api.http.get(f"{api.url}/v1/spaces", headers={"X-Request-Id": "no good"}) as answer:
        assert answer.headers["X-Request-Id"] not in ("", "no good")


@pytest.mark.sqlite
async def test_requests_of_one_address_are_limited_but_not_the_operators(tmp_path: Path) -> None:
    async with served(tmp_path, requests_per_minute_max=2) as api:
        statuses = [(await api.request("GET", "/v1/spaces")).status for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await api.request("GET", "/healthz")).status == 200
        assert (await api.request("GET", "/metrics")).status == 200


@pytest.mark.sqlite
async def test_behind_a_trusted_proxy_each_client_has_limits_of_its_own(tmp_path: Path) -> None:
    async with served(tmp_path, requests_per_minute_max=1, trusted_proxies=("127.0.0.0/8",)) as api:

        async def status(forwarded_for: str) -> int:
            headers = {"X-Forwarded-For": forwarded_for}
            async with api.http.get(f"{api.url}/v1/spaces", headers=headers) as answer:
                return answer.status

        assert await status("203.0.113.1") == 200
        assert await status("203.0.113.1") == 429
        assert await status("203.0.113.2") == 200
        assert await status("198.51.100.7, 203.0.113.2") == 429, "what a client claims does not count"


async def test_the_metrics_count_what_happens(api: Api) -> None:
    space = await api.space(await api.creator("ada"))
    async with listening(api, space):
        await api.offer("/v1/spaces/nowhere/whep", "x")
        await api.offer(f"/v1/spaces/{space}/whip", "v=0")
    metrics = parse_metrics((await api.request("GET", "/metrics")).body)
    assert metrics["spaces_joins_total{outcome=ok,way=whep}"] == 1
    assert metrics["spaces_packets_total{direction=in}"] > 0
    for name in ("spaces_tick_lateness_seconds_count", "spaces_loss_fraction_count", "spaces_round_trip_seconds_count"):
        assert name in metrics


@pytest.mark.sqlite
async def test_the_openapi_document_describes_every_route(api: Api) -> None:
    reply = await api.request("GET", "/openapi.json")
    document = reply.body
    assert document["openapi"] == "3.1.0"
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.address, route.method.lower()) for route in API}
    references = {line.split('"')[1] for line in json.dumps(document).split('"$ref": ')[1:]}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= known
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


async def test_spaces_and_join_tokens_outlive_the_process(tmp_path: Path) -> None:
    host, guest = person("ada"), person("bob")
    async with fresh_database_url(tmp_path) as url:
        async with served(tmp_path, database_url=url) as api:
            await api.creator("ada")
            space = await api.space(host)
            await api.to_stage(space, host, guest)
            token = (await api.ok("POST", f"/v1/spaces/{space}/admissions", by=guest))["join_token"]
        async with served(tmp_path, database_url=url) as api:
            shown = await api.ok("GET", f"/v1/spaces/{space}")
            assert shown["state"] == "live"
            assert [m["account"]["handle"] for m in shown["stage"]] == ["ada", "bob"]
            reply = await api.offer(f"/v1/spaces/{space}/whep", "v=0", token=token)
            assert reply.status == 422, "the token was good; the offer is not"


@pytest.mark.thorough
async def test_a_node_that_cannot_start_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    async with running(tmp_path / "one") as node:
        taken = Node(node_config(tmp_path / "two", http_port=node.http_port))
        with pytest.raises(ConfigError, match=r"http_port .* in use"):
            await taken.start()
        await taken.stop()
    with pytest.raises(ConfigError, match="trusted_proxies"):
        await Node(node_config(tmp_path / "three", trusted_proxies=("not a network",))).start()
    with pytest.raises(ConfigError, match="audience_packet_milliseconds: 20, 40 or 60"):
        node_config(tmp_path / "five", audience_packet_milliseconds=30)
    with pytest.raises(ConfigError, match="node_port"):
        node_config(tmp_path / "six", redis_url="redis://127.0.0.1", tls_cert="/a", tls_key="/b")
    with pytest.raises(ConfigError, match="tls_cert"):
        await Node(node_config(tmp_path / "four", tls_cert="/nowhere", tls_key="/nowhere")).start()
