"""Add the folders beside inbox and spam folder, and why somebody has released restored data."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("folder", schema=None) as batch_op:
        batch_op.add_column(sa.Column("messages", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("watch", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("learned_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("scouted_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("scouted_validity", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("scouted_next", sa.BigInteger(), nullable=True))
        batch_op.create_check_constraint(op.f("ck_folder_watch"), "watch IN ('always', 'never')")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.create_index("ix_inbound_message_id", ["mailbox_id", "message_id"], unique=False)
    with op.batch_alter_table("installation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("released_reason", sa.String(length=500), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("installation", schema=None) as batch_op:
        batch_op.drop_column("released_reason")
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index("ix_inbound_message_id")
    with op.batch_alter_table("folder", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_folder_watch"), type_="check")
        batch_op.drop_column("scouted_next")
        batch_op.drop_column("scouted_validity")
        batch_op.drop_column("scouted_at")
        batch_op.drop_column("learned_at")
        batch_op.drop_column("watch")
        batch_op.drop_column("listed_at")
        batch_op.drop_column("messages")
