"""Keep up to when a person has read the list of notices."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_setting", sa.Column("notices_seen_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("user_setting", schema=None) as batch:
        batch.drop_column("notices_seen_at")
