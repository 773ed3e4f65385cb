"""Compare prospects anew when a page of ours changes."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("site", sa.Column("fit_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("site", sa.Column("fit_after", sa.Integer(), nullable=True))


def downgrade() -> None:
    # Column by column: making the table anew would delete the rows that hang on it.
    op.drop_column("site", "fit_after")
    op.drop_column("site", "fit_due_at")
