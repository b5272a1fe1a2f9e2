"""Signing in and out over HTTP. The code goes by mail; without a mail server it is shown to whoever runs the server."""

from __future__ import annotations

from email.message import EmailMessage

import structlog
from aiohttp import web

from access.sessions import LIFETIME, Client, Opened
from access.sign_in import LIFETIME as CODE_LIFETIME
from access.sign_in import Asked
from spaces.errors import RequestError
from spaces.mail import MailError
from spaces.signaling.callers import (
    BROWSER,
    SESSION,
    cookie_name,
    refuse_foreign_page,
    set_cookie,
)
from spaces.signaling.endpoint import Call, json_response
from spaces.signaling.schemas_people import NewSignIn, SignedInView, SignInAskedView, SignInCode, SignInMethodsView
from spaces.signaling.views import account_view

log = structlog.get_logger()


async def get_methods(call: Call) -> SignInMethodsView:
    services = call.services
    return SignInMethodsView(
        mail=services.mail.configured, oidc=None if services.oidc is None else services.oidc.provider.name
    )


async def ask(call: Call) -> web.Response:
    """Answers alike whether the address has an account here or not, and takes the same time."""
    services, body = call.services, call.body
    assert isinstance(body, NewSignIn)
    refuse_foreign_page(services, call.request)
    services.limiters.sign_ins.take(call.address, services.clock())
    asked = await services.access.people.ask(body.address)
    await _send(call, asked)
    response = json_response(SignInAskedView(expires_at=asked.expires_at), 202)
    set_cookie(services, call.request, response, BROWSER, asked.browser, int(CODE_LIFETIME.total_seconds()))
    return response


async def answer(call: Call) -> web.Response:
    services, body = call.services, call.body
    assert isinstance(body, SignInCode)
    refuse_foreign_page(services, call.request)
    services.limiters.sign_ins.take(call.address, services.clock())
    browser = call.request.cookies.get(cookie_name(services, call.request, BROWSER), "")
    opened = await services.access.people.answer(browser, body.code, client_of(call))
    view = SignedInView(account=account_view(opened.account, opened.account), expires_at=opened.expires_at)
    response = json_response(view, 201)
    set_cookie(services, call.request, response, BROWSER, "", 0)
    open_in_browser(call, response, opened)
    return response


async def sign_out(call: Call) -> web.Response:
    services, request = call.services, call.request
    refuse_foreign_page(services, request)
    cookie = request.cookies.get(cookie_name(services, request, SESSION))
    if cookie is not None:
        await services.access.people.sign_out(cookie)
    response = json_response(None, 204)
    set_cookie(services, request, response, SESSION, "", 0)
    return response


def open_in_browser(call: Call, response: web.StreamResponse, opened: Opened) -> None:
    set_cookie(call.services, call.request, response, SESSION, opened.token, int(LIFETIME.total_seconds()))


def client_of(call: Call) -> Client:
    return Client(call.request.headers.get("User-Agent", ""), call.address)


async def _send(call: Call, asked: Asked) -> None:
    """Raises RequestError(503) if the mail certainly has not left, through no fault of the address."""
    services = call.services
    if not services.mail.configured:
        # On purpose: without a mail server whoever reads the log is who lets people in.
        log.warning(
            "sign-in code, for there is no mail server",
            address=asked.address,
            code=_spaced(asked.code),
            link=_link(call, asked),
        )
        return
    try:
        await services.mail.send(letter(asked, _link(call, asked), services.url()))
    except MailError as error:
        log.warning("sign-in mail not sent", outcome=error.outcome, reply=error.reply)
        if error.outcome == "not_sent":
            raise RequestError(503, "mail_away", "the mail server cannot be reached", retry_after_seconds=30) from None
        # An address that its server refuses gets the same answer as any: that is told to nobody.


def _link(call: Call, asked: Asked) -> str:
    """What follows # stays in the browser: it is in no log and no Referer."""
    return f"{call.services.url()}/sign-in#code={asked.code}"


def _spaced(code: str) -> str:
    """As it is read and typed."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def letter(asked: Asked, link: str, site: str) -> EmailMessage:
    code = _spaced(asked.code)
    message = EmailMessage()
    message["To"] = asked.address
    message["Subject"] = f"Your code: {code}"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"""\
Somebody, you we hope, is signing in at {site} with this address.

Type this code there:

    {code}

or open this address in the same browser:

    {link}

It works once, until {asked.expires_at:%H:%M} UTC, in the browser that asked for it.
If it was not you, you need not do anything.
"""
    )
    return message
