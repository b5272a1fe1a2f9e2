"""The command line: `spaces serve`, `demo`, `token`, `migrate`, `doctor`, `keys`. Thin: it reads options and calls."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import logging
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy.exc import SQLAlchemyError

from access import ledger_check
from access.errors import AccessError
from access.service import Access, utcnow
from spaces import admin, upkeep, workers
from spaces.config import ENVIRONMENT_PREFIX, Config, ConfigError, read_config, settings
from spaces.db.migrate import upgrade
from spaces.db.prepare import open_database, prepare, usable
from spaces.db.store import SpaceStore
from spaces.directory import DirectoryAwayError
from spaces.errors import RequestError
from spaces.logs import configure_logs
from spaces.node import Node
from spaces.payments import open_access
from spaces.redis_client import connect
from spaces.redis_directory import RedisDirectory
from spaces.signaling.connections import raise_descriptor_limit

DRAIN_SECONDS_MAX = 20.0


def main(arguments: list[str] | None = None) -> None:
    options = make_parser().parse_args(arguments)
    overrides = {f.name: getattr(options, f.name) for f in settings() if getattr(options, f.name, None) is not None}
    try:
        config = read_config(os.environ, overrides)
        sys.exit(uvloop.run(options.run(config, options)))
    except ConfigError as error:
        sys.exit(f"spaces: {error}")
    except (AccessError, RequestError) as error:
        sys.exit(f"spaces: {error.detail}")
    except (OSError, SQLAlchemyError) as error:
        sys.exit(f"spaces: {error}\n`spaces doctor` may know more.")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spaces", description="Live audio rooms that a creator's paying fans can get into."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Any, help: str, arguments: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, usage=f"spaces {name} {arguments}[settings]")
        sub.set_defaults(run=run)
        add_settings(sub)
        return sub

    serving = command("serve", serve, "run a node", "[--workers N] ")
    serving.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="so many nodes, on UDP ports in a row; needs redis_url (default: 1)",
    )
    draining = command("drain", drain, "have a node hand its Spaces to the others and end", "--node NAME ")
    draining.add_argument("--node", required=True, metavar="NAME", help="as `spaces doctor` lists it")
    command("demo", demo, "run a node on a throw-away data folder, with a creator, two fans and a talking host")
    token = command(
        "token", print_token, "print an access token of an account, which is made if there is none", "--account HANDLE "
    )
    token.add_argument("--account", required=True, metavar="HANDLE")
    token.add_argument("--seconds", type=int, default=86_400, help="how long it is good for (default: a day)")
    command("migrate", migrate, "bring the database to this program's revision")
    command("doctor", examine, "check ports, addresses, database, Redis and payment keys, and say what to do")
    keys = command("keys", manage_keys, "the API keys that sign account tokens", "{add,list,revoke} [KEY] ")
    keys.add_argument("action", choices=("add", "list", "revoke"))
    keys.add_argument("key", nargs="?", help="the key's id (add: chosen if left out)")
    upkeep.add_commands(command, opened)
    admin.add_command(command, opened_whole)
    ledger = command(
        "ledger", check_ledger, "prove that the books add up, or name the first row that does not", "check "
    )
    ledger.add_argument("action", choices=("check",))
    return parser


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Every setting as an option; what is not given comes from its environment variable, then the default."""
    group = parser.add_argument_group("settings", "each is also an environment variable, named in brackets")
    for f in settings():
        default = "" if f.default in ("", ()) else f" (default: {f.default})"
        variable = ENVIRONMENT_PREFIX + f.name.upper()
        group.add_argument(
            "--" + f.name.replace("_", "-"),
            dest=f.name,
            metavar="…",
            help=f"{f.metadata['help']}{default} [{variable}]".replace("%", "%%"),
        )


async def serve(config: Config, options: argparse.Namespace) -> int:
    configure_logs(config.log_format)
    raise_descriptor_limit()
    if options.workers != 1:
        workers.check(config, options.workers)
        await migrate_if_empty(config)
        return await workers.run(config, options.workers, sys.argv[1:])
    node = Node(config)
    await run_until_told(node, node.wait())
    return 0


async def migrate_if_empty(config: Config) -> None:
    """Once, before several do it at the same time."""
    engine = open_database(config)
    try:
        with usable(config):
            await prepare(engine)
    finally:
        await engine.dispose()


async def drain(config: Config, options: argparse.Namespace) -> int:
    if not config.redis_url:
        raise ConfigError("redis_url: a node that is alone has nobody to hand its Spaces to")
    async with contextlib.aclosing(connect(config.redis_url)) as client:
        directory = RedisDirectory(client)
        try:
            if options.node not in {card.name for card in await directory.nodes()}:
                raise ConfigError(f"node: there is no node {options.node} now")
            await directory.ask_to_drain(options.node)
            async with asyncio.timeout(DRAIN_SECONDS_MAX):
                while options.node in {card.name for card in await directory.nodes()}:  # noqa: ASYNC110 – Redis tells nobody
                    await asyncio.sleep(0.2)
        except DirectoryAwayError as error:
            raise ConfigError(f"redis_url: {error}") from error
        except TimeoutError:
            print(f"{options.node} has been asked, and is not done yet.")
            return 1
    print(f"{options.node} has handed its Spaces over and is gone.")
    return 0


