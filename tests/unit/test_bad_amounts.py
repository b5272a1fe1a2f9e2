"""Amounts and currencies that cannot be, in every body that speaks of money: refused by name, and nothing has changed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from access.tables import metadata
from spaces.signaling.routes import API
from tests.harness.accounts import person
from tests.harness.api import Api
from tests.harness.node import running

pytestmark = pytest.mark.sqlite

WHOLE = [-(2**63), -1, 2**31 * 1_000_000, 2**63 - 1, 2**63, 2**64, 10**30, 1.5, "1", True, [], {}]
AMOUNTS = [*WHOLE, 0, 100_000_000]
CURRENCIES = ["", "US", "USDD", "XXX", "XAU", "€€€", "ＵＳＤ", "US\0", "U S", 840, None]
PERCENTS = [-1, 0, 100.01, 1e308, -1e308, 5e-324, 10**30, 0.001, "10", True]

PRICE = {"amount_minor": 500, "currency": "USD"}
BODIES: dict[tuple[str, str], tuple[dict[str, Any], dict[str, list[Any]]]] = {
    ("POST", "/v1/creators/{handle}/tiers"): (
        {"name": "Gold", "level": 5, "price": PRICE},
        {
            "price.amount_minor": AMOUNTS, "price.currency": CURRENCIES, "level": WHOLE, "trial_days": WHOLE,
            "price.interval": ["week", "", 1, None],
        },
    ),
    ("POST", "/v1/tiers/{tier}/prices"): (PRICE, {"amount_minor": AMOUNTS, "currency": CURRENCIES}),
    ("POST", "/v1/creators/{handle}/coupons"): (
        {"code": "bad", "percent_off": 10, "duration": "months", "months": 2, "redemptions_max": 3},
        {"percent_off": PERCENTS, "months": [*WHOLE, 0, 37], "redemptions_max": [*WHOLE, 0], "tier": [-1, 2**63, 1.5]},
    ),
    ("POST", "/v1/creators/{handle}/coupons "): (
        {"code": "bad", "amount_off_minor": 100, "currency": "USD"},
        {"amount_off_minor": AMOUNTS, "currency": CURRENCIES},
    ),
    ("POST", "/v1/creators/{handle}/payments/{payment}/refund"): ({"amount_minor": 1}, {"amount_minor": [*AMOUNTS, 501]}),
    ("POST", "/v1/creators/{handle}/payouts"): (
        PRICE | {"amount_minor": 1},
        {"amount_minor": [*AMOUNTS, 500], "currency": CURRENCIES},
    ),
    ("PUT", "/v1/spaces/{space}/ticket-offer"): (
        PRICE | {"quantity": 9},
        {"amount_minor": [*AMOUNTS, 99], "currency": CURRENCIES, "quantity": [*WHOLE, 0]},
    ),
    ("POST", "/v1/creators/{handle}/gifts"): (
        {"tier": "{tier}"},
        {
            "intervals": [*WHOLE, 0, 37], "currency": [one for one in CURRENCIES if one is not None],
            "tier": [-1, 2**63, 1.5, "", "x", None],
        },
    ),
    ("POST", "/v1/creators/{handle}/subscriptions"): (
        {"tier": "{tier}"},
        {
            "currency": [one for one in CURRENCIES if one is not None], "tier": [-1, 2**63, 1.5, "", "x", None],
            "interval": ["week", 1],
        },
    ),
    ("PUT", "/v1/creators/{handle}/tiers/{tier}/discount"): (
        {"percent": 10},
        {"percent": [*WHOLE, 0, 101], "codes_per_month_max": [*WHOLE, 0, 101]},
    ),
    ("POST", "/v1/test-clock"): ({"forward_seconds": 1}, {"forward_seconds": [*WHOLE, 0]}),
}  # fmt: skip
MONEY_WORDS = ("amount_minor", "amount_off_minor", "price", "intervals", "percent", "forward_seconds")


def test_every_body_that_speaks_of_money_is_here() -> None:
    of_money = {
        (route.method, route.path)
        for route in API
        if route.body is not None and set(MONEY_WORDS) & set(getattr(route.body, "__struct_fields__", ()))
    }
    assert of_money <= {(method, path.strip()) for method, path in BODIES}


@pytest.mark.thorough
async def test_what_cannot_be_is_refused_by_name_and_changes_nothing(tmp_path: Path) -> None:
    limits = {"requests_per_minute_max": 100_000, "test_clock": True}
    async with running(tmp_path, **limits) as node, aiohttp.ClientSession() as http:
        api = Api(http, node.url)
        host, fan = await api.creator("ada"), person("fan")
        names = {"handle": "ada", "tier": await api.tier(host, amount_minor=500)}
        await api.subscribe(fan, host, names["tier"])
        names["payment"] = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"][0]["id"]
        names["space"] = await api.space(host, access={"policy": "ticketed"}, live=False)
        await api.ok("POST", "/v1/test-clock", by=host, json={"forward_seconds": 8 * 86_400})
        engine = node.access.desk.engine

        async def contents() -> dict[str, int]:
            async with engine.connect() as connection:
                return {
                    name: (await connection.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one()
                    for name in metadata.tables
                }

        before, wrong = await contents(), []
        for (method, path), (body, fields) in BODIES.items():
            by = fan if path.endswith(("gifts", "subscriptions")) else host
            for field, values in fields.items():
                for value in values:
                    sent = changed(body, field.split("."), value, names["tier"])
                    reply = await api.request(method, path.strip().format(**names), by=by, json=sent)
                    named = isinstance(reply.body, dict) and reply.body.get("field")
                    if not ((reply.status == 422 and named) or reply.status in (404, 409)):
                        wrong.append(f"{method} {path} {field}={value!r}: {reply.status} {reply.body}")
        assert wrong == []
        assert await contents() == before


def changed(body: dict[str, Any], path: list[str], value: Any, tier: str) -> dict[str, Any]:
    sent = copy.deepcopy(body)
    if sent.get("tier") == "{tier}":
        sent["tier"] = tier
    at = sent
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return sent
