"""Let what a person has called done in the inbox be a decision that can be taken back."""

from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

KINDS = "kind IN ('approve', 'skip', 'snooze', 'pass', 'class', 'won', 'lost', 'reopen', 'done')"
FORMER_KINDS = "kind IN ('approve', 'skip', 'snooze', 'pass', 'class', 'won', 'lost', 'reopen')"


def _allow(kinds: str) -> None:
    with op.batch_alter_table("decision") as batch:
        batch.drop_constraint(op.f("ck_decision_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_decision_kind"), kinds)


def upgrade() -> None:
    _allow(KINDS)


def downgrade() -> None:
    # The former version knows no way back from one.
    op.execute("DELETE FROM decision WHERE kind = 'done'")
    _allow(FORMER_KINDS)
