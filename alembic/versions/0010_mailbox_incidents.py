"""Count what goes wrong with a mailbox."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailbox_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("incidents", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=True),
        sa.CheckConstraint("kind IN ('hard-bounce', 'complaint', 'policy')", name=op.f("ck_mailbox_pause_kind")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name=op.f("fk_mailbox_pause_mailbox_id_mailbox"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_pause")),
    )
    with op.batch_alter_table("mailbox_pause") as batch:
        batch.create_index("ix_mailbox_pause_mailbox_id", ["mailbox_id", "id"], unique=False)

    op.create_table(
        "mailbox_incident",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("outbound_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('hard-bounce', 'complaint', 'policy')", name=op.f("ck_mailbox_incident_kind")),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailbox.id"], name=op.f("fk_mailbox_incident_mailbox_id_mailbox"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["outbound_id"], ["outbound.id"], name=op.f("fk_mailbox_incident_outbound_id_outbound"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_incident")),
        sa.UniqueConstraint("outbound_id", "kind", name=op.f("uq_mailbox_incident_outbound_id_kind")),
    )
    with op.batch_alter_table("mailbox_incident") as batch:
        batch.create_index("ix_mailbox_incident_mailbox_id", ["mailbox_id", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("mailbox_incident") as batch:
        batch.drop_index("ix_mailbox_incident_mailbox_id")

    op.drop_table("mailbox_incident")
    with op.batch_alter_table("mailbox_pause") as batch:
        batch.drop_index("ix_mailbox_pause_mailbox_id")

    op.drop_table("mailbox_pause")
