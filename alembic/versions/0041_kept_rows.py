"""Keep the rows of a pull until they are imported, and count how often that was tried."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("provider_pull", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("provider_pull", sa.Column("file", sa.String(), nullable=True))
    op.add_column("provider_schedule", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    # Only for the rows that are there: the application says it for new ones.
    with op.batch_alter_table("provider_schedule", schema=None) as batch:
        batch.alter_column("tries", existing_type=sa.Integer(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("provider_schedule", schema=None) as batch:
        batch.drop_column("tries")
    with op.batch_alter_table("provider_pull", schema=None) as batch:
        batch.drop_column("file")
        batch.drop_column("asked_at")
