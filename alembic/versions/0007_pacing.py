"""Caps by site and recipient, hours of recipients, ramps, and which mailbox sends for which site."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.create_table(
        "recipient_day",
        sa.Column("recipient", sa.String(253), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.CheckConstraint("used <= cap", name=op.f("ck_recipient_day_used_within_cap")),
        sa.PrimaryKeyConstraint("recipient", "day", name=op.f("pk_recipient_day")),
    )
    op.create_table(
        "site_day",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("cap", sa.Integer()),
        sa.CheckConstraint("used <= cap", name=op.f("ck_site_day_used_within_cap")),
        _belongs("site_day", "site"),
        sa.PrimaryKeyConstraint("site_id", "day", name=op.f("pk_site_day")),
    )
    op.create_table(
        "site_pacing",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("send_window", sa.String(16)),
        sa.Column("daily_cap", sa.Integer()),
        sa.Column("cooldown_days", sa.Integer()),
        _belongs("site_pacing", "site"),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_site_pacing")),
    )
    op.create_table(
        "mailbox_pacing",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("ramp_start", sa.Integer()),
        sa.Column("ramp_step", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(3)),
        _belongs("mailbox_pacing", "mailbox"),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_mailbox_pacing")),
    )
    op.create_table(
        "mailbox_site",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        _belongs("mailbox_site", "mailbox"),
        _belongs("mailbox_site", "site"),
        sa.PrimaryKeyConstraint("mailbox_id", "site_id", name=op.f("pk_mailbox_site")),
    )
    op.create_index("ix_mailbox_site_site_id", "mailbox_site", ["site_id"])
    op.create_table(
        "prospect_place",
        sa.Column("prospect_id", sa.Integer(), nullable=False),
        sa.Column("country", sa.String(2)),
        sa.Column("zone", sa.String(64)),
        sa.Column("send_window", sa.String(16)),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        _belongs("prospect_place", "prospect"),
        sa.PrimaryKeyConstraint("prospect_id", name=op.f("pk_prospect_place")),
    )
    # Columns are added in place: building the table anew would cost an installation with much mail minutes.
    op.add_column("conversation", sa.Column("recipient", sa.String(253)))
    op.create_index(
        "uq_conversation_open_recipient",
        "conversation",
        ["recipient"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.add_column("outbound", sa.Column("recipient", sa.String(253)))
    op.add_column("outbound", sa.Column("hours", sa.String(120)))
    op.add_column("outbound", sa.Column("wanted_at", sa.DateTime(timezone=True)))
    op.add_column("outbound", sa.Column("closes_at", sa.DateTime(timezone=True)))
    op.create_index("ix_outbound_queue", "outbound", ["mailbox_id", "state", "kind", "not_before", "closes_at"])
    op.drop_index("ix_outbound_due", "outbound")


def downgrade() -> None:
    op.create_index("ix_outbound_due", "outbound", ["mailbox_id", "state", "not_before"])
    op.drop_index("ix_outbound_queue", "outbound")
    for column in ("closes_at", "wanted_at", "hours", "recipient"):
        op.drop_column("outbound", column)
    op.drop_index("uq_conversation_open_recipient", "conversation")
    op.drop_column("conversation", "recipient")
    for table in ("prospect_place", "mailbox_site", "mailbox_pacing", "site_pacing", "site_day", "recipient_day"):
        op.drop_table(table)


def _belongs(table: str, parent: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{parent}_id_{parent}"
    return sa.ForeignKeyConstraint([f"{parent}_id"], [f"{parent}.id"], name=op.f(name), ondelete="CASCADE")
