"""Keep for each person which pause of follow-ups they were led to last."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_setting", sa.Column("pause_seen", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("user_setting", "pause_seen")
