"""Note when a mailbox began to rest and when the clock has leapt, so that no mail expires by either."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailbox", sa.Column("rests_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("installation", sa.Column("leapt_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("installation", "leapt_at")
    op.drop_column("mailbox", "rests_since")
