"""Sites and pages that are edited by several people, looks at our own pages, and what the processes tell of themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("site") as batch:
        batch.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("archived_at", MOMENT, nullable=True))
    with op.batch_alter_table("page") as batch:
        batch.add_column(sa.Column("angle", sa.String(length=32), nullable=True))
        batch.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("check_state", sa.String(length=32), nullable=True))
        batch.add_column(sa.Column("check_detail", sa.String(), nullable=True))
        batch.add_column(sa.Column("checked_at", MOMENT, nullable=True))
        batch.add_column(sa.Column("check_due_at", MOMENT, nullable=True))
        batch.create_index(op.f("ix_page_check_due_at"), ["check_due_at"])
    with op.batch_alter_table("user_session") as batch:
        batch.add_column(sa.Column("agent", sa.String(length=100), nullable=True))
    op.create_table(
        "worker_beat",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("skew", sa.Float(), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker_beat")),
    )
    op.create_table(
        "job_fault",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("row_id", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("correlation_id", sa.String(length=64), nullable=True),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("job", "row_id", name=op.f("pk_job_fault")),
    )


def downgrade() -> None:
    op.drop_table("job_fault")
    op.drop_table("worker_beat")
    with op.batch_alter_table("user_session") as batch:
        batch.drop_column("agent")
    with op.batch_alter_table("page") as batch:
        batch.drop_index(op.f("ix_page_check_due_at"))
        for name in ("check_due_at", "checked_at", "check_detail", "check_state", "version", "angle"):
            batch.drop_column(name)
    with op.batch_alter_table("site") as batch:
        batch.drop_column("archived_at")
        batch.drop_column("version")
