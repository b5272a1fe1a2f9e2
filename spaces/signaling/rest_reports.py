"""Reports over HTTP: anybody signed in makes them, operators work the queue off."""

from __future__ import annotations

from access.fields import prose
from access.model import Account
from spaces.db.reports import LISTED_MAX, Report
from spaces.errors import RequestError
from spaces.signaling import moderation
from spaces.signaling.accounts import need_account
from spaces.signaling.endpoint import Call
from spaces.signaling.operator_right import need_operator
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
    await need_operator(call.services, call.me)
    query = call.request.query
    if query.get("state", "open") not in ("open", "closed"):
        raise RequestError(422, "bad_field", "state: open or closed", field="state")
    after = read_id(query.get("after", "0"), "after")
    found = await call.services.reports.listed(closed=query.get("state") == "closed", after=after)
    return ReportsView(
        reports=await report_views(call, found),
        next=str(found[-1].id) if len(found) == LISTED_MAX else None,
    )


async def close_report(call: Call) -> ReportView:
    await need_operator(call.services, call.me)
    body: ReportOutcome = call.body
    report = read_id(call.match("report"), "report")
    note = prose(body.note, "note", 2_000, 0)
    closed = await call.services.reports.close(report, body.outcome, note, call.me.id, call.services.now())
    return (await report_views(call, [closed]))[0]


async def get_report(call: Call) -> ReportView:
    await need_operator(call.services, call.me)
    found = await call.services.reports.get(read_id(call.match("report"), "report"))
    return (await report_views(call, [found]))[0]


async def report_views(call: Call, reports: list[Report]) -> list[ReportView]:
    accounts = await _accounts(call, reports)
    return [_view(one, accounts, call.me) for one in reports]


async def _accounts(call: Call, reports: list[Report]) -> Accounts:
    ids = {id for one in reports for id in (one.account, one.about, one.closed_by) if id is not None}
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
        closed_by=None if report.closed_by is None else account_view(accounts[report.closed_by], viewer),
        closed_at=report.closed_at,
        note=report.note,
    )
