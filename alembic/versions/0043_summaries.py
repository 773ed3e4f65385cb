"""Keep the account of each computation of the gap."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("gap_refresh", sa.Column("summary", kind, nullable=False, server_default="{}"))
    # Only for the rows that are there: the application says it for new ones.
    with op.batch_alter_table("gap_refresh", schema=None) as batch:
        batch.alter_column("summary", existing_type=kind, existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("gap_refresh", schema=None) as batch:
        batch.drop_column("summary")
