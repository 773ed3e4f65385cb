"""Let an import be taken back by a worker."""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("import_job", schema=None) as batch:
        batch.drop_constraint(op.f("ck_import_job_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_import_job_kind"), "kind IN ('links', 'mentions', 'takeback')")


def downgrade() -> None:
    # A former version would read it as an export of links, and the import stands as it was.
    op.execute("DELETE FROM import_job WHERE kind = 'takeback'")
    with op.batch_alter_table("import_job", schema=None) as batch:
        batch.drop_constraint(op.f("ck_import_job_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_import_job_kind"), "kind IN ('links', 'mentions')")
