"""`Idempotency-Key`: a request that costs money, sent again with its key, gets the answer of the first time."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from access.idempotency import StoredAnswer
from access.model import Account
from spaces.signaling.problems import CONTENT_TYPE, as_request_error, problem_of
from spaces.signaling.services import Services

HEADER = "Idempotency-Key"
REPLAYED = {"Idempotency-Replayed": "true"}


async def once(
    services: Services,
    request: web.Request,
    account: Account,
    body: Any,
    work: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """Refusals are kept too; what failed for a reason that may pass is not, and may be tried again with the key."""
    key = request.headers[HEADER]
    text = b"\0".join((request.method.encode(), request.path.encode(), msgspec.json.encode(body)))
    stored = await services.access.idempotency.claim(account, key, hashlib.sha256(text).hexdigest())
    if stored is not None:
        return _replay(stored)
    try:
        response = await work()
        assert isinstance(response, web.Response), "what costs money is answered with a body"
    except BaseException as error:
        refusal = as_request_error(error) if isinstance(error, Exception) else None
        if refusal is None or refusal.status >= 429:
            await services.access.idempotency.release(account, key)
        else:
            problem = msgspec.json.encode(problem_of(refusal)).decode()
            await services.access.idempotency.finish(account, key, StoredAnswer(refusal.status, problem, None))
        raise
    answer = StoredAnswer(response.status, response.text or "", response.headers.get("Location"))
    await services.access.idempotency.finish(account, key, answer)
    return response


def _replay(stored: StoredAnswer) -> web.Response:
    headers = {"Cache-Control": "no-store", **REPLAYED}
    if stored.location is not None:
        headers["Location"] = stored.location
    if not stored.body:
        return web.Response(status=stored.status, headers=headers)
    kind = "application/json" if stored.status < 400 else CONTENT_TYPE
    return web.Response(
        status=stored.status, body=stored.body.encode(), content_type=kind, charset="utf-8", headers=headers
    )
