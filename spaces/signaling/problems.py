"""Refusals as RFC 9457 problem documents, made in one place from whatever was raised."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import msgspec
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from access.decide import Deny
from access.errors import AccessError, TokenError
from spaces.errors import RemoteError, RequestError
from spaces.signaling import patterns
from spaces.signaling.answers import Problem, TicketWayView
from spaces.signaling.views import offer_view, way_view

CONTENT_TYPE = "application/problem+json"


def problem_of(error: RequestError) -> Problem:
    return Problem(
        type=error.extra.get("type", "about:blank"),
        status=error.status,
        code=error.code,
        detail=error.detail,
        title=error.extra.get("title", HTTPStatus(error.status).phrase),
        retry_after=error.retry_after_seconds if error.retry_after_seconds is not None else msgspec.UNSET,
        field=error.extra.get("field", msgspec.UNSET),
        offers=error.extra.get("offers", msgspec.UNSET),
        communities=error.extra.get("communities", msgspec.UNSET),
        ticket=error.extra.get("ticket", msgspec.UNSET),
        errors=error.extra.get("errors", msgspec.UNSET),
    )


def problem_response(error: RequestError, headers: dict[str, str] | None = None) -> web.Response:
    headers = {"Cache-Control": "no-store", **(headers or {})}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer" if error.code == "not_signed_in" else 'Bearer error="invalid_token"'
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    body = msgspec.json.encode(problem_of(error))
    return web.Response(status=error.status, body=body, content_type=CONTENT_TYPE, headers=headers)


def as_request_error(error: Exception) -> RequestError | None:
    """What a known kind of exception means to whoever asked; None: a bug of ours."""
    match error:
        case RequestError():
            return error
        case AccessError():
            extra: dict[str, Any] = {} if error.field is None else {"field": error.field}
            return RequestError(error.status, error.code, error.detail, **extra)
        case TokenError():
            return RequestError(401, error.code, error.detail)
        case RemoteError():
            return RequestError(422, error.cause, error.detail or "this cannot be understood", field="sdp")
        case msgspec.ValidationError():
            detail, field = read_validation_error(str(error))
            return RequestError(422, "bad_field", detail, field=field)
        case RecursionError():  # of msgspec: nothing of ours goes deep
            return RequestError(422, "bad_json", "this is nested too deeply", field="")
        case msgspec.DecodeError():
            return RequestError(422, "bad_json", str(error), field="")
        case (
            SQLAlchemyError() | asyncpg.PostgresError() | ConnectionError() | TimeoutError()
        ):  # asyncpg's own: connecting
            return RequestError(503, "database_away", "the database cannot be reached", retry_after_seconds=5)
        case _:
            return None


WRONG_TEXT = {f"Expected `str` matching regex {pattern!r}": words for pattern, words in patterns.IN_WORDS.items()}
"""msgspec's sentences that only programmers read, and what is said instead."""


def read_validation_error(message: str) -> tuple[str, str]:
    """msgspec's sentence without its address, and the address as `access[0].tier`; empty: the document itself."""
    sentence, _, address = message.partition(" - at `")
    sentence = WRONG_TEXT.get(sentence, sentence)
    field = address.rstrip("`").removeprefix("$").removeprefix(".")
    missing = sentence.removeprefix("Object missing required field `")
    if missing != sentence:
        name = missing.rstrip("`")
        field = f"{field}.{name}" if field else name
    return sentence, field


def refusal(deny: Deny, url: str) -> RequestError:
    """A decision against somebody, with what would let him in. `url`: the page's."""
    extra: dict[str, Any] = {}
    if deny.offers:
        extra["offers"] = [offer_view(offer, url) for offer in deny.offers]
    if deny.communities:
        extra["communities"] = [way_view(way) for way in deny.communities]
    if deny.ticket is not None:
        terms, sale = deny.ticket.terms, deny.ticket.sale
        extra["ticket"] = TicketWayView(
            amount_minor=terms.amount_minor,
            currency=terms.currency,
            left=terms.left,
            sale=sale,  # type: ignore[arg-type]
        )
    return RequestError(deny.status, deny.reason, deny.detail, **extra)
