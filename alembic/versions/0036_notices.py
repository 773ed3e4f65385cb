"""Mail staff notices besides the digest."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_WISHES = ("mail_replies", "mail_late", "mail_mailboxes")


def upgrade() -> None:
    with op.batch_alter_table("digest", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=32), nullable=False, server_default="digest"))
        batch_op.drop_constraint(op.f("uq_digest_user_id_period"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_digest_user_id_kind_period"), ["user_id", "kind", "period"])
        batch_op.create_check_constraint(op.f("ck_digest_kind"), "kind IN ('digest', 'replies', 'late', 'mailboxes')")
    # Only for the rows that are there: the application says it for new ones.
    with op.batch_alter_table("digest", schema=None) as batch_op:
        batch_op.alter_column("kind", existing_type=sa.String(length=32), existing_nullable=False, server_default=None)
    with op.batch_alter_table("user_setting", schema=None) as batch_op:
        for name in _WISHES:
            batch_op.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("user_setting", schema=None) as batch_op:
        for name in _WISHES:
            batch_op.alter_column(name, existing_type=sa.Boolean(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    for name in reversed(_WISHES):
        op.drop_column("user_setting", name)
    # The version before knows only digests, and would take a notice for one.
    op.execute("DELETE FROM digest WHERE kind <> 'digest'")
    with op.batch_alter_table("digest", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_digest_kind"), type_="check")
        batch_op.drop_constraint(op.f("uq_digest_user_id_kind_period"), type_="unique")
        batch_op.drop_column("kind")
        batch_op.create_unique_constraint(op.f("uq_digest_user_id_period"), ["user_id", "period"])
