"""Count the refusals of us beside those of our mail."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

_FORMER = "kind IN ('hard-bounce', 'complaint', 'policy')"
_KINDS = "kind IN ('hard-bounce', 'complaint', 'policy', 'sender-refused')"
_REFUSED = sa.text("outcome = 'sender-refused'")


def _allow(kinds: str) -> None:
    for table in ("mailbox_incident", "mailbox_pause"):
        with op.batch_alter_table(table, schema=None) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_kind"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_kind"), kinds)


def upgrade() -> None:
    _allow(_KINDS)
    op.drop_index("ix_send_attempt_refused", table_name="send_attempt")


def downgrade() -> None:
    op.create_index("ix_send_attempt_refused", "send_attempt", ["at"], sqlite_where=_REFUSED, postgresql_where=_REFUSED)
    op.execute("DELETE FROM mailbox_incident WHERE kind = 'sender-refused'")
    _allow(_FORMER)
