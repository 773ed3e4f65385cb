"""Let an answer that a person has sent be a decision that can be taken back."""

from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None

KINDS = "kind IN ('approve', 'skip', 'snooze', 'pass', 'class', 'won', 'lost', 'reopen', 'done', 'answer')"
FORMER_KINDS = "kind IN ('approve', 'skip', 'snooze', 'pass', 'class', 'won', 'lost', 'reopen', 'done')"


def _allow(kinds: str) -> None:
    with op.batch_alter_table("decision") as batch:
        batch.drop_constraint(op.f("ck_decision_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_decision_kind"), kinds)


def upgrade() -> None:
    _allow(KINDS)


def downgrade() -> None:
    # The former version takes an answer back by its own page alone.
    op.execute("DELETE FROM decision WHERE kind = 'answer'")
    _allow(FORMER_KINDS)
