"""Let a prospect that was opened again by hand be a decision that can be taken back."""

from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

KINDS = "kind IN ('approve', 'skip', 'snooze', 'pass', 'class', 'won', 'lost', 'reopen')"
FORMER_KINDS = "kind IN ('approve', 'skip', 'snooze', 'pass', 'class', 'won', 'lost')"


def _allow(kinds: str) -> None:
    with op.batch_alter_table("decision") as batch:
        batch.drop_constraint(op.f("ck_decision_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_decision_kind"), kinds)


def upgrade() -> None:
    _allow(KINDS)


def downgrade() -> None:
    # The former version knows no way back from one.
    op.execute("DELETE FROM decision WHERE kind = 'reopen'")
    _allow(FORMER_KINDS)
