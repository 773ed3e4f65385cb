"""Let a worker pull from providers and read the web graph because a person asked for it; pulls that repeat can rest, and say what they brought."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_BEFORE = "'links', 'mentions', 'takeback'"


def upgrade() -> None:
    with op.batch_alter_table("import_job", schema=None) as batch:
        batch.drop_constraint(op.f("ck_import_job_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_import_job_kind"), f"kind IN ({_BEFORE}, 'pull', 'discover')")
        batch.add_column(sa.Column("asked", _JSON, server_default="{}", nullable=False))
    with op.batch_alter_table("provider_schedule", schema=None) as batch:
        batch.add_column(sa.Column("last_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("last_result", _JSON, nullable=True))
        batch.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # A former version knows no rest: it would ask, and spend.
    op.execute("DELETE FROM provider_schedule WHERE paused_at IS NOT NULL")
    with op.batch_alter_table("provider_schedule", schema=None) as batch:
        batch.drop_column("paused_at")
        batch.drop_column("last_result")
        batch.drop_column("last_at")
    # A former version would read them as exports of links.
    op.execute("DELETE FROM import_job WHERE kind IN ('pull', 'discover')")
    with op.batch_alter_table("import_job", schema=None) as batch:
        batch.drop_column("asked")
        batch.drop_constraint(op.f("ck_import_job_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_import_job_kind"), f"kind IN ({_BEFORE})")
