"""Cross-origin calls by the origins that the operator allowed (Fetch standard §3.2)."""

from __future__ import annotations

from aiohttp import hdrs, web

EXPOSED = "Location, Link, ETag, Retry-After, X-Request-Id"
ALLOWED_HEADERS = "Authorization, Content-Type, If-Match, Idempotency-Key"
ALLOWED_METHODS = "GET, POST, PATCH, DELETE, OPTIONS"
PREFLIGHT_SECONDS = "7200"
"""How long a browser may remember a preflight; none remembers longer."""


def is_preflight(request: web.Request) -> bool:
    return request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def cors_headers(request: web.Request, allowed: tuple[str, ...]) -> dict[str, str]:
    """For any answer to this request; empty for an origin that is not allowed. Never with credentials: we have none."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or not allowed:
        return {}
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, "Vary": "Origin"}


def preflight(request: web.Request) -> web.Response:
    """The answer, to which the middleware adds whether the origin is allowed."""
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Methods": ALLOWED_METHODS,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": PREFLIGHT_SECONDS,
            "Accept-Post": "application/sdp",
        },
    )
