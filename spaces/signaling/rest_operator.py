"""What operators do over HTTP: find, look, suspend and lift, and set what goes for the whole platform."""

from __future__ import annotations

from access.model import Account
from access.platform_settings import SETTINGS, Value
from access.suspensions import LISTED_MAX, Suspended
from spaces.errors import RequestError
from spaces.room_record import Record
from spaces.room_rules import State
from spaces.signaling.accounts import need_account
from spaces.signaling.endpoint import Call
from spaces.signaling.operator_right import need_operator
from spaces.signaling.rest_creators import creator_named, read_id
from spaces.signaling.rest_reports import report_views
from spaces.signaling.rest_spaces import show_many
from spaces.signaling.schemas_operator import (
    AccountFileView,
    FoundAccountView,
    FoundSpaceView,
    FoundView,
    NewSuspension,
    SettingChanges,
    SettingsView,
    SettingView,
    SuspensionsView,
    SuspensionView,
)
from spaces.signaling.views import account_view

QUERY_LENGTH_MAX = 200
Whom = tuple[str, int, str | None]
"""Scope, account, Space."""


# --- suspending


async def suspend_account(call: Call) -> SuspensionView:
    return await _suspend(call, await _account(call))


async def restore_account(call: Call) -> SuspensionView:
    return await _lift(call, await _account(call))


async def suspend_creator(call: Call) -> SuspensionView:
    return await _suspend(call, await _creator(call))


async def restore_creator(call: Call) -> SuspensionView:
    return await _lift(call, await _creator(call))


async def suspend_space(call: Call) -> SuspensionView:
    return await _suspend(call, await _space(call))


async def restore_space(call: Call) -> SuspensionView:
    return await _lift(call, await _space(call))


async def _account(call: Call) -> Whom:
    await need_operator(call.services, call.me)  # before anybody learns which accounts there are
    return "account", (await need_account(call.services.access, call.me, call.match("account"))).id, None


async def _creator(call: Call) -> Whom:
    await need_operator(call.services, call.me)
    return "creator", (await creator_named(call)).id, None


async def _space(call: Call) -> Whom:
    await need_operator(call.services, call.me)
    record = await call.services.rooms.record(call.match("space"))
    return "space", record.creator, record.id


async def _suspend(call: Call, whom: Whom) -> SuspensionView:
    scope, account, space = whom
    body: NewSuspension = call.body
    made = await call.services.access.operators.suspend(call.me, scope, account, space=space, reason=body.reason)
    call.services.rights.nudge()
    return (await _suspensions(call, [made]))[0]


async def _lift(call: Call, whom: Whom) -> SuspensionView:
    scope, account, space = whom
    await call.services.access.operators.lift(call.me, scope, account, space=space)
    call.services.rights.nudge()
    call.services.newsletters.nudge()
    call.services.reminder_sender.nudge()
    accounts = await call.services.access.accounts([account])
    return SuspensionView(
        scope=scope,  # type: ignore[arg-type]
        account=account_view(accounts[account], call.me),
        space=space,
        status="active",
        since=None,
        until=None,
        by=None,
        reason="",
    )


async def list_suspensions(call: Call) -> SuspensionsView:
    await need_operator(call.services, call.me)
    before = call.request.query.get("before")
    found = await call.services.access.operators.suspended(before=None if before is None else read_id(before, "before"))
    return SuspensionsView(
        suspensions=await _suspensions(call, found), next=str(found[-1].id) if len(found) == LISTED_MAX else None
    )


# --- finding


async def search(call: Call) -> FoundView:
    await need_operator(call.services, call.me)
    text = call.request.query.get("q", "").strip()
    if not 1 <= len(text) <= QUERY_LENGTH_MAX:
        raise RequestError(422, "bad_field", f"q: 1 to {QUERY_LENGTH_MAX} characters", field="q")
    found = await call.services.access.operators.find(text)
    records = await call.services.rooms.named(text)
    return FoundView(
        accounts=[await _found_account(call, account, is_creator) for account, is_creator in found],
        spaces=await _found_spaces(call, records),
    )


async def look_at_account(call: Call) -> AccountFileView:
    await need_operator(call.services, call.me)
    services = call.services
    account = await need_account(services.access, call.me, call.match("account"))
    is_creator = await services.access.creator_of(account.id) is not None
    suspended = await services.access.operators.suspended(account=account.id, running=False)
    return AccountFileView(
        found=await _found_account(call, account, is_creator),
        suspensions=await _suspensions(call, suspended),
        reports=await report_views(call, await services.reports.about(account.id)),
        spaces=await _found_spaces(call, await services.rooms.listed(State, creator=account.id)),
    )


async def _found_account(call: Call, account: Account, is_creator: bool) -> FoundAccountView:
    standing = await call.services.access.operators.suspended(account=account.id)
    scopes = dict.fromkeys(one.scope for one in standing if one.scope != "space")
    return FoundAccountView(
        account=account_view(account, call.me),
        is_creator=is_creator,
        suspended=list(scopes),  # type: ignore[arg-type]
    )


async def _found_spaces(call: Call, records: list[Record]) -> list[FoundSpaceView]:
    views = await show_many(call, records)
    suspended = await call.services.access.operators.kept_back({one.id: one.creator for one in records})
    return [FoundSpaceView(space=view, suspended=view.id in suspended) for view in views]


async def _suspensions(call: Call, found: list[Suspended]) -> list[SuspensionView]:
    ids = {id for one in found for id in (one.account, one.by) if id is not None}
    accounts = await call.services.access.accounts(ids)
    return [
        SuspensionView(
            scope=one.scope,  # type: ignore[arg-type]
            account=account_view(accounts[one.account], call.me),
            space=one.space,
            status="suspended" if one.until is None else "active",
            since=one.since,
            until=one.until,
            by=None if one.by is None else account_view(accounts[one.by], call.me),
            reason=one.reason,
        )
        for one in found
    ]


# --- settings


async def get_settings(call: Call) -> SettingsView:
    await need_operator(call.services, call.me)
    return _settings(call, await call.services.access.operators.settings())


async def change_settings(call: Call) -> SettingsView:
    body: SettingChanges = call.body
    standing = await call.services.access.operators.change_settings(call.me, dict(body.settings))
    call.services.rooms.apply_settings(standing)
    return _settings(call, standing)


def _settings(call: Call, standing: dict[str, Value]) -> SettingsView:
    config = call.services.config
    return SettingsView(
        settings=[
            SettingView(
                name=name,
                help=setting.help,
                value=standing.get(name),
                configured=True if setting.smallest is None else int(getattr(config, name)),
                smallest=setting.smallest,
                greatest=setting.greatest,
            )
            for name, setting in SETTINGS.items()
        ]
    )
