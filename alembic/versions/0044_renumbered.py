"""Keep when a folder was renumbered by its server, so that people see it."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("folder", sa.Column("renumbered_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("folder", schema=None) as batch:
        batch.drop_column("renumbered_at")
