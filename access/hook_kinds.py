"""What integrators are told of: the kinds of event, and which acts of the audit log are such."""

from __future__ import annotations

KINDS = (
    "space.scheduled", "space.started", "space.ended", "space.cancelled",
    "participant.joined", "participant.left",
    "role.changed",
    "moderation.locked", "moderation.muted", "moderation.all_muted", "moderation.removed",
    "moderation.blocked", "moderation.unblocked", "moderation.reported", "moderation.report_closed",
    "moderation.suspended", "moderation.restored", "moderation.creator_suspended", "moderation.creator_restored",
    "moderation.space_suspended", "moderation.space_restored",
    "subscription.paid", "subscription.payment_failed", "subscription.changed", "subscription.ended",
)  # fmt: skip
FAMILIES = tuple(dict.fromkeys(f"{kind.partition('.')[0]}.*" for kind in KINDS))

OF_ACTS = {
    "space.lock": "moderation.locked",
    "stage.muted": "moderation.muted",
    "stage.all_muted": "moderation.all_muted",
    "space.removed": "moderation.removed",
    "ban.set": "moderation.blocked",
    "ban.ended": "moderation.unblocked",
    "report.made": "moderation.reported",
    "report.closed": "moderation.report_closed",
    "account.suspended": "moderation.suspended",
    "account.active": "moderation.restored",
    "creator.suspended": "moderation.creator_suspended",
    "creator.restored": "moderation.creator_restored",
    "space.suspended": "moderation.space_suspended",
    "space.restored": "moderation.space_restored",
    "subscription.paid": "subscription.paid",
    "subscription.payment_failed": "subscription.payment_failed",
    "subscription.told": "subscription.changed",
    "subscription.ended": "subscription.ended",
    "subscription.lapsed": "subscription.ended",
}
"""The audit log's word for it → the kind. What is not here is told by whoever knows more of it, or not at all."""

TOLD = ("space", "community", "locked", "outcome", "amount_minor", "currency", "attempt")
"""What of such an act's body is passed on."""


def wants(kinds: list[str], kind: str) -> bool:
    """Whether an endpoint with this filter is told of that."""
    return not kinds or kind in kinds or f"{kind.partition('.')[0]}.*" in kinds
