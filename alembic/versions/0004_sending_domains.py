"""The sending domains and their checks."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _fill() -> None:
    """The domains of the mailboxes that are there; each is looked at as soon as a clock runs."""
    connection = op.get_bind()
    kind = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    moment = sa.DateTime(timezone=True)
    table = sa.table(
        "sending_domain",
        sa.column("domain", sa.String),
        sa.column("selectors", kind),
        sa.column("override_checks", kind),
        sa.column("due_at", moment),
        sa.column("created_at", moment),
    )
    emails = connection.execute(sa.text("SELECT email FROM mailbox")).scalars().all()
    now = datetime.now(UTC)
    rows = [
        {"domain": domain, "selectors": [], "override_checks": [], "due_at": now, "created_at": now}
        for domain in sorted({email.rpartition("@")[2].lower() for email in emails})
    ]
    if rows:
        connection.execute(sa.insert(table), rows)


def upgrade() -> None:
    op.create_table(
        "sending_domain",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("selectors", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("hold_reason", sa.String(), nullable=True),
        sa.Column("override_checks", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("override_reason", sa.String(), nullable=True),
        sa.Column("override_by", sa.String(length=200), nullable=True),
        sa.Column("override_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_domain")),
        sa.UniqueConstraint("domain", name=op.f("uq_sending_domain_domain")),
    )
    with op.batch_alter_table("sending_domain") as batch:
        batch.create_index(batch.f("ix_sending_domain_due_at"), ["due_at"], unique=False)

    op.create_table(
        "sending_domain_check",
        sa.Column("sending_domain_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("fix", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('ok', 'warn', 'fail', 'unknown')", name=op.f("ck_sending_domain_check_state")),
        sa.ForeignKeyConstraint(
            ["sending_domain_id"],
            ["sending_domain.id"],
            name=op.f("fk_sending_domain_check_sending_domain_id_sending_domain"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sending_domain_id", "position", name=op.f("pk_sending_domain_check")),
    )
    _fill()


def downgrade() -> None:
    op.drop_table("sending_domain_check")
    with op.batch_alter_table("sending_domain") as batch:
        batch.drop_index(batch.f("ix_sending_domain_due_at"))
    op.drop_table("sending_domain")
