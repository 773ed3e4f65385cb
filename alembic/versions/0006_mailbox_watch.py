"""Who looks into a mailbox."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailbox_watch",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("poll_owner", sa.String(length=128), nullable=True),
        sa.Column("poll_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("poll_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idle_owner", sa.String(length=128), nullable=True),
        sa.Column("idle_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idle_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idle_failures", sa.Integer(), nullable=False),
        sa.Column("idle_retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idle_error", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name=op.f("fk_mailbox_watch_mailbox_id_mailbox"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_mailbox_watch")),
    )
    op.create_index("ix_mailbox_watch_idle_owner", "mailbox_watch", ["idle_owner"])


def downgrade() -> None:
    op.drop_table("mailbox_watch")
