"""What Schemathesis is told of bodies that it does not know: they are text, or sound, which is bytes."""

from __future__ import annotations

from typing import Any

import schemathesis

schemathesis.serializer.alias(["application/sdp", "application/trickle-ice-sdpfrag"], "text/plain")
schemathesis.serializer.alias(["audio/*"], "application/octet-stream")


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """JSON Schema takes 43.0 for an integer too. Whole numbers are written without a fraction here, as everybody does."""
    return _whole(body)


def _whole(value: Any) -> Any:
    match value:
        case dict():
            return {key: _whole(one) for key, one in value.items()}
        case list():
            return [_whole(one) for one in value]
        case float() if value.is_integer():
            return int(value)
    return value
