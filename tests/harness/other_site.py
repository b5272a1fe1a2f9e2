"""Another site: a page of an origin that is not the server's, nor of its site, under as strict a policy as a site may have."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from tests.harness.ports import free_tcp_port

POLICY = (
    "default-src 'none'; script-src {server} 'self'; connect-src {server} {socket}; media-src mediastream:; "
    "frame-src 'none'; base-uri 'none'"
)
PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>Somebody's blog</title></head>
<body><main><h1>A blog</h1>
{body}
</main></body></html>
"""


class OtherSite:
    """Its pages are what a test puts into `body`; `script` is its own script."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://localhost:{port}"  # the servers of tests are at addresses
        self.server = ""
        self.body = ""
        self.script = ""
        self.language = "en"

    async def page(self, _: web.Request) -> web.Response:
        policy = POLICY.format(server=self.server, socket=self.server.replace("http", "ws", 1))
        text = PAGE.format(body=self.body, language=self.language)
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def framing(self, _: web.Request) -> web.Response:
        """A frame of the same server under its number, which is another site than its name."""
        port = self.origin.rpartition(":")[2]
        frame = f'<iframe src="http://127.0.0.1:{port}/framed"></iframe>'
        return web.Response(text=PAGE.format(body=frame, language=self.language), content_type="text/html")

    async def framed(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE.format(body="", language=self.language), content_type="text/html")

    async def own_script(self, _: web.Request) -> web.Response:
        return web.Response(text=self.script, content_type="text/javascript")

    async def no_icon(self, _: web.Request) -> web.Response:
        return web.Response(status=204)


@contextlib.asynccontextmanager
async def other_site() -> AsyncIterator[OtherSite]:
    site = OtherSite(free_tcp_port())
    app = web.Application()
    app.router.add_get("/", site.page)
    app.router.add_get("/own.js", site.own_script)
    app.router.add_get("/framing", site.framing)
    app.router.add_get("/framed", site.framed)
    app.router.add_get("/favicon.ico", site.no_icon)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", int(site.origin.rpartition(":")[2])).start()
        yield site
    finally:
        await runner.cleanup()
