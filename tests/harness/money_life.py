"""The parts of a life with money, as it is lived over HTTP."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.harness.api import Api
from tests.harness.client import RtcClient
from tests.harness.eventually import until


async def adds_up(api: Api, host: Any, paid: list[dict[str, Any]], paid_out: int) -> None:
    """Over all months, in JSON and in CSV: to the cent."""
    now = (await api.ok("GET", "/v1/test-clock"))["now"]
    lines: list[dict[str, Any]] = []
    year, month = (int(part) for part in now[:7].split("-"))
    for back in range(4, -1, -1):
        number = year * 12 + month - 1 - back
        name = f"{number // 12}-{number % 12 + 1:02}"
        statement = (await api.ok("GET", f"/v1/creators/ada/statements/{name}", by=host))["lines"]
        text = await api.ok("GET", f"/v1/creators/ada/statements/{name}.csv", by=host)
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [int(row["creator_minor"]) for row in rows] == [line["creator_minor"] for line in statement]
        lines += statement
    charges = [line for line in lines if line["kind"] == "charge"]
    assert sorted(line["gross_minor"] for line in charges) == sorted(payment["gross_minor"] for payment in paid)
    for line in lines:
        if line["kind"] in ("charge", "refund", "adjustment"):
            parts = ("fee_minor", "tax_minor", "platform_share_minor", "creator_minor")
            assert line["gross_minor"] == sum(line[part] for part in parts)
    of_payments = sum(line["fee_minor"] for line in lines if line["kind"] in ("charge", "adjustment"))
    assert of_payments == sum(payment["fee_minor"] for payment in paid)
    refunded = -sum(line["gross_minor"] for line in lines if line["kind"] == "refund")
    assert refunded == sum(payment["refunded_minor"] for payment in paid)
    assert sum(line["creator_minor"] for line in lines) == 0 == lines[-1]["balance_minor"]
    assert -sum(line["creator_minor"] for line in lines if line["kind"] == "payout") == paid_out


async def hear_more(client: RtcClient) -> None:
    heard = len(client.packets)
    await until(lambda: len(client.packets) > heard + 10)


async def forward(api: Api, by: Any, seconds: int) -> None:
    await api.ok("POST", "/v1/test-clock", by=by, json={"forward_seconds": seconds})


async def standing(api: Api, fan: Any) -> dict[str, Any]:
    mine: dict[str, Any] = (await api.ok("GET", "/v1/me/subscriptions", by=fan))["subscriptions"][0]
    return mine


async def payments(api: Api, fan: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ok("GET", "/v1/me/payments", by=fan))["payments"]
    return found
