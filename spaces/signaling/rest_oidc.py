"""Signing in at an OpenID provider: the browser is sent there, and comes back with a code (authorization code with PKCE).

Whatever becomes of it, a browser ends on the page that signs in: `#signed-in`, or `#trouble=` and what went wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable

import structlog
from aiohttp import web

from spaces.errors import RequestError
from spaces.oidc import request as requests
from spaces.oidc.id_token import IdTokenError, Person
from spaces.oidc.provider import CodeRefusedError, ProviderAwayError
from spaces.oidc.request import LIFETIME, OidcRequest
from spaces.oidc.setup import OidcSignIn
from spaces.signaling.callers import cookie_name, set_cookie
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_sign_in import client_of, open_in_browser

log = structlog.get_logger()

COOKIE = "spaces_oidc"
PATH = "/v1/sign-in/oidc/callback"
PAGE = "/sign-in"


async def begin(call: Call) -> web.Response:
    return await _shown(call, _begin(call))


async def come_back(call: Call) -> web.Response:
    """The session is the same cookie as after signing in by mail."""
    return await _shown(call, _come_back(call))


async def _shown(call: Call, step: Awaitable[web.Response]) -> web.Response:
    """A refusal that a person is to read, who has followed a link; programs get the problem itself."""
    try:
        return await step
    except RequestError as error:
        if "text/html" not in call.request.headers.get("Accept", ""):
            raise
        response = _go(f"{PAGE}#trouble={error.code}")
        set_cookie(call.services, call.request, response, COOKIE, "", 0)
        return response


async def _begin(call: Call) -> web.Response:
    services, oidc = call.services, _configured(call)
    services.limiters.sign_ins.take(call.address, services.clock())
    request = requests.begin()
    try:
        address = await oidc.provider.address(
            redirect_uri=_redirect_uri(call), state=request.state, nonce=request.nonce, challenge=request.challenge
        )
    except ProviderAwayError as error:
        raise _away(error) from None
    response = _go(address)
    cookie = requests.sealed(request, oidc.key, services.now())
    set_cookie(services, call.request, response, COOKIE, cookie, int(LIFETIME.total_seconds()))
    return response


async def _come_back(call: Call) -> web.Response:
    services, oidc, query = call.services, _configured(call), call.request.query
    services.limiters.sign_ins.take(call.address, services.clock())
    cookie = call.request.cookies.get(cookie_name(services, call.request, COOKIE), "")
    request = requests.opened_untrusted(cookie, oidc.key, services.now())
    if request is None or not request.is_answered_by(query.get("state", "")):
        raise RequestError(
            403, "oidc_state", "this sign-in was not begun in this browser, or too long ago: begin again"
        )
    if query.get("iss", oidc.provider.issuer) != oidc.provider.issuer:  # RFC 9207
        raise RequestError(403, "oidc_refused", "the answer is of another provider")
    if "code" not in query:
        raise RequestError(403, "oidc_refused", "the provider has not signed you in")
    person = await _person(call, oidc, query["code"], request)
    opened = await services.access.people.vouched(
        oidc.provider.issuer, person.subject, client_of(call), name=person.name, address=person.address
    )
    response = _go(f"{PAGE}#signed-in")
    set_cookie(services, call.request, response, COOKIE, "", 0)
    open_in_browser(call, response, opened)
    return response


async def _person(call: Call, oidc: OidcSignIn, code: str, request: OidcRequest) -> Person:
    try:
        return await oidc.provider.redeem(
            code,
            redirect_uri=_redirect_uri(call),
            verifier=request.verifier,
            nonce=request.nonce,
            now=call.services.now(),
        )
    except CodeRefusedError:
        raise RequestError(403, "oidc_refused", "the provider does not take this code: begin again") from None
    except IdTokenError as error:
        log.warning("ID token refused", issuer=oidc.provider.issuer, reason=str(error))
        raise RequestError(403, "oidc_token", f"what the provider says cannot be believed: {error}") from None
    except ProviderAwayError as error:
        raise _away(error) from None


def _configured(call: Call) -> OidcSignIn:
    if call.services.oidc is None:
        raise RequestError(404, "no_oidc", "this server has no OpenID provider")
    return call.services.oidc


def _redirect_uri(call: Call) -> str:
    return f"{call.services.url()}{PATH}"


def _go(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


def _away(error: ProviderAwayError) -> RequestError:
    log.warning("OpenID provider away", reason=str(error))
    return RequestError(503, "oidc_away", "the OpenID provider cannot be asked now", retry_after_seconds=30)
