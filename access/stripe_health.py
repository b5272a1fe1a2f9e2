"""Is Stripe set up so that it can be used? Asked by the operator, never by a request."""

from __future__ import annotations

from collections.abc import Sequence

from access.payments import ProviderError
from access.stripe_api import API_VERSION, StripeApi, asking
from access.stripe_webhooks import FOLLOWED

ENDPOINTS_MAX = 100


async def complaints(api: StripeApi, webhook: str) -> Sequence[str]:
    """What is wrong; `webhook`: the address of ours that Stripe is to tell. Raises ProviderError if Stripe says nothing."""
    with asking():
        await api.v1.balance.retrieve_async()
    try:
        with asking():
            found = await api.v1.webhook_endpoints.list_async({"limit": ENDPOINTS_MAX})
            ours = [one for one in found.data if one.url == webhook and one.status == "enabled"]
    except ProviderError:
        return ["the key may not read the webhook endpoints, so they were not looked at"]
    if not ours:
        return [f"Stripe has no webhook endpoint {webhook} that is enabled: news comes up to a minute late"]
    told: set[str] = set()
    said = []
    for one in ours:
        told |= set(one.enabled_events)
        if one.api_version != API_VERSION:
            said.append(
                f"a webhook endpoint is for the version {one.api_version or 'of the account'}, not {API_VERSION}"
            )
    if "*" not in told and (missing := [name for name in FOLLOWED if name not in told]):
        said.append(f"no webhook endpoint is told of {', '.join(missing)}")
    return said
