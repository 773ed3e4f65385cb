"""Keep beside each message from when on it is told that it waits too long."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("triage", sa.Column("late_at", sa.DateTime(timezone=True), nullable=True))
    # Of what waits: where a person lets something wait again, it is set anew.
    op.execute(
        "UPDATE triage SET late_at = (SELECT CASE WHEN inbound.stored_at > triage.due_at THEN inbound.stored_at "
        "ELSE triage.due_at END FROM inbound WHERE inbound.id = triage.inbound_id AND inbound.prospect_id IS NOT NULL) "
        "WHERE waits AND due_at IS NOT NULL"
    )
    op.create_index("ix_triage_late", "triage", ["waits", "late_at"])


def downgrade() -> None:
    op.drop_index("ix_triage_late", table_name="triage")
    op.drop_column("triage", "late_at")
