"""The two pages that links in mails lead to. They need no script, no cookie and no signing in.

Programs look at the links in mails before people do, so looking changes nothing: a button does. A mail program that knows
RFC 8058 posts by itself, without the page.
"""

from __future__ import annotations

from html import escape

from aiohttp import web

from access.errors import AccessError
from spaces.errors import RemoteError, RequestError
from spaces.signaling.endpoint import Call, read_whole
from spaces.signaling.pages import page_headers

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots"
content="noindex"><title>{title}</title><link rel="stylesheet" href="/web/style.css"></head>
<body><main><section class="box"><h2>{title}</h2><p>{text}</p>{button}</section></main></body></html>
"""
BUTTON = '<form method="post"><button class="button primary big">{label}</button></form>'


async def ask_unsubscribe(call: Call) -> web.Response:
    _, creator = await _unsubscribe_link(call)
    text = f"You will get no more newsletters of {creator}."
    return small_page(call, "Unsubscribe?", text, "Unsubscribe")


async def unsubscribe(call: Call) -> web.Response:
    """RFC 8058: the body says List-Unsubscribe=One-Click; the button's says nothing. Idempotent."""
    (account, number), creator = await _unsubscribe_link(call)
    one_click = b"One-Click" in await read_whole(call.request)
    await call.services.access.newsletters.unsubscribe(account, number, by="one_click" if one_click else "link")
    return small_page(call, "Unsubscribed", f"You get no more newsletters of {creator}.")


async def ask_confirm(call: Call) -> web.Response:
    consent = await _confirm_link(call)
    creator = await _name(call, (await call.services.access.newsletters.consent(consent)).creator)
    return small_page(call, "Is this your address?", f"Then you will get the newsletter of {creator} there.", "Yes")


async def confirm(call: Call) -> web.Response:
    consent = await call.services.access.newsletters.confirm(await _confirm_link(call))
    creator = await _name(call, consent.creator)
    return small_page(call, "Subscribed", f"You will get the newsletter of {creator} at {consent.address}.")


async def _unsubscribe_link(call: Call) -> tuple[tuple[int, int], str]:
    try:
        account, creator = call.services.links.read_unsubscribe_untrusted(call.match("token"))
    except RemoteError as error:
        raise bad_link(error) from error
    return (account, creator), await _name(call, creator)


async def _confirm_link(call: Call) -> int:
    try:
        return call.services.links.read_confirm_untrusted(call.match("token"), call.services.now())
    except RemoteError as error:
        raise bad_link(error) from error


def bad_link(error: RemoteError) -> RequestError:
    """What whoever followed it is told."""
    if error.cause == "link_expired":
        return RequestError(410, "link_expired", "this link is too old: subscribe again")
    return RequestError(404, "unknown_link", "this link is not whole: copy all of it")


async def _name(call: Call, creator: int) -> str:
    found = await call.services.access.accounts({creator})
    if creator not in found:
        raise AccessError(404, "unknown_creator", "There is no such creator.")
    return found[creator].name


def small_page(call: Call, title: str, text: str, label: str | None = None) -> web.Response:
    """One thing said, and a button that does it."""
    button = "" if label is None else BUTTON.format(label=label)
    html = PAGE.format(title=title, text=escape(text), button=button)
    headers = page_headers(call.request.host) | {"Cache-Control": "no-store"}
    return web.Response(text=html, content_type="text/html", headers=headers)
