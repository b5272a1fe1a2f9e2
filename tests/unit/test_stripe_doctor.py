"""The doctor asks Stripe whether it can be used and whether it tells us what we follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from access.stripe_webhooks import FOLLOWED
from spaces.doctor import _payment
from spaces.finding import Finding
from tests.harness import fake_stripe_shapes as shapes
from tests.harness.fake_stripe import SECRET_KEY, VERSION, WEBHOOK_SECRET, fake_stripe
from tests.harness.node import node_config

pytestmark = pytest.mark.sqlite

PAGE = "https://live.example"


async def asked(folder: Path, address: str, key: str = SECRET_KEY) -> list[Finding]:
    config = node_config(
        folder,
        public_url=PAGE,
        stripe_secret_key=key,
        stripe_webhook_secret=WEBHOOK_SECRET,
        stripe_address=address,
    )
    return (await _payment(config))[1:]


@pytest.mark.parametrize(
    ("url", "events", "version", "said"),
    [
        (PAGE, list(FOLLOWED), VERSION, [("ok", "Stripe answers")]),
        (PAGE, ["*"], VERSION, [("ok", "Stripe answers")]),
        ("https://other.example", ["*"], VERSION, [("warn", "no webhook endpoint https://live.example")]),
        (PAGE, ["*"], "2020-08-27", [("warn", "is for the version 2020-08-27")]),
        (PAGE, [*FOLLOWED[1:]], VERSION, [("warn", f"told of {FOLLOWED[0]}")]),
    ],
)
async def test_it_says_what_is_wrong_with_the_webhook_endpoint(
    tmp_path: Path, url: str, events: list[str], version: str, said: list[tuple[str, str]]
) -> None:
    async with fake_stripe(0) as (fake, address):
        fake.add(shapes.webhook_endpoint("we_1", f"{url}/v1/webhooks/stripe", events, version, 0))
        found = await asked(tmp_path, address)
    assert [finding.state for finding in found] == [state for state, _ in said]
    assert all(part in finding.what for finding, (_, part) in zip(found, said, strict=True))


async def test_it_says_that_stripe_refuses_the_key_without_showing_it(tmp_path: Path) -> None:
    async with fake_stripe(0) as (_, address):
        (found,) = await asked(tmp_path, address, "sk_test_ofsomebodyelse")
    assert found.state == "fail"
    assert "ofsomebodyelse" not in str(found)
