"""Addresses of reminders."""

from __future__ import annotations

from spaces.signaling import answers, reminder_pages, rest_reminders
from spaces.signaling import schemas_reminders as schemas
from spaces.signaling.endpoint import Route

REMINDERS = [
    Route(
        method="PUT", path="/v1/spaces/{space}/reminder", handler=rest_reminders.ask, tag="reminders", sign_in=True,
        summary="Be told when it begins, has another time or is cancelled", body=schemas.NewReminder,
        body_optional=True, answer=answers.ReminderView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="DELETE", path="/v1/spaces/{space}/reminder", handler=rest_reminders.withdraw, tag="reminders",
        summary="Be told nothing more of it", sign_in=True, status=204, problems=(404,),
    ),
    Route(
        method="GET", path="/v1/me/reminders", handler=rest_reminders.list_mine, tag="reminders", sign_in=True,
        summary="What I am to be reminded of, and what is to be told now", answer=schemas.RemindersView,
    ),
    Route(
        method="POST", path="/v1/me/reminders/seen", handler=rest_reminders.see, tag="reminders", sign_in=True,
        summary="Notices that are shown now", body=schemas.SeenNotices, answer=schemas.NoticesSeenView,
    ),
    *(
        Route(
            method=method, path="/reminders/withdraw/{token}", handler=handler, summary=summary, tag="reminders",
            own_token=True, produces="text/html", problems=(404,),
        )
        for method, handler, summary in (
            ("GET", reminder_pages.ask_withdraw, "What the link in a reminder leads to"),
            ("POST", reminder_pages.withdraw, "One click (RFC 8058), or the page's button"),
        )
    ),
]  # fmt: skip
