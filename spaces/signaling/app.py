"""The HTTP application: routes, middleware and the services they work with."""

from __future__ import annotations

from aiohttp import web

from spaces.signaling import middleware
from spaces.signaling.endpoint import SERVICES, install
from spaces.signaling.routes import API, PAGES
from spaces.signaling.services import Services

BODY_BYTES_MAX = 65_536
"""An SDP offer is 2 to 8 kB, everything else far less."""


def make_app(services: Services) -> web.Application:
    app = web.Application(
        middlewares=[middleware.logged, middleware.cross_origin, middleware.problems],
        client_max_size=BODY_BYTES_MAX,
    )
    app[SERVICES] = services
    install(app, [*API, *PAGES])
    return app
