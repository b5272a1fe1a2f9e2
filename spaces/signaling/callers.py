"""Whose request this is: by the token it carries, or by the page's session cookie.

A browser sends cookies along with what other sites make it do. So a cookie counts for a request that changes something
only if a page of ours sent it: the browser says so itself (Sec-Fetch-Site, else Origin). Tokens need none of that: no
other site has them.
"""

from __future__ import annotations

from aiohttp import hdrs, web

from access.model import Account
from spaces.errors import RequestError
from spaces.signaling.client_address import is_trusted
from spaces.signaling.node_stamp import SENDER
from spaces.signaling.services import Services

SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
SESSION = "spaces_session"
BROWSER = "spaces_browser"
"""The secret of a browser that has asked for a code."""


async def account_of(services: Services, request: web.Request, space: str | None = None) -> Account | None:
    """None: nobody in particular. `space`: join tokens for it are taken too, and used up. Raises TokenError, RequestError."""
    token = bearer_token(request)
    if token is not None:
        return await services.door.account_of(token, space)
    signed_in = await session_of(services, request)
    return None if signed_in is None else signed_in[0]


async def session_of(services: Services, request: web.Request) -> tuple[Account, int] | None:
    """Account and id of the session whose cookie came along. Raises RequestError(403) for a change by a foreign page."""
    cookie = request.cookies.get(cookie_name(services, request, SESSION))
    if cookie is None:
        return None
    is_socket = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    if (request.method not in SAFE or is_socket) and not is_own_page(services, request):
        if is_socket:
            return None  # a page of an allowed origin: it brings its own token
        raise RequestError(403, "bad_origin", "this was not sent by a page of this server")
    return await services.access.people.signed_in(cookie)


def is_own_page(services: Services, request: web.Request) -> bool:
    """By the browser's own word; False too if it says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is not None and (origin == services.url() or origin.partition("://")[2] == request.host)


def refuse_foreign_page(services: Services, request: web.Request) -> None:
    """For what signs in or out: a page of another site may not; a program that is no browser may. RequestError(403)."""
    said = "Sec-Fetch-Site" in request.headers or hdrs.ORIGIN in request.headers
    if said and not is_own_page(services, request):
        raise RequestError(403, "bad_origin", "this was not sent by a page of this server")


def bearer_token(request: web.Request) -> str | None:
    """Of `Authorization: Bearer …`; None without the header. Raises RequestError(401) for any other scheme."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise RequestError(401, "token_malformed", "Authorization: Bearer and a token")
    return token.strip()


# --- cookies


def is_https(services: Services, request: web.Request) -> bool:
    """As the browser sees it."""
    if request.secure or services.url().startswith("https://"):
        return True
    forwarded = request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"
    return forwarded and (SENDER in request or is_trusted(request.remote, services.trusted_proxies))


def cookie_name(services: Services, request: web.Request, name: str) -> str:
    """With https nobody but this very host can have set it (RFC 6265bis §4.1.3.2)."""
    return f"__Host-{name}" if is_https(services, request) else name


def set_cookie(
    services: Services, request: web.Request, response: web.StreamResponse, name: str, value: str, seconds: int
) -> None:
    """No script reads it, and no other site's page sends it along with a change. `seconds` 0: taken back."""
    response.set_cookie(
        cookie_name(services, request, name),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        secure=is_https(services, request),
        samesite="Lax",
    )
