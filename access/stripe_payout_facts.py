"""What Stripe says of money that goes to creators: of transfers and of the accounts that they go to, in our words."""

from __future__ import annotations

import json
from typing import Literal

import stripe

from access.facts import PayoutAccountChanged, PayoutChanged
from access.stripe_amounts import from_stripe
from access.stripe_api import metadata, moment
from access.stripe_facts import CREATOR, PAYOUT, SERVER, STRIPE


def payout(transfer: stripe.Transfer, server: str) -> PayoutChanged | None:
    """None: not ours. A transfer arrives at once in the creator's account with Stripe."""
    known = metadata(transfer.metadata)
    number = known.get(PAYOUT, "")
    if known.get(SERVER) != server or not number.isdecimal():
        return None
    state: Literal["paid", "returned"] = "returned" if transfer.reversed else "paid"
    return PayoutChanged(
        provider=STRIPE,
        event=f"{transfer.id}:{state}:{transfer.amount_reversed}",
        at=moment(transfer.created),
        payout=int(number),
        transfer=transfer.id,
        state=state,
        returned_minor=from_stripe(transfer.amount_reversed, transfer.currency),
    )


def payout_account(account: stripe.Account, server: str, version: int) -> PayoutAccountChanged | None:
    """None: not ours. What counts is whether money may be transferred to it."""
    creator = account_creator(account, server)
    if creator is None:
        return None
    state, reason = _account_state(account)
    return PayoutAccountChanged(
        provider=STRIPE,
        event=f"{account.id}:{version}",
        at=moment(account.created or 0),
        account=account.id,
        creator=creator,
        version=version,
        state=state,
        reason=reason,
    )


def account_looks(account: stripe.Account) -> str:
    return json.dumps(_account_state(account))


def account_creator(account: stripe.Account, server: str) -> int | None:
    known = metadata(account.metadata)
    number = known.get(CREATOR, "")
    return int(number) if known.get(SERVER) == server and number.isdecimal() else None


def _account_state(account: stripe.Account) -> tuple[Literal["pending", "ready", "restricted"], str]:
    may = None if account.capabilities is None else getattr(account.capabilities, "transfers", None)
    reason = None if account.requirements is None else account.requirements.disabled_reason
    if may == "active":
        return "ready", ""
    return ("restricted" if account.details_submitted and may == "inactive" else "pending"), reason or ""
