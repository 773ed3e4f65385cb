"""Say of a prospect that it is no gap any more, and where its link to us is seen."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prospect", sa.Column("gap_state", sa.String(length=32), nullable=True))
    seen = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    op.add_column("prospect", sa.Column("gap_seen", seen, nullable=True))


def downgrade() -> None:
    # Column by column: making the table anew would delete the rows that hang on it.
    op.drop_column("prospect", "gap_seen")
    op.drop_column("prospect", "gap_state")
