"""Newsletters over HTTP: write, preview, send; and consent to them."""

from __future__ import annotations

import asyncio

from access import newsletters
from access.benefit_model import MailConsent, NewsletterIssue
from access.errors import AccessError
from spaces.errors import RemoteError, RequestError
from spaces.mail import MailError
from spaces.newsletters import letter
from spaces.newsletters.markdown import to_html
from spaces.newsletters.webhook import check_signature_untrusted
from spaces.signaling.endpoint import Answer, Call, read_whole
from spaces.signaling.pages_of_lists import next_page, read_before
from spaces.signaling.rest_creators import read_id
from spaces.signaling.schemas_newsletters import (
    ConsentsView,
    ConsentView,
    DeliveryCounts,
    IssueChanges,
    IssuePreview,
    IssuesView,
    IssueView,
    MailEvent,
    MailEvents,
    MailEventsTaken,
    NewConsent,
    NewIssue,
)
from spaces.signaling.views import account_view

# --- issues


async def draft(call: Call) -> Answer:
    body: NewIssue = call.body
    access = call.services.access
    creator = await access.creator(call.match("handle"))
    tiers = [int(tier) for tier in body.tiers]
    made = await access.newsletters.draft(
        call.me, creator, subject=body.subject, markdown=body.markdown, tiers=tiers
    )  # fmt: skip
    where = f"/v1/creators/{creator.handle}/newsletters/{made.id}"
    return Answer(await _show(call, made), 201, (("Location", where),))


async def list_issues(call: Call) -> IssuesView:
    access = call.services.access
    creator, before = await access.creator(call.match("handle")), read_before(call)
    found = await access.newsletters.of_creator(call.me, creator, before=before)
    following = next_page(found, newsletters.LISTED_MAX)
    return IssuesView(issues=[await _show(call, issue) for issue in found], next=following)


async def get_issue(call: Call) -> IssueView:
    return await _show(call, await _issue(call))


async def change(call: Call) -> IssueView:
    body: IssueChanges = call.body
    access = call.services.access
    changed = await access.newsletters.change(
        call.me,
        await access.creator(call.match("handle")),
        _number(call),
        subject=body.subject,
        markdown=body.markdown,
        tiers=None if body.tiers is None else [int(tier) for tier in body.tiers],
    )
    return await _show(call, changed)


async def discard(call: Call) -> None:
    access = call.services.access
    await access.newsletters.discard(call.me, await access.creator(call.match("handle")), _number(call))


async def preview(call: Call) -> IssuePreview:
    issue = await _issue(call)
    return IssuePreview(
        subject=issue.subject,
        html=await asyncio.to_thread(to_html, issue.markdown),
        text=issue.markdown,
        audience=await call.services.access.newsletters.audience(issue.creator, issue.tiers),
    )


async def send(call: Call) -> IssueView:
    services = call.services
    if not services.mail.configured:
        raise RequestError(409, "no_mail", "this server sends no mail: its operator has to set smtp_url")
    creator = await services.access.creator(call.match("handle"))
    sending = await services.access.newsletters.send(call.me, creator, _number(call))
    services.newsletters.nudge()
    return await _show(call, sending)


async def stop(call: Call) -> IssueView:
    access = call.services.access
    creator = await access.creator(call.match("handle"))
    return await _show(call, await access.newsletters.stop(call.me, creator, _number(call)))


# --- consent


async def subscribe(call: Call) -> ConsentView:
    """Unconfirmed: a mail with a link is on its way."""
    body: NewConsent = call.body
    services = call.services
    creator = await services.access.creator(call.match("handle"))
    consent = await services.access.newsletters.subscribe(
        call.me, creator, address=body.email, source=body.source, can_ask=services.mail.configured
    )
    if consent.confirmed_at is None:
        link = services.links.confirm(consent.id, services.now())
        try:
            await services.mail.send(letter.question(consent.address, creator.name, link, services.now()))
        except MailError as error:
            if error.outcome == "refused":
                raise RequestError(422, "bad_address", "no mail can be sent there", field="email") from error
            raise RequestError(503, "mail_away", "no mail can be sent now", retry_after_seconds=60) from error
    return await _consent_view(call, consent)


async def unsubscribe(call: Call) -> None:
    access = call.services.access
    creator = await access.creator(call.match("handle"))
    await access.newsletters.unsubscribe(call.me.id, creator.id, by="account")


async def list_mine(call: Call) -> ConsentsView:
    mine = await call.services.access.newsletters.consents(call.me)
    return ConsentsView(newsletters=[await _consent_view(call, consent) for consent in mine])


# --- what the mail server tells


async def take_events(call: Call) -> MailEventsTaken:
    """Of bounces and complaints: signed by whoever carries our mail."""
    body: MailEvents = call.body
    services = call.services
    secret = services.config.mail_webhook_secret
    if not secret:
        raise RequestError(403, "webhook_off", "mail_webhook_secret is not set")
    signature = call.request.headers.get("Spaces-Signature", "")
    try:
        check_signature_untrusted(signature, await read_whole(call.request), secret, services.now())
    except RemoteError as error:
        raise RequestError(401, error.cause, "Spaces-Signature: t=SECONDS,v1=HMAC-SHA256 of SECONDS.BODY") from error
    for index, event in enumerate(body.events):
        if bool(event.message_id) == bool(event.address):
            raise RequestError(422, "bad_field", "either message_id or address", field=f"events[{index}]")
    taken = [await _take(call, event) for event in body.events]
    return MailEventsTaken(taken=sum(taken), unknown=len(taken) - sum(taken))


async def _take(call: Call, event: MailEvent) -> bool:
    services = call.services
    if event.address:
        return await services.access.newsletters.bounced(event.kind, address=event.address)
    try:
        what, delivery = services.links.read_message_id_untrusted(event.message_id or "")
    except RemoteError:
        return False
    if what == "reminder":
        digest = await services.reminder_deliveries.address_sha256(delivery)
        if digest is not None:
            await services.access.newsletters.suppress(event.kind, digest)
        return digest is not None
    return await services.access.newsletters.bounced(event.kind, delivery=delivery)


async def _issue(call: Call) -> NewsletterIssue:
    access = call.services.access
    return await access.newsletters.get(call.me, await access.creator(call.match("handle")), _number(call))


async def _show(call: Call, issue: NewsletterIssue) -> IssueView:
    return IssueView(
        id=str(issue.id),
        subject=issue.subject,
        markdown=issue.markdown,
        tiers=[str(tier) for tier in issue.tiers],
        state=issue.state,  # type: ignore[arg-type]
        created_at=issue.created_at,
        sent_at=issue.sent_at,
        finished_at=issue.finished_at,
        deliveries=DeliveryCounts(**await call.services.access.newsletters.counts(issue.id)),
    )


async def _consent_view(call: Call, consent: MailConsent) -> ConsentView:
    found = await call.services.access.accounts({consent.creator})
    if consent.creator not in found:
        raise AccessError(404, "unknown_creator", "There is no such creator.")
    return ConsentView(
        creator=account_view(found[consent.creator], call.account),
        email=consent.address,
        source=consent.source,
        given_at=consent.given_at,
        confirmed_at=consent.confirmed_at,
    )


def _number(call: Call) -> int:
    return read_id(call.match("issue"), "issue")
