"""Counts of links and visits beyond 32 bits."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = ("links", "traffic")


def upgrade() -> None:
    # An integer of SQLite has 64 bits as it is.
    if op.get_bind().dialect.name == "postgresql":
        for column in COLUMNS:
            op.alter_column("prospect", column, existing_type=sa.Integer(), type_=sa.BigInteger())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for column in COLUMNS:
            # An unknown stays unknown: least() would take the number for it.
            using = f"(CASE WHEN {column} > 2147483647 THEN 2147483647 ELSE {column} END)::integer"
            op.alter_column(
                "prospect", column, existing_type=sa.BigInteger(), type_=sa.Integer(), postgresql_using=using
            )
