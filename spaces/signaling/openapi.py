"""The OpenAPI 3.1 document, made of the route table and the very types that requests are decoded with."""

from __future__ import annotations

import re
from importlib.metadata import version
from types import UnionType
from typing import Any, get_args

import msgspec

from access.fields import HANDLE
from access.idempotency import KEY_LENGTH_MAX
from access.statements import MONTH
from spaces.db.store import SPACE_ID
from spaces.signaling import answers, messages
from spaces.signaling.callers import SESSION
from spaces.signaling.endpoint import Route
from spaces.signaling.parameters import Parameter

TEMPLATE = "#/components/schemas/{name}"
DESCRIPTIONS = {
    101: "Switching to WebSocket",
    200: "Done",
    201: "Made",
    202: "Under way",
    204: "Done",
    303: "See the address in Location",
    400: "Bad request",
    401: "No token, or a bad one",
    402: "Would be admitted if paid; `offers` says what",
    403: "Not allowed",
    404: "Unknown",
    408: "The body did not come",
    409: "Wrong state",
    410: "The Space has ended",
    412: "Another session's ETag",
    413: "Too large",
    415: "Another content type is wanted",
    422: "A bad field, named by `field`",
    426: "Only as a WebSocket",
    428: "If-Match is missing",
    429: "Too many; see Retry-After",
    503: "Full, busy or not ready; see Retry-After",
}
SESSION_DESCRIPTION = (
    "of a browser that has signed in by /v1/sign-in; with https __Host-spaces_session. A request that changes something "
    "counts only if a page of this server sent it (Sec-Fetch-Site or Origin)."
)
NUMBER = {"type": "string", "pattern": "^[0-9]{1,19}$"}
PATHS: dict[str, dict[str, Any]] = {
    "space": {"type": "string", "pattern": f"^{SPACE_ID.pattern}$"},
    "account": {
        "type": "string",
        "minLength": 1,
        "maxLength": 300,
        "description": "an account's id, @handle or sub:<sub>",
    },
    "handle": {"type": "string", "pattern": f"^{HANDLE.pattern}$"},
    "month": {"type": "string", "pattern": rf"^{MONTH.pattern}(\.csv)?$"},
    **dict.fromkeys(
        (
            "comp",
            "community",
            "gift",
            "issue",
            "link",
            "payment",
            "report",
            "stinger",
            "subscription",
            "ticket",
            "tier",
        ),
        NUMBER,
    ),
}
"""What of an address can be something; anything else is nothing that is there."""
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX, "pattern": "^[!-~]+$"},
    "description": "asked again with the same key, it is not done again and answered as before",
}
SAFE = ("GET", "HEAD", "OPTIONS")
SOCKET_TYPES = (*get_args(messages.ClientMessage), *get_args(messages.ServerMessage))


def document(routes: list[Route]) -> dict[str, Any]:
    types = [one for route in routes for kind in (route.body, route.answer) if kind is not None for one in _each(kind)]
    _, components = msgspec.json.schema_components(
        [answers.Problem, *types, *SOCKET_TYPES], ref_template=TEMPLATE
    )  # fmt: skip
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.address, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Spaces",
            "version": version("spaces"),
            "description": "Live audio rooms that a creator's paying fans can get into. The socket's messages are the "
            "schemas named after their `type`; PROTOCOL.md tells their story.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION, "description": SESSION_DESCRIPTION},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "tags": [route.tag],
        "parameters": [
            *(
                {"name": n, "in": "path", "required": True, "schema": PATHS.get(n, {"type": "string"})}
                for n in _names(route.address)
            ),
            *([IDEMPOTENCY_KEY] if route.costs_money else []),
            *((one if isinstance(one, Parameter) else Parameter(*one)).described() for one in route.query),
        ],
        "responses": _responses(route),
    }
    if route.tag != "operations":
        operation["security"] = [*([] if route.sign_in else [{}]), {"bearer": []}, {"session": []}]
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {route.consumes: {"schema": _reference(route.body)}},
        }
    elif route.consumes != "application/json":
        operation["requestBody"] = {"required": True, "content": {route.consumes: {"schema": {"type": "string"}}}}
    return operation


def _responses(route: Route) -> dict[str, Any]:
    success: dict[str, Any] = {"description": DESCRIPTIONS[route.status]}
    if route.answer is not None:
        success["content"] = {route.produces: {"schema": _reference(route.answer)}}
        success["content"] |= {kind: {"schema": {"type": "string"}} for kind in route.also_produces}
    elif route.produces != "application/json":
        success["content"] = {route.produces: {"schema": {"type": "string"}}}
    if route.produces == "application/sdp":
        success["headers"] = {
            name: {"schema": {"type": "string"}, "description": text}
            for name, text in (
                ("Location", "the session: DELETE it to leave"),
                ("ETag", "the ICE session"),
                ("Link", "TURN servers, RFC 9725 §4.6"),
            )
        }
    responses = {str(route.status): success}
    for status in sorted(_problems(route)):
        content = {"application/problem+json": {"schema": _reference(answers.Problem)}}
        if route.answer is answers.HealthView:
            content = {"application/json": {"schema": _reference(answers.HealthView)}}
        responses[str(status)] = {"description": DESCRIPTIONS[status], "content": content}
    return responses


def _problems(route: Route) -> set[int]:
    """What the handler says itself, and what is answered before it is asked."""
    problems = set(route.problems)
    if route.limit != "none":
        problems |= {429, 503}
    if route.tag != "operations":
        problems |= {401}
    if route.method not in SAFE and not route.own_token:
        problems |= {403}  # a session's cookie, and another site's page
    if _names(route.address):
        problems |= {404}
    if route.body is not None:
        problems |= {400, 408, 413, 415, 422}
    elif route.consumes != "application/json":
        problems |= {400, 408, 413}
    if route.query:
        problems |= {422}
    if route.costs_money:
        problems |= {409, 422}
    return problems


def _reference(kind: Any) -> dict[str, Any]:
    """`kind`: a struct, or several of which it is one."""
    if isinstance(kind, UnionType):
        return {"anyOf": [_reference(one) for one in _each(kind)]}
    return {"$ref": TEMPLATE.format(name=kind.__name__)}


def _each(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", " ", route.address).split()
    return "_".join([route.method.lower(), *(word for word in words if word != "v1")])
