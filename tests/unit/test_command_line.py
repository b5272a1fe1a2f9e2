"""The command line on a data folder of its own: tokens, keys, migrations, the doctor, and what it refuses."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import structlog
from sqlalchemy import text

from access.database import make_engine
from spaces.__main__ import demo_config, main, make_parser
from spaces.config import Config, settings
from spaces.db.migrate import downgrade, is_current
from tests.harness.ports import free_tcp_port, free_udp_port
from tests.harness.world import make_world

pytestmark = pytest.mark.thorough


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """The command line sets up logs for the whole process: put back what was there."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for f in settings():
        monkeypatch.delenv(f"SPACES_{f.name.upper()}", raising=False)
    monkeypatch.setenv("SPACES_DATA", str(tmp_path))
    monkeypatch.setenv("SPACES_HTTP_PORT", str(free_tcp_port()))
    monkeypatch.setenv("SPACES_UDP_PORT", str(free_udp_port()))
    return tmp_path


def run(*arguments: str) -> object:
    """The exit status, or the message that stands for 1."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def downgraded(data: Path) -> None:
    async def back() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{data / 'spaces.db'}")
        await downgrade(engine, "0001")
        await engine.dispose()

    asyncio.run(back())


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("serve", "--help") == 0
    text = capsys.readouterr().out
    for f in settings():
        assert "--" + f.name.replace("_", "-") in text
        assert f"[SPACES_{f.name.upper()}]" in "".join(text.split())
    commands = {"serve", "demo", "token", "migrate", "doctor", "keys", "admin", "audit", "backup", "restore"}
    assert commands <= set(make_parser().format_help().split())


def test_a_token_is_printed_for_a_new_account_and_for_a_known_one(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("token", "--account", "ada") == 0
    assert run("token", "--account", "ada") == 0
    first, second = capsys.readouterr().out.split()
    assert first.count(".") == second.count(".") == 2
    assert "spaces:" in str(run("token", "--account", "not a handle"))


def test_keys_are_added_listed_and_revoked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "add", "site") == 0
    printed = capsys.readouterr().out
    assert "SPACES_API_KEY=site" in printed
    secret = printed.split("SPACES_API_SECRET=")[1].strip()
    assert run("keys", "list") == 0
    listed = capsys.readouterr().out
    assert "site" in listed
    assert "active" in listed
    assert secret not in listed
    assert run("keys", "revoke", "site") == 0
    assert run("keys", "list") == 0
    assert "revoked" in capsys.readouterr().out.splitlines()[-1]
    assert "spaces:" in str(run("keys", "revoke", "unknown"))
    assert "spaces:" in str(run("keys", "revoke"))


def test_an_older_database_is_refused_until_it_is_migrated(data: Path) -> None:
    run("keys", "list")
    downgraded(data)
    assert "spaces migrate" in str(run("serve"))
    assert "spaces migrate" in str(run("keys", "list"))
    assert run("migrate") == 0
    assert run("keys", "list") == 0

    async def current() -> bool:
        engine = make_engine(f"sqlite+aiosqlite:///{data / 'spaces.db'}")
        try:
            return await is_current(engine)
        finally:
            await engine.dispose()

    assert asyncio.run(current())


def test_the_doctor_says_what_is_wrong_and_what_to_do(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0
    healthy = capsys.readouterr().out
    for part in ("HTTP port", "UDP port", "public_addresses", "database", "Redis", "test money"):
        assert part in healthy
    status = run(
        "doctor", "--public-url", "http://radio.example", "--redis-url", "redis://127.0.0.1:1/0",
        "--node-port", "0", "--tls-cert", "/nowhere", "--tls-key", "/nowhere", "--stripe-secret-key", "sk_test_x",
        "--public-addresses", "radio.example", "--trusted-proxies", "me",
    )  # fmt: skip
    assert status == 1
    ill = capsys.readouterr().out
    assert ill.count("fail") == 6
    assert "https" in ill
    assert "SPACES_REDIS_URL" in ill
    assert "sk_test_x" not in ill


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serve", "--http-port", "many"), "--http-port"),
        (("serve", "--api-key", "a"), "api_secret"),
        (("serve", "--api-key", "a", "--api-secret", "short"), "32 bytes"),
        (("serve", "--tls-cert", "a"), "tls_key"),
        (("serve", "--tls-cert", "/nowhere", "--tls-key", "/nowhere"), "/nowhere"),
        (("serve", "--tls-cert", __file__, "--tls-key", __file__), "PEM"),
        (("serve", "--http-port", "99999"), "http_port: 0 to 65535"),
        (("serve", "--slots", "99"), "slots: 1 to 16"),
        (("serve", "--public-url", "live.example"), "https://live.example"),
        (("serve", "--public-addresses", "live.example"), "public_addresses: 'live.example'"),
        (("serve", "--trusted-proxies", "me"), "trusted_proxies: 'me'"),
        (("serve", "--database-url", "mysql://ada:hush@db/spaces"), "database_url: postgresql://"),
        (("serve", "--database-url", "postgresql://ada:hush@127.0.0.1:1/spaces"), "Connect"),
        (("migrate", "--database-url", "postgresql://ada:hush@127.0.0.1:1/spaces"), "database_url: PostgreSQL"),
        (("serve", "--data", __file__), "data: the folder"),
        (("token", "--account", "ada", "--data", __file__), "data: the folder"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(data: Path, arguments: tuple[str, ...], said: str) -> None:
    answer = str(run(*arguments))
    assert said in answer
    assert "hush" not in answer, "a password stays where it is"


def test_a_port_that_is_taken_is_named_with_the_setting_that_changes_it(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = str(run("serve", "--host", "127.0.0.1", "--http-port", port))
        assert f"http_port {port}: Address already in use" in answer
        assert "SPACES_HTTP_PORT" in answer
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        answer = str(run("serve", "--udp-host", "127.0.0.1", "--udp-port", port))
        assert f"udp_port {port}: Address already in use" in answer
        assert "SPACES_UDP_PORT" in answer


def test_a_token_leaves_a_name_that_was_given_since(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("token", "--account", "ada") == 0
    claims = jwt.decode(capsys.readouterr().out.strip(), options={"verify_signature": False})
    assert "name" not in claims
    assert claims["handle"] == "ada"


def test_an_operator_is_made_and_the_audit_log_is_read(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("admin", "ada@example.org") == 0
    assert "is an operator" in capsys.readouterr().out
    assert "no account nobody" in str(run("admin", "nobody"))
    assert run("audit", "check") == 0
    head = capsys.readouterr().out.split("The newest: ")[1].split()[0]
    assert run("admin", "ada@example.org", "--remove") == 0
    assert run("audit", "check", "--head", head) == 0
    assert run("audit", "check", "--head", "1:" + "0" * 64) == 1
    assert "does not hold" in capsys.readouterr().out
    assert run("backup", str(data / "kept")) == 0
    assert run("restore", str(data / "kept"), "--data", str(data / "new")) == 0
    assert run("audit", "check", "--head", head, "--data", str(data / "new")) == 0


def test_test_money_is_taken_back(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def live() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{data / 'spaces.db'}")
        world = await make_world(engine)
        owner, creator = await world.creator()
        await world.subscribe(await world.person(), creator, await world.tier(owner, creator))
        await engine.dispose()

    run("keys", "list")
    asyncio.run(live())
    for count in (1, 0):
        assert run("admin", "end-test-money") == 0
        assert f"{count} payments of test money" in capsys.readouterr().out
    assert run("ledger", "check") == 0


def test_the_doctor_finds_real_payments_without_the_key_to_them(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def live() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{data / 'spaces.db'}")
        world = await make_world(engine)
        owner, creator = await world.creator()
        await world.subscribe(await world.person(), creator, await world.tier(owner, creator))
        async with engine.begin() as connection:  # as Stripe has them
            await connection.execute(text("UPDATE subscriptions SET provider = 'stripe', provider_ref = 'cs_live_a'"))
            await connection.execute(text("UPDATE payments SET provider = 'stripe'"))
        await engine.dispose()

    run("keys", "list")
    asyncio.run(live())
    capsys.readouterr()
    assert run("doctor") == 1
    assert "real payments" in capsys.readouterr().out
    assert "real payments" in str(run("serve"))


def test_the_demo_takes_test_money_and_has_a_place_of_its_own(tmp_path: Path) -> None:
    served = Config(
        database_url="postgresql://db/spaces", redis_url="redis://db", stripe_secret_key="sk_live_12345678",
        stripe_webhook_secret="whsec_12345678", http_port=9000,
    )  # fmt: skip
    config = demo_config(served, tmp_path)
    assert (config.data, config.database_url, config.redis_url, config.http_port) == (tmp_path, "", "", 9000)
    assert not config.stripe_secret_key + config.stripe_webhook_secret + config.stripe_address


def test_what_was_refused_is_listed_and_asked_again(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def live() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{data / 'spaces.db'}")
        world = await make_world(engine)
        owner, creator = await world.creator()
        await world.subscribe(await world.person(), creator, await world.tier(owner, creator))
        [payment] = await world.access.books.payments(owner, creator)
        await world.access.books.refund(owner, creator, payment.id, amount_minor=50)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE provider_tasks SET error = 'too old'"))
        await engine.dispose()

    run("keys", "list")
    asyncio.run(live())
    capsys.readouterr()
    assert run("admin", "refused") == 0
    number, _, kind, about, amount, why = capsys.readouterr().out.strip().split("\t")
    assert (kind, about, amount, why) == ("refund", "payment 1", "50", "too old")
    assert run("admin", "ask-again", number) == 0
    assert "asked again" in capsys.readouterr().out
    assert "Nothing that was refused" in str(run("admin", "ask-again", number))
    assert "ask-again NUMBER" in str(run("admin", "ask-again", "all"))
