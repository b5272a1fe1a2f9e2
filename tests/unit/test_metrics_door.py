"""Who may read the node's figures: this machine, networks that the operator names, and whoever has his token."""

from __future__ import annotations

from pathlib import Path

import pytest

from spaces.config import Config, ConfigError
from tests.harness.api import Api
from tests.harness.node import served

pytestmark = pytest.mark.sqlite

TOKEN = "a token of the tests"


async def read(api: Api, **headers: str) -> tuple[int, str | None]:
    """The status, and the code of a refusal."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with api.http.get(f"{api.url}/metrics", headers=sent) as answer:
        if answer.status == 200:
            assert "spaces_seats" in await answer.text()
            return 200, None
        return answer.status, (await answer.json())["code"]


async def test_only_this_machine_reads_them(tmp_path: Path) -> None:
    async with served(tmp_path, trusted_proxies=("127.0.0.0/8",)) as api:
        assert await read(api) == (200, None)
        assert await read(api, X_Forwarded_For="::1") == (200, None)
        assert await read(api, X_Forwarded_For="127.0.0.1, 203.0.113.5") == (403, "metrics_private")
        assert await read(api, X_Forwarded_For="203.0.113.5", Authorization=f"Bearer {TOKEN}") == (
            403,
            "metrics_private",
        )


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "Via"])
async def test_a_proxy_that_is_not_trusted_speaks_for_anybody(tmp_path: Path, header: str) -> None:
    async with served(tmp_path) as api:
        assert await read(api, **{header: "127.0.0.1"}) == (403, "metrics_private")


async def test_networks_may_be_named(tmp_path: Path) -> None:
    networks = ("203.0.113.0/24", "2001:db8::/32")
    async with served(tmp_path, trusted_proxies=("127.0.0.0/8",), metrics_networks=networks) as api:
        assert await read(api, X_Forwarded_For="203.0.113.5") == (200, None)
        assert await read(api, X_Forwarded_For="2001:db8::5") == (200, None)
        assert await read(api, X_Forwarded_For="198.51.100.5") == (403, "metrics_private")


async def test_a_token_is_asked_for_of_everybody_else(tmp_path: Path) -> None:
    async with served(tmp_path, metrics_token=TOKEN) as api:
        assert await read(api) == (401, "metrics_token")
        assert await read(api, Authorization="Bearer something else") == (401, "metrics_token")
        assert await read(api, Authorization="Bearer schlüssel") == (401, "metrics_token")
        assert await read(api, Authorization=f"Bearer {TOKEN}") == (200, None)


def test_a_token_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigError, match="metrics_token"):
        Config(metrics_token="secret")
