"""Around every request, from the outside in: its line in the log, CORS, and exceptions as problem documents."""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import hdrs, web

from spaces.errors import RequestError
from spaces.signaling import cors
from spaces.signaling.endpoint import ADDRESS, SERVICES
from spaces.signaling.pages import page_of_nothing
from spaces.signaling.problems import as_request_error, problem_response

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/web/{path:.+}"})
"""Routes whose every call would drown the others in the log."""


@web.middleware
async def logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line per request, with an id that comes back in X-Request-Id. The path is the route's: ids may be secrets."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if REQUEST_ID.match(given) else secrets.token_hex(8)
    began = time.monotonic()
    with structlog.contextvars.bound_contextvars(request=request_id):
        response = await handler(request)
        seconds = time.monotonic() - began
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        status = str(response.status)
        if not isinstance(response, web.WebSocketResponse):
            method = request.method if request.method in hdrs.METH_ALL else "other"  # clients may invent methods
            request.app[SERVICES].metrics.requests.labels(method, route, status).observe(seconds)
        if route not in QUIET or response.status >= 500:
            log.info(
                "request",
                method=request.method,
                route=route,
                status=response.status,
                milliseconds=round(seconds * 1_000, 1),
                client=request.get(ADDRESS, request.remote),
                space=request.match_info.get("space"),
            )
        if not response.prepared:
            response.headers["X-Request-Id"] = request_id
    return response


@web.middleware
async def cross_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = cors.preflight(request) if cors.is_preflight(request) else await handler(request)
    if not response.prepared:
        headers = cors.cors_headers(request, request.app[SERVICES].config.allowed_origins)
        if "Vary" in headers and "Vary" in response.headers:
            headers["Vary"] = f"{response.headers['Vary']}, {headers['Vary']}"
        response.headers.update(headers)
    return response


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever is raised becomes a problem document; what nobody expected is logged with its traceback."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        page = page_of_nothing(request) if error.status == 404 else None
        return _of_aiohttp(error) if page is None else page
    except Exception as error:
        refused = as_request_error(error)
        if refused is None:
            resource = request.match_info.route.resource  # not the path: ids may be secrets
            route = None if resource is None else resource.canonical
            log.error("request failed", method=request.method, route=route, exc_info=error)
            refused = RequestError(500, "internal", "that is our fault; it has been noted")
        return problem_response(refused, _rate_limit(request, refused))


def _rate_limit(request: web.Request, refused: RequestError) -> dict[str, str]:
    """When the read API may be asked again, as clients of X API v2 look for it."""
    if refused.status != 429 or refused.retry_after_seconds is None or not request.path.startswith("/2/"):
        return {}
    return {"x-rate-limit-reset": str(math.ceil(time.time()) + refused.retry_after_seconds)}


def _of_aiohttp(error: web.HTTPException) -> web.StreamResponse:
    match error:
        case web.HTTPMethodNotAllowed():
            allow = ", ".join(sorted(error.allowed_methods))
            return problem_response(
                RequestError(405, "bad_method", f"this address takes {allow}"), {"Allow": allow}
            )  # fmt: skip
        case web.HTTPNotFound():
            return problem_response(RequestError(404, "unknown_address", "there is nothing at this address"))
        case web.HTTPRequestEntityTooLarge():
            return problem_response(RequestError(413, "too_large", "the body is too large"))
        case _ if error.status >= 400:
            return problem_response(RequestError(error.status, "http", error.reason))
        case _:
            return error
