"""Keep when the mail of a mailbox that sends nothing was looked through; find lost links by when they were lost."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailbox", sa.Column("looked_through_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_link_lost", "link", ["state", "lost_at"])


def downgrade() -> None:
    op.drop_index("ix_link_lost", "link")
    op.drop_column("mailbox", "looked_through_at")
