"""Addresses of newsletters."""

from __future__ import annotations

from spaces.signaling import mail_pages, rest_newsletters
from spaces.signaling import schemas_newsletters as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.pages_of_lists import BEFORE

ISSUES = "/v1/creators/{handle}/newsletters"
ISSUE = ISSUES + "/{issue}"

NEWSLETTERS = [
    Route(
        method="POST", path=ISSUES, handler=rest_newsletters.draft, summary="Write a newsletter", tag="newsletters",
        sign_in=True, body=schemas.NewIssue, answer=schemas.IssueView, status=201, problems=(403, 404, 409),
    ),
    Route(
        method="GET", path=ISSUES, handler=rest_newsletters.list_issues, summary="Drafts and what was sent, newest first",
        tag="newsletters", sign_in=True, answer=schemas.IssuesView, problems=(403, 404), query=(BEFORE,),
    ),
    Route(
        method="GET", path=ISSUE, handler=rest_newsletters.get_issue, tag="newsletters", sign_in=True,
        summary="One issue, and what became of its deliveries", answer=schemas.IssueView, problems=(403, 404),
    ),
    Route(
        method="PATCH", path=ISSUE, handler=rest_newsletters.change, summary="Change a draft", tag="newsletters",
        sign_in=True, body=schemas.IssueChanges, answer=schemas.IssueView, problems=(403, 404, 409),
    ),
    Route(
        method="DELETE", path=ISSUE, handler=rest_newsletters.discard, summary="Discard a draft", tag="newsletters",
        sign_in=True, status=204, problems=(403, 404, 409),
    ),
    Route(
        method="GET", path=f"{ISSUE}/preview", handler=rest_newsletters.preview, tag="newsletters", sign_in=True,
        summary="As it will look, and to how many it would go", answer=schemas.IssuePreview, problems=(403, 404),
    ),
    Route(
        method="POST", path=f"{ISSUE}/send", handler=rest_newsletters.send, tag="newsletters", sign_in=True,
        summary="Send it to whoever is entitled and has consented", answer=schemas.IssueView, problems=(403, 404, 409),
    ),
    Route(
        method="POST", path=f"{ISSUE}/stop", handler=rest_newsletters.stop, tag="newsletters", sign_in=True,
        summary="Send it to nobody else", answer=schemas.IssueView, problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/me/newsletters", handler=rest_newsletters.list_mine, tag="newsletters", sign_in=True,
        summary="Newsletters that I get", answer=schemas.ConsentsView,
    ),
    Route(
        method="PUT", path="/v1/me/newsletters/{handle}", handler=rest_newsletters.subscribe, tag="newsletters",
        summary="Consent to a creator's newsletters; an address that is not proved is asked by mail", sign_in=True,
        body=schemas.NewConsent, body_optional=True, answer=schemas.ConsentView, problems=(403, 404, 409, 503),
    ),
    Route(
        method="DELETE", path="/v1/me/newsletters/{handle}", handler=rest_newsletters.unsubscribe, tag="newsletters",
        summary="Unsubscribe", sign_in=True, status=204, problems=(404,),
    ),
    Route(
        method="POST", path="/v1/mail/events", handler=rest_newsletters.take_events, tag="newsletters", own_token=True,
        summary="Bounces and complaints, signed in Spaces-Signature by whoever carries our mail",
        body=schemas.MailEvents, answer=schemas.MailEventsTaken, problems=(403,),
    ),
    *(
        Route(
            method=method, path=f"{path}/{{token}}", handler=handler, summary=summary, tag="newsletters",
            own_token=True, produces="text/html", problems=(404, 410),
        )
        for method, path, handler, summary in (
            ("GET", "/unsubscribe", mail_pages.ask_unsubscribe, "What the link in a newsletter leads to"),
            ("POST", "/unsubscribe", mail_pages.unsubscribe, "One click (RFC 8058), or the page's button"),
            ("GET", "/newsletters/confirm", mail_pages.ask_confirm, "What the link in the question leads to"),
            ("POST", "/newsletters/confirm", mail_pages.confirm, "The address is the account's"),
        )
    ),
]  # fmt: skip
