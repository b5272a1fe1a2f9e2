"""`spaces admin`: what an operator does, done by whoever has the machine. A running node takes it up within a second or two."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from access.errors import AccessError
from access.model import Account
from access.platform_settings import SETTINGS, Value
from access.service import Access
from spaces.config import Config, ConfigError
from spaces.db.store import SpaceStore

Opened = Callable[[Config], AbstractAsyncContextManager[tuple[Access, SpaceStore]]]

ACTS = """\
appoint ACCOUNT          make an account an operator (a mail address without an account gets one)
dismiss ACCOUNT          it is an operator no more
find TEXT                accounts, creators and Spaces
suspend WHAT [--reason]  WHAT is account ACCOUNT, creator HANDLE or space ID
lift WHAT                the same, back again
suspended                what is suspended now
reports [--closed]       the queue of reports
close REPORT OUTCOME     OUTCOME is acted or dismissed; --note says why
settings                 what goes for the whole platform
set NAME VALUE           change it; default: as the server was configured
refund HANDLE PAYMENT    pay back what a creator was paid, by its number; --amount: a part; --reason: the payer reads it
refused                  what the payment provider was asked and has refused for good, as refunds
ask-again NUMBER         ask it again
end-test-money           take back every right and all earnings of test money and Stripe's test mode
webhooks                 where events are sent, and what could not be delivered
redeliver ENDPOINT       send again what was given up"""


def add_command(command: Callable[..., argparse.ArgumentParser], opened: Opened) -> None:
    async def run(config: Config, options: Any) -> int:
        async with opened(config) as (access, store):
            return await Admin(access, store, options).run()

    parser = command("admin", run, "what operators do, from the command line", "ACT … ")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"acts:\n{ACTS}"
    parser.add_argument("act", help="one of those below; or an account, to appoint it")
    parser.add_argument("words", nargs="*", metavar="…", help="what the act is about")
    parser.add_argument("--remove", action="store_true", help="with an account alone: dismiss it")
    parser.add_argument("--reason", default="", help="of a suspension, for other operators; of a refund, for the payer")
    parser.add_argument("--note", default="", help="of a closed report, for other operators")
    parser.add_argument(
        "--amount", type=int, help="of a refund, in the currency's smallest units; else all that is left"
    )
    parser.add_argument("--closed", action="store_true", help="reports that are closed")


class Admin:
    def __init__(self, access: Access, store: SpaceStore, options: Any) -> None:
        self._access = access
        self._store = store
        self._options = options
        self._words: list[str] = options.words

    async def run(self) -> int:
        act = self._options.act
        acts: dict[str, tuple[int, Callable[..., Awaitable[None]]]] = {
            "appoint": (1, self._appoint),
            "dismiss": (1, self._dismiss),
            "find": (1, self._find),
            "suspend": (2, self._suspend),
            "lift": (2, self._lift),
            "suspended": (0, self._suspended),
            "reports": (0, self._reports),
            "close": (2, self._close),
            "settings": (0, self._settings),
            "set": (2, self._set),
            "refund": (2, self._refund),
            "refused": (0, self._refused),
            "ask-again": (1, self._ask_again),
            "end-test-money": (0, self._end_test_money),
            "webhooks": (0, self._webhooks),
            "redeliver": (1, self._redeliver),
        }
        if act not in acts and not self._words:
            self._words, act = [act], "dismiss" if self._options.remove else "appoint"
        if act not in acts or len(self._words) != acts[act][0]:
            raise ConfigError(f"spaces admin: one of\n{ACTS}")
        await acts[act][1](*self._words)
        return 0

    async def _appoint(self, who: str) -> None:
        account = await self._access.people.appoint(who)
        print(f"Account {account.id} ({account.name}) is an operator.")

    async def _dismiss(self, who: str) -> None:
        account = await self._access.people.dismiss(who)
        print(f"Account {account.id} ({account.name}) is no operator any more.")

    async def _find(self, text: str) -> None:
        for account, is_creator in await self._access.operators.find(text):
            kind = "creator" if is_creator else "account"
            print(f"{kind}\t{account.id}\t@{account.handle or '-'}\t{account.name}\t{account.status}")
        for record in await self._store.named(text):
            print(f"space\t{record.id}\t{record.state}\t{record.title}")

    async def _suspend(self, scope: str, whom: str) -> None:
        account, space = await self._whom(scope, whom)
        reason = self._options.reason
        await self._access.operators.suspend(None, scope, account, space=space, reason=reason)
        print(f"The {scope} {whom} is suspended.")

    async def _lift(self, scope: str, whom: str) -> None:
        account, space = await self._whom(scope, whom)
        await self._access.operators.lift(None, scope, account, space=space)
        print(f"The {scope} {whom} is not suspended any more.")

    async def _suspended(self) -> None:
        for one in await self._access.operators.suspended():
            print(f"{one.scope}\t{one.space or one.account}\tsince {one.since:%Y-%m-%d %H:%M}\t{one.reason}")

    async def _reports(self) -> None:
        after = 0
        while found := await self._store.reports.listed(closed=self._options.closed, after=after):
            for one in found:
                about = f"account {one.about}" if one.about is not None else "the Space"
                end = f"\t{one.outcome}: {one.note}" if one.outcome else ""
                print(
                    f"{one.id}\t{one.created_at:%Y-%m-%d %H:%M}\t{one.reason}\tin {one.space}, of {about}\t{one.detail}{end}"
                )
            after = found[-1].id

    async def _close(self, report: str, outcome: str) -> None:
        if outcome not in ("acted", "dismissed") or not report.isdecimal():
            raise ConfigError("spaces admin close REPORT acted|dismissed")
        await self._store.reports.close(int(report), outcome, self._options.note, None, self._access.now())
        print(f"Report {report} is closed.")

    async def _settings(self) -> None:
        standing = await self._access.operators.settings()
        for name, setting in SETTINGS.items():
            value = standing.get(name, "as configured")
            print(f"{name}\t{str(value).lower() if isinstance(value, bool) else value}\t{setting.help}")

    async def _set(self, name: str, text: str) -> None:
        value: Value | None = {"true": True, "yes": True, "false": False, "no": False, "default": None}.get(
            text.lower()
        )
        if value is None and text.lower() != "default":
            if not text.isascii() or not text.removeprefix("-").isdecimal():
                raise AccessError(422, "bad_field", f"{name}: a whole number, true, false or default", name)
            value = int(text)
        await self._access.operators.change_settings(None, {name: value})
        print(f"{name} is set. Running nodes follow within seconds.")

    async def _refund(self, handle: str, payment: str) -> None:
        if not payment.isdecimal():
            raise ConfigError(
                "spaces admin refund HANDLE PAYMENT: its number, as whoever paid finds it at his payments"
            )
        books, creator = self._access.books, await self._access.creator(handle)
        now = await books.refund(
            None, creator, int(payment), amount_minor=self._options.amount, reason=self._options.reason
        )
        print(
            f"Payment {now.id}: {now.refunded_minor} of {now.gross_minor} {now.currency} (smallest units) is paid back."
        )
        if self._options.amount is None and now.refunded_minor < now.gross_minor:
            print("The payment provider has been asked for the rest, or will be as soon as it can be reached.")

    async def _refused(self) -> None:
        for one in await self._access.books.refused():
            about = one.subject if one.payment is None else f"payment {one.payment}"
            amount = "" if one.amount_minor is None else f"\t{one.amount_minor}"
            print(f"{one.id}\t{one.at:%Y-%m-%d %H:%M}\t{one.kind}\t{about}{amount}\t{one.error}")

    async def _ask_again(self, number: str) -> None:
        if not number.isdecimal():
            raise ConfigError("spaces admin ask-again NUMBER: as `spaces admin refused` shows it")
        await self._access.books.ask_again(int(number))
        left = {one.id: one for one in await self._access.books.refused()}
        said = left.get(int(number))
        print("It has been asked again." if said is None else f"Refused again: {said.error}")

    async def _end_test_money(self) -> None:
        count = await self._access.books.end_pretended()
        print(f"{count} payments of test money are taken back, and what was had for them has ended.")

    async def _webhooks(self) -> None:
        for one in await self._access.hooks.endpoints(None):
            state = f"disabled ({one.disabled_why})" if one.disabled_at else "failing" if one.failing_since else "ok"
            print(f"{one.id}\t{one.url}\t{state}\twaiting {one.waiting}\tdead {one.dead}\t{one.last_error or ''}")

    async def _redeliver(self, endpoint: str) -> None:
        if not endpoint.isdecimal():
            raise ConfigError("spaces admin redeliver ENDPOINT: its number, as `spaces admin webhooks` shows it")
        count = await self._access.hooks.redeliver(None, None, int(endpoint))
        print(f"{count} will be sent again.")

    async def _whom(self, scope: str, whom: str) -> tuple[int, str | None]:
        """Raises AccessError(404)."""
        match scope:
            case "account":
                return (await self._account(whom)).id, None
            case "creator":
                return (await self._access.creator(whom)).id, None
            case "space":
                record = await self._store.load(whom)
                if record is None:
                    raise AccessError(404, "unknown_space", f"There is no Space {whom}.")
                return record.creator, record.id
        raise ConfigError("spaces admin suspend|lift account|creator|space …")

    async def _account(self, whom: str) -> Account:
        found = await self._access.operators.find(whom if whom.isdecimal() or "@" in whom else f"@{whom}")
        if not found:
            raise AccessError(404, "unknown_account", f"There is no account {whom}.")
        return found[0][0]
