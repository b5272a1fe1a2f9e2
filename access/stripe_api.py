"""Stripe's API by Stripe's own SDK: one version of it, over aiohttp, with its errors in our words.

Each release of the SDK is written for one version of the API, which is pinned here with it: what the objects look like changes
only when both are changed. What is sent and answered is never logged, and nothing is told to Stripe but our requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import stripe
import structlog

from access.errors import AccessError
from access.payments import provider_away, provider_refused

log = structlog.get_logger()

API_VERSION = "2026-10-28.endive"
ADDRESS = "https://api.stripe.com"
REQUEST_SECONDS_MAX = 20.0
"""Stripe answers most requests within a second; those that charge a card may take several."""
RETRIES = 1
"""By the SDK, at once and with the same idempotency key; beyond it whoever asked decides."""

stripe.enable_telemetry = False


class StripeApi:
    """`client.v1` is the SDK's; call it inside of `asking()`. `address`: another than Stripe's, for tests."""

    def __init__(self, secret_key: str, address: str = ADDRESS) -> None:
        self._http = stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX))
        self.client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": address},
            max_network_retries=RETRIES,
            http_client=self._http,
        )

    @property
    def v1(self) -> stripe.V1Services:
        return self.client.v1

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


@contextmanager
def asking() -> Iterator[None]:
    """Stripe's errors as ProviderError, a declined payment as AccessError 402 payment_declined.

    Whatever may be different when the same is asked again later is 503 provider_away: also a key of ours that is refused,
    which the operator will put right, and an answer of another shape than the pinned version has.
    """
    try:
        yield
    except stripe.CardError as error:
        raise AccessError(402, "payment_declined", "The payment was declined; nothing has changed.") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("stripe refuses the key", code=error.code, request=error.request_id)
        raise provider_away("The payment provider cannot be used at the moment.") from error
    except stripe.IdempotencyError as error:
        raise provider_refused("The payment provider was asked for something else by the same name.") from error
    except stripe.InvalidRequestError as error:
        if error.http_status in (409, 429):
            raise provider_away("The payment provider is busy.") from error
        log.warning("stripe refuses", code=error.code, param=error.param, request=error.request_id)
        raise provider_refused(f"The payment provider refused: {error.code or 'invalid request'}.") from error
    except stripe.StripeError as error:
        raise provider_away("The payment provider cannot be reached.") from error
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        log.error("stripe answers in another shape", exc_info=error)
        raise provider_away("The payment provider answered something unexpected.") from error


def is_missing(error: BaseException | None) -> bool:
    """Of `ProviderError.__cause__`: there is no such object."""
    return isinstance(error, stripe.InvalidRequestError) and error.code == "resource_missing"


def exists_already(error: BaseException | None) -> bool:
    return isinstance(error, stripe.InvalidRequestError) and error.code == "resource_already_exists"


def moment(seconds: int) -> datetime:
    """Stripe's times are whole seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def ref(value: Any) -> str | None:
    """The id of an object that is given by its id or as itself (an expandable field)."""
    if value is None or isinstance(value, str):
        return value
    return str(value.id)


def metadata(value: Any) -> Mapping[str, str]:
    return {} if value is None else dict(value.to_dict() if hasattr(value, "to_dict") else value)
