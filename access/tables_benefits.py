"""The rows of benefits besides audio: communities, newsletters and their deliveries, merchandise codes."""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, text
from sqlalchemy import UniqueConstraint as Unique

from access.columns import account_column, one_of
from access.database import Id, UtcDateTime
from access.tables import ERASED, metadata


def _creator(**options: object) -> Column[int]:
    return Column("creator", Id, ForeignKey("creators.id"), nullable=False, **options)  # type: ignore[arg-type]


# --- communities

JOINING = ("open", "request", "invite", "tier")
COMMUNITY_ROLES = ("admin", "moderator", "member")
MEMBER_STATES = ("requested", "invited", "active", "left", "removed", "declined")

communities = Table(
    "communities",
    metadata,
    Column("id", Id, primary_key=True),
    _creator(index=True),
    Column("name", String(100), nullable=False),
    Column("description", Text, nullable=False),
    Column("topics", JSON, nullable=False),
    Column("joining", String(8), nullable=False),
    Column("tier", Id, ForeignKey("tiers.id"), comment="joining = tier: who has a right to that level is a member"),
    Column("rules_version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    one_of("joining", JOINING),
    CheckConstraint("(joining = 'tier') = (tier IS NOT NULL)", name="tier"),
    sqlite_autoincrement=True,
)

community_rules = Table(
    "community_rules",
    metadata,
    Column("community", Id, ForeignKey("communities.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

community_members = Table(
    "community_members",
    metadata,
    Column("community", Id, ForeignKey("communities.id"), primary_key=True),
    account_column(primary_key=True),
    Column("role", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("rules_version", Integer, comment="the version accepted last"),
    Column("rules_accepted_at", UtcDateTime),
    Column("since", UtcDateTime, nullable=False, comment="when this state began"),
    one_of("role", COMMUNITY_ROLES),
    one_of("state", MEMBER_STATES),
    CheckConstraint("state <> 'active' OR rules_version IS NOT NULL", name="accepted"),
    CheckConstraint("role = 'member' OR state = 'active'", name="office"),  # whoever leaves gives up his office
    Index("ix_community_members_account", "account"),
    Index("ix_community_members_state", "community", "state", "account"),
    info=ERASED,
)

# --- mail

mail_consents = Table(
    "mail_consents",
    metadata,
    Column("id", Id, primary_key=True),
    account_column(nullable=False),
    _creator(),
    Column("address", String(254), nullable=False),
    Column("address_sha256", String(64), nullable=False, index=True),
    Column("source", String(100), nullable=False, comment="where consent was given, as evidence"),
    Column("given_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime, comment="when a link sent to the address was followed"),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_by", String(16)),
    one_of("withdrawn_by", ("account", "link", "one_click", "complaint", "replaced")),
    CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    Index(
        "uq_mail_consents_standing",
        "account",
        "creator",
        unique=True,
        sqlite_where=text("withdrawn_at IS NULL"),
        postgresql_where=text("withdrawn_at IS NULL"),
    ),
    Index("ix_mail_consents_creator", "creator"),
    sqlite_autoincrement=True,
    info=ERASED,
)

mail_bounces = Table(
    "mail_bounces",
    metadata,
    Column("address_sha256", String(64), primary_key=True),  # of its key: looked up, never read
    Column("kind", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    one_of("kind", ("bounce", "complaint")),
)

newsletter_issues = Table(
    "newsletter_issues",
    metadata,
    Column("id", Id, primary_key=True),
    _creator(),
    Column("author", Id, ForeignKey("accounts.id"), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("markdown", Text, nullable=False),
    Column("tiers", JSON, nullable=False, comment="of whose holders it goes to; empty: of every tier with the benefit"),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime, comment="when sending was asked for"),
    Column("finished_at", UtcDateTime),
    Column("counted", JSON(none_as_null=True), comment="its deliveries by state, once they are forgotten"),
    one_of("state", ("draft", "sending", "sent", "stopped")),
    Index("ix_newsletter_issues_creator", "creator", "id"),
    Index(
        "ix_newsletter_issues_sending",
        "state",
        sqlite_where=text("state = 'sending'"),
        postgresql_where=text("state = 'sending'"),
    ),
    sqlite_autoincrement=True,
)

DELIVERY_STATES = ("queued", "claimed", "sent", "refused", "unknown", "failed", "skipped")

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("issue", Id, ForeignKey("newsletter_issues.id"), nullable=False),
    account_column(nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32), comment="why it was skipped, or how it failed"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=False, comment="not to be tried before"),
    Column("claimed_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("address_sha256", String(64), comment="where it went, for bounces"),
    one_of("state", DELIVERY_STATES),
    Unique("issue", "account", name="uq_deliveries_issue_account"),
    Index("ix_deliveries_state", "issue", "state", "due_at"),
    sqlite_autoincrement=True,
    info=ERASED,
)

# --- merchandise

merch_discounts = Table(
    "merch_discounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tier", Id, ForeignKey("tiers.id"), nullable=False),
    Column("percent", Integer, nullable=False),
    Column("codes_per_month_max", Integer, nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime),
    CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
    CheckConstraint("codes_per_month_max BETWEEN 1 AND 100", name="codes"),
    Index(
        "uq_merch_discounts_running",
        "tier",
        unique=True,
        sqlite_where=text('"end" IS NULL'),
        postgresql_where=text('"end" IS NULL'),
    ),
    sqlite_autoincrement=True,
)

merch_codes = Table(
    "merch_codes",
    metadata,
    Column("id", Id, primary_key=True),
    account_column(nullable=False),
    _creator(),
    Column("tier", Id, ForeignKey("tiers.id"), nullable=False),
    Column("percent", Integer, nullable=False),
    Column("code", String(32), nullable=False, unique=True),  # in clear: shops take lists of them
    Column("state", String(16), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("redeemed_at", UtcDateTime),
    Column("redeemed_by", String(32), ForeignKey("creator_keys.id")),
    Column("order_ref", String(100), comment="the shop's: the same order may be told twice"),
    Column("revoked_at", UtcDateTime),
    one_of("state", ("issued", "redeemed", "revoked")),
    CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed"),
    CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="revoked"),
    Index("ix_merch_codes_account_creator", "account", "creator"),
    Index("ix_merch_codes_creator", "creator", "state"),
    sqlite_autoincrement=True,
)

creator_keys = Table(
    "creator_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    _creator(index=True),
    Column("name", String(100), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    one_of("scope", ("merch",)),
)
