"""The page: static files that are served as they are, under a policy that lets no foreign or inline code run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from aiohttp import web

from spaces.signaling.endpoint import Call

WEB = Path(__file__).resolve().parent.parent / "web"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "media-src 'self' blob: mediastream:",
        "connect-src 'self' {sockets}",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def page_headers(host: str) -> dict[str, str]:
    """`connect-src 'self'` does not cover ws: and wss: in older browsers, so our own host is named."""
    policy = CONTENT_SECURITY_POLICY.format(sockets=f"ws://{host} wss://{host}" if host else "ws: wss:")
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",  # an address may hold a checkout's reference
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-cache",  # asked for again each time, and answered 304: a new version is there at once
    }


async def get_page(call: Call) -> web.StreamResponse:
    return _page(call.request)


def page_of_nothing(request: web.Request) -> web.StreamResponse | None:
    """For a person with a mistyped address: the page says so in words. None for programs and for the API's addresses."""
    for_people = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return _page(request, 404) if for_people and not request.path.startswith(("/v1/", "/web/")) else None


def _page(request: web.Request, status: int = 200) -> web.StreamResponse:
    headers = {**page_headers(_host(request)), "Content-Type": "text/html; charset=utf-8"}
    return web.FileResponse(WEB / "index.html", status=status, headers=headers)


async def get_file(call: Call) -> web.StreamResponse:
    path = files().get(call.match("path"))
    if path is None:
        raise web.HTTPNotFound
    kind = TYPES[path.suffix]
    text = kind.startswith("text/") or kind.endswith("+xml")
    headers = page_headers(_host(call.request))
    headers["Content-Type"] = f"{kind}; charset=utf-8" if text else kind
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # client.js is an SDK for other sites too
    headers["Access-Control-Allow-Origin"] = "*"
    return web.FileResponse(path, headers=headers)


@cache
def files() -> dict[str, Path]:
    """What is served, by its address below /web/. Addresses are looked up here and never asked of the file system."""
    return {path.relative_to(WEB).as_posix(): path for path in WEB.rglob("*") if path.suffix in TYPES}


def _host(request: web.Request) -> str:
    """The Host header, if it can stand in a policy."""
    host = request.host
    return host if host and all(c.isalnum() or c in "-.:[]" for c in host) else ""
