"""Find the refusals of us by their time."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_REFUSED = sa.text("outcome = 'sender-refused'")


def upgrade() -> None:
    op.create_index("ix_send_attempt_refused", "send_attempt", ["at"], sqlite_where=_REFUSED, postgresql_where=_REFUSED)


def downgrade() -> None:
    op.drop_index("ix_send_attempt_refused", table_name="send_attempt")
