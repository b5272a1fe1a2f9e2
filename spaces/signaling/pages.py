"""The page: static files that are served as they are, under a policy that lets no foreign or inline code run."""

from __future__ import annotations

import hashlib
import re

from aiohttp import web

from spaces.signaling import web_files
from spaces.signaling.endpoint import Call

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

VARY = "Accept-Encoding, Accept-Language, Cookie"
FOR_GOOD = "public, max-age=31536000, immutable"
NO_GZIP = re.compile(r"gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|$)", re.IGNORECASE)
ALSO = {"/s/": "page_space.js", "/@": "page_creator.js"}
"""What an address needs besides the frame, by how it begins: it is fetched along with the frame, and not after it."""
FRONT = "page_front.js"
BEHIND = {"/s/": "space_presence.js"}
"""What the page at such an address fetches once its first view is drawn."""
CHOSEN_LANGUAGE = "spaces_language"
WORDS = {"page_front.js": ("front",), "page_creator.js": ("pages", "front", "door", "studio", "community")}
"""The parts of the page's words that come with them (app.js asks for the same), in the language of whoever reads."""


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
    return plain_page(call.request)


def page_of_nothing(request: web.Request) -> web.StreamResponse | None:
    """For a person with a mistyped address: the page says so in words. None for programs and for the API's addresses."""
    for_people = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return plain_page(request, 404) if for_people and not request.path.startswith(("/v1/", "/2/", "/web/")) else None


def plain_page(request: web.Request, status: int = 200) -> web.Response:
    """As the file is."""
    return page_response(request, page_text(request), status)


def page_text(request: web.Request, *, drawn: bool = False) -> str:
    """The page's HTML for this address; `drawn`: the first view will be in it."""
    path = request.path
    also = [FRONT] if path == "/" else [module for start, module in ALSO.items() if path.startswith(start)]
    language = language_of(request)
    words = [f"messages_{part}_{language}.js" for part in WORDS.get(also[0] if also else "", ())]
    behind = next((module for start, module in BEHIND.items() if path.startswith(start)), "")
    return web_files.index(language, *also, f"messages_{language}.js", *words, behind=behind, drawn=drawn)


def language_of(request: web.Request) -> str:
    """What was chosen on the page (text.js sets that cookie), else what the browser asks for."""
    chosen = request.cookies.get(CHOSEN_LANGUAGE, "")
    if chosen in web_files.languages():
        return chosen
    for wanted in request.headers.get("Accept-Language", "").split(","):
        code = wanted.partition(";")[0].strip().partition("-")[0].lower()
        if code in web_files.languages():
            return code
    return "en"


def page_response(request: web.Request, text: str, status: int = 200, *, private: bool = False) -> web.Response:
    """HTML of ours; 304 if it is what the browser has. `private`: it is for this caller alone."""
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = page_headers(policy_host(request)) | {"ETag": f"W/{etag}", "Vary": VARY}
    if private:
        headers["Cache-Control"] = "private, no-cache"
    if status == 200 and etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    response = web.Response(status=status, text=text, content_type="text/html", headers=headers)
    if takes_gzip(request):
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def get_file(call: Call) -> web.StreamResponse:
    found = web_files.find(call.match("path"))
    if found is None:
        raise web.HTTPNotFound
    file, request = found.file, call.request
    small = file.gzipped if takes_gzip(request) else None
    etag = f'"{file.etag}-gzip"' if small is not None else f'"{file.etag}"'
    headers = page_headers(policy_host(request)) | {
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "Cross-Origin-Resource-Policy": "cross-origin",  # client.js is an SDK for other sites too
        "Access-Control-Allow-Origin": "*",
    }
    if found.forever:
        headers["Cache-Control"] = FOR_GOOD
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = file.kind
    if small is not None:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=file.body if small is None else small, headers=headers)


def takes_gzip(request: web.Request) -> bool:
    accepted = request.headers.get("Accept-Encoding", "")
    return "gzip" in accepted.lower() and NO_GZIP.search(accepted) is None


def policy_host(request: web.Request) -> str:
    """The Host header, if it can stand in a policy."""
    host = request.host
    return host if host and all(c.isalnum() or c in "-.:[]" for c in host) else ""
