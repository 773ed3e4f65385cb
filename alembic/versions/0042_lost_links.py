"""Mail staff the links of tier 1 that were lost."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_BEFORE = "kind IN ('digest', 'replies', 'late', 'mailboxes')"
_AFTER = "kind IN ('digest', 'replies', 'late', 'mailboxes', 'links')"


def _allow(kinds: str) -> None:
    with op.batch_alter_table("digest", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_digest_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_digest_kind"), kinds)


def upgrade() -> None:
    _allow(_AFTER)
    with op.batch_alter_table("user_setting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mail_links", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Only for the rows that are there: the application says it for new ones.
    with op.batch_alter_table("user_setting", schema=None) as batch_op:
        batch_op.alter_column("mail_links", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    op.drop_column("user_setting", "mail_links")
    # The version before knows neither these mails nor a digest each hour.
    op.execute("DELETE FROM digest WHERE kind = 'links'")
    op.execute("UPDATE user_setting SET digest = 'daily' WHERE digest = 'hourly'")
    _allow(_BEFORE)
