"""Keep the format that a person chose for an upload."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_job", sa.Column("format", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("import_job", schema=None) as batch:
        batch.drop_column("format")
