"""Add the index of prospects that sleep."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_SLEEPS = "snoozed_until IS NOT NULL"


def upgrade() -> None:
    with op.batch_alter_table("prospect", schema=None) as batch_op:
        batch_op.create_index(
            "ix_prospect_snoozed",
            ["snoozed_until", "id"],
            unique=False,
            sqlite_where=sa.text(_SLEEPS),
            postgresql_where=sa.text(_SLEEPS),
        )


def downgrade() -> None:
    with op.batch_alter_table("prospect", schema=None) as batch_op:
        batch_op.drop_index("ix_prospect_snoozed")
