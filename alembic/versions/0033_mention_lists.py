"""Add lists of mentions to the uploads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("import_job", schema=None) as batch:
        batch.add_column(sa.Column("kind", sa.String(length=32), nullable=False, server_default="links"))
        batch.add_column(sa.Column("report", kind, nullable=False, server_default="{}"))
        batch.create_check_constraint(op.f("ck_import_job_kind"), "kind IN ('links', 'mentions')")
    with op.batch_alter_table("import_job", schema=None) as batch:
        # Only for the rows that are there: the application says it for new ones.
        batch.alter_column("kind", existing_type=sa.String(length=32), existing_nullable=False, server_default=None)
        batch.alter_column("report", existing_type=kind, existing_nullable=False, server_default=None)


def downgrade() -> None:
    # A former version would read a list of mentions as an export of links.
    op.execute("DELETE FROM import_job WHERE kind = 'mentions'")
    with op.batch_alter_table("import_job", schema=None) as batch:
        batch.drop_constraint(op.f("ck_import_job_kind"), type_="check")
        batch.drop_column("report")
        batch.drop_column("kind")
