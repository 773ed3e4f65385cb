"""Keep the sister brands of a competitor."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
    with op.batch_alter_table("competitor", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sisters", kind, server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("competitor", schema=None) as batch_op:
        batch_op.drop_column("sisters")
