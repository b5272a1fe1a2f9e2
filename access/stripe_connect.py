"""Stripe Connect: creators' own accounts with Stripe, of the kind Express, and transfers to them.

Payments come to the platform's account; a payout is a transfer to the creator's, from where Stripe pays his bank.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

import stripe

from access import stripe_facts as says
from access.errors import AccessError
from access.facts import Facts, PayoutChanged
from access.payments import AccountRequest, Onboarding, PayoutRequest
from access.stripe_amounts import to_stripe
from access.stripe_api import StripeApi, asking
from access.stripe_reader import StripeReader

if TYPE_CHECKING:
    from stripe.params import AccountCreateParams


class StripeConnect:
    """`key` in what follows is an idempotency key as Stripe is told it."""

    def __init__(self, api: StripeApi, reader: StripeReader) -> None:
        self._api = api
        self._reader = reader

    async def begin(self, request: AccountRequest, key: str, back: str) -> Onboarding:
        """`back`: where the creator is sent afterwards, also when the link has been used or is too old."""
        account = await self._account(request, key) if request.account is None else request.account
        with asking():
            link = await self._api.v1.account_links.create_async(
                {"account": account, "type": "account_onboarding", "refresh_url": back, "return_url": back},
                {"idempotency_key": f"{key}:link:{secrets.token_hex(16)}"},
            )
            return Onboarding(account, str(link.url))

    async def _account(self, request: AccountRequest, key: str) -> str:
        params: AccountCreateParams = {
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": {"transfers": {"requested": True}},
            "metadata": {says.SERVER: self._reader.server, says.CREATOR: str(request.creator)},
        }
        if request.country is not None:
            params["country"] = request.country
        with asking():
            made = await self._api.v1.accounts.create_async(params, {"idempotency_key": key})
        return str(made.id)

    async def pay_out(self, request: PayoutRequest, key: str, now: datetime) -> Facts:
        """By a transfer, found again by its group. Refused for good, the payout has failed, and nothing has moved."""
        known = await self._reader.payout(str(request.payout))
        if known:
            return known
        if request.destination is None:
            return _failed(request, "no_account", now)
        try:
            amount = to_stripe(request.amount_minor, request.currency)
            with asking():
                made = await self._api.v1.transfers.create_async(
                    {
                        "amount": amount,
                        "currency": request.currency.lower(),
                        "destination": request.destination,
                        "transfer_group": self._reader.group(request.payout),
                        "metadata": {says.SERVER: self._reader.server, says.PAYOUT: str(request.payout)},
                    },
                    {"idempotency_key": key},
                )
        except AccessError as error:
            cause = error.__cause__
            if error.status == 503 or isinstance(cause, stripe.IdempotencyError):
                raise
            return _failed(request, getattr(cause, "code", None) or error.code, now)
        return await self._reader.transfer(made.id)


def _failed(request: PayoutRequest, reason: str, now: datetime) -> Facts:
    fact = PayoutChanged(
        provider=says.STRIPE,
        event=f"payout:{request.payout}:failed",
        at=now,
        payout=request.payout,
        transfer="",
        state="failed",
        reason=reason,
    )
    return (fact,)
