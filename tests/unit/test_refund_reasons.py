"""What is said with a refund stands where payer and creator look (ticket, gift, statement), and nobody else reads it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from access import refund_requests
from tests.harness import tickets
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.world import World

OFFER = {"amount_minor": 1_500, "currency": "USD", "quantity": 2}
CANCELLED, FORMULA = "The evening was cut short.", "=1+1"


async def test_a_reason_is_read_by_payer_and_creator_and_nobody_else(api: Api) -> None:
    host, giver, friend = await api.creator("ada"), person("grace"), person("eve")
    for one in (giver, friend):
        await api.ok("GET", "/v1/me", by=one)
    space = await api.space(host, access={"policy": "ticketed"})
    await api.ok("PUT", f"/v1/spaces/{space}/ticket-offer", by=host, json=OFFER)
    ticket = await bought(api, giver, f"/v1/spaces/{space}/tickets", {})
    await api.ok("POST", f"/v1/tickets/{ticket}/transfer", by=giver, json={"account": "@eve"})
    tier = await api.tier(host)
    gift = await bought(api, giver, "/v1/creators/ada/gifts", {"tier": tier, "recipient": "@eve"})
    await api.ok("POST", f"/v1/gifts/{gift}/redemption", by=friend)
    paid = (await api.ok("GET", "/v1/creators/ada/payments", by=host))["payments"]
    for purchase, reason in ((f"ticket:{ticket}", CANCELLED), (f"gift:{gift}", FORMULA)):
        (payment,) = [one["id"] for one in paid if one["purchase"] == purchase]
        await api.ok("POST", f"/v1/creators/ada/payments/{payment}/refund", by=host, json={"reason": reason})

    for kind, of_creator, reason in (
        ("tickets", f"/v1/spaces/{space}/tickets", CANCELLED), ("gifts", "/v1/creators/ada/gifts", FORMULA),
    ):  # fmt: skip
        for reader, path in ((giver, f"/v1/me/{kind}"), (host, of_creator)):
            (seen,) = (await api.ok("GET", path, by=reader))[kind]
            assert seen["state"] == "refunded"
            assert [one["reason"] for one in seen["refunds_asked"]] == [reason]
        (theirs,) = (await api.ok("GET", f"/v1/me/{kind}", by=friend))[kind]
        assert theirs["refunds_asked"] == [], "whose it was did not pay for it"

    month = f"/v1/creators/ada/statements/{datetime.now(UTC):%Y-%m}"
    lines = (await api.ok("GET", month, by=host))["lines"]
    assert [one["reason"] for one in lines if one["kind"] == "refund"] == [CANCELLED, FORMULA]
    assert {one["reason"] for one in lines if one["kind"] != "refund"} == {""}
    async with api.http.get(f"{api.url}{month}.csv", headers={"Authorization": f"Bearer {host.token}"}) as answer:
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert [row["reason"] for row in rows if row["kind"] == "refund"] == [CANCELLED, f"'{FORMULA}"]


async def test_a_month_of_very_many_refunds_has_a_statement(world: World) -> None:
    """As of a large Space that was cancelled: more than a statement of either database takes parameters."""
    owner, creator = await tickets.on_sale(world)
    fan = await world.person()
    await tickets.buy(world, fan)
    [payment] = await world.access.books.payments(owner, creator)
    await world.access.books.refund(owner, creator, payment.id, amount_minor=100, reason=CANCELLED)
    [row] = await world.rows("SELECT transfer FROM payments")
    others = {number: f"ticket:{number}" for number in range(1_000_000, 1_150_000)}
    async with world.engine.connect() as connection:
        asked = await refund_requests.of_charges(connection, {row.transfer: payment.purchase} | others)
    assert [one.reason for one in asked[row.transfer]] == [CANCELLED]
    assert asked.keys() == {row.transfer}


async def bought(api: Api, by: Person, path: str, body: dict[str, Any]) -> str:
    begun = await api.ok("POST", path, by=by, json=body)
    await api.ok("POST", begun["checkout_url"], json={"outcome": "succeed"})
    return str(begun["id"])