async def demo(config: Config, options: argparse.Namespace) -> int:
    configure_logs(config.log_format, level=logging.WARNING)
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory(prefix="spaces-demo-") as folder:
        config = demo_config(config, Path(folder))
        node = Node(config)
        print("Starting; the first time the sound loops are compiled, which takes a moment.", flush=True)
        await run_until_told(node, _seed_and_talk(node, config))
    return 0


def demo_config(config: Config, folder: Path) -> Config:
    """Whatever the operator has set for his server: nothing of the demo is in his database, his Redis or his Stripe."""
    return dataclasses.replace(
        config,
        data=folder,
        database_url="",
        redis_url="",
        stripe_secret_key="",
        stripe_webhook_secret="",
        stripe_address="",
        api_key=config.api_key or "demo",
        api_secret=config.api_secret or secrets.token_urlsafe(32),
    )


async def _seed_and_talk(node: Node, config: Config) -> None:
    from spaces.demo import run_demo  # a WebRTC client, which a server has no use for

    await run_demo(node.url, config.api_key, config.api_secret)


async def run_until_told(node: Node, work: Coroutine[Any, Any, None]) -> None:
    """Start the node and do the work, until it ends or SIGINT or SIGTERM comes; then stop the node."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    stop = asyncio.create_task(told.wait(), name="signals")
    start = asyncio.create_task(node.start(), name="start")
    await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not start.done():
        start.cancel()
        work.close()
        await node.stop()
        return
    try:
        await start
    except BaseException:
        work.close()
        stop.cancel()
        raise
    working = asyncio.create_task(work, name="work")
    try:
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        stop.cancel()
        await asyncio.gather(working, stop, return_exceptions=True)
        await node.stop()


async def print_token(config: Config, options: argparse.Namespace) -> int:
    async with opened(config) as access:
        account = await access.ensure_account(options.account)
        try:
            token = await access.mint_account_token(account, options.seconds)
        except AccessError as error:
            if error.code != "no_key":
                raise
            await access.add_key()
            token = await access.mint_account_token(account, options.seconds)
    print(token)
    return 0


async def migrate(config: Config, options: argparse.Namespace) -> int:
    engine = open_database(config)
    try:
        with usable(config):
            await upgrade(engine)
    finally:
        await engine.dispose()
    print("The database is at the newest revision.")
    return 0


async def examine(config: Config, options: argparse.Namespace) -> int:
    from spaces import doctor

    findings = await doctor.examine(config)
    print("\n".join(str(finding) for finding in findings))
    return int(any(finding.state == "fail" for finding in findings))


async def manage_keys(config: Config, options: argparse.Namespace) -> int:
    async with opened(config) as access:
        match options.action:
            case "add":
                key, secret = await access.add_key(options.key)
                print(f"SPACES_API_KEY={key.id}\nSPACES_API_SECRET={secret}")
                print("The secret is shown this once.", file=sys.stderr)
            case "list":
                for key in await access.keys():
                    state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "active"
                    print(f"{key.id}\tintegration {key.integration}\tmade {key.created_at:%Y-%m-%d}\t{state}")
            case "revoke":
                if options.key is None:
                    raise ConfigError("keys revoke needs the key's id")
                await access.revoke_key(options.key)
                print(f"{options.key} is revoked: its tokens are refused from now on.")
    return 0


async def check_ledger(config: Config, options: argparse.Namespace) -> int:
    async with opened(config) as access:
        findings = await access.books.check()
    for finding in findings:
        print(f"BROKEN  {finding.check}: {finding.row}")
    print(f"{len(ledger_check.CHECKS) - len(findings)} of {len(ledger_check.CHECKS)} checks hold.")
    return int(bool(findings))


@contextlib.asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Access]:
    """The books, without a node around them."""
    async with opened_whole(config) as (access, _):
        yield access


@contextlib.asynccontextmanager
async def opened_whole(config: Config) -> AsyncIterator[tuple[Access, SpaceStore]]:
    """The books and the Spaces, without a node around them."""
    async with contextlib.AsyncExitStack() as stack:
        engine = open_database(config)
        stack.push_async_callback(engine.dispose)
        with usable(config):
            await prepare(engine)
        store = SpaceStore(engine)
        key, stripe_key = [await store.server_key(name, utcnow()) for name in ("join_token", "stripe")]
        access = open_access(config, engine, lambda: config.url, key, stripe_key)
        stack.push_async_callback(access.desk.close)
        if config.api_key:
            await access.ensure_key(config.api_key, config.api_secret)
        yield access, store


if __name__ == "__main__":
    main()
