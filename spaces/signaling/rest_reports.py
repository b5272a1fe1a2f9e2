"""Reports over HTTP: anybody signed in makes them, operators work the queue off."""

from __future__ import annotations

from access.model import Account
from spaces.db.reports import LISTED_MAX, Report
from spaces.errors import RequestError
from spaces.signaling import moderation
from spaces.signaling.accounts import need_account
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_creators import read_id
from spaces.signaling.schemas_rooms import NewReport, ReportMadeView, ReportOutcome, ReportsView, ReportView
from spaces.signaling.views import Accounts, account_view


async def report(call: Call) -> ReportMadeView:
    body: NewReport = call.body
    services = call.services
    record = await services.rooms.record(call.match("space"))
    about = None if body.account is None else await need_account(services.access, call.me, body.account)
    made = await moderation.report(services, record, call.me, about, body.reason, body.detail)
    return ReportMadeView(id=str(made.id), created_at=made.created_at)


async def list_reports(call: Call) -> ReportsView:
    await _check_operator(call)
    query = call.request.query
    if query.get("state", "open") not in ("open", "closed"):
        raise RequestError(422, "bad_field", "state: open or closed", field="state")
    after = read_id(query.get("after", "0"), "after")
    found = await call.services.reports.listed(closed=query.get("state") == "closed", after=after)
    accounts = await _accounts(call, found)
    return ReportsView(
        reports=[_view(one, accounts, call.me) for one in found],
        next=str(found[-1].id) if len(found) == LISTED_MAX else None,
    )


async def close_report(call: Call) -> ReportView:
    await _check_operator(call)
    body: ReportOutcome = call.body
    report = read_id(call.match("report"), "report")
    closed = await call.services.reports.close(report, body.outcome, call.me.id, call.services.now())
    return _view(closed, await _accounts(call, [closed]), call.me)


async def _check_operator(call: Call) -> None:
    if not (await call.services.access.people.profile(call.me)).is_operator:
        raise RequestError(403, "not_operator", "only an operator may do this")


async def _accounts(call: Call, reports: list[Report]) -> Accounts:
    ids = {id for one in reports for id in (one.account, one.about) if id is not None}
    return await call.services.access.accounts(ids)


def _view(report: Report, accounts: Accounts, viewer: Account) -> ReportView:
    return ReportView(
        id=str(report.id),
        by=account_view(accounts[report.account], viewer),
        space=report.space,
        account=None if report.about is None else account_view(accounts[report.about], viewer),
        reason=report.reason,  # type: ignore[arg-type]
        detail=report.detail,
        created_at=report.created_at,
        outcome=report.outcome,  # type: ignore[arg-type]
        closed_at=report.closed_at,
    )
