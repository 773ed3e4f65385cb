"""An index in the order of the queue."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("prospect") as batch:
        batch.create_index("ix_prospect_lane", ["rank_key", "id"])


def downgrade() -> None:
    with op.batch_alter_table("prospect") as batch:
        batch.drop_index("ix_prospect_lane")
