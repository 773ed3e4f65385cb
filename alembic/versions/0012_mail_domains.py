"""Remember which domains take mail."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_domain",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('ok', 'none', 'null-mx', 'unknown')", name=op.f("ck_mail_domain_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_domain")),
        sa.UniqueConstraint("domain", name=op.f("uq_mail_domain_domain")),
    )
    with op.batch_alter_table("mail_domain") as batch:
        batch.create_index(batch.f("ix_mail_domain_due_at"), ["due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("mail_domain") as batch:
        batch.drop_index(batch.f("ix_mail_domain_due_at"))

    op.drop_table("mail_domain")
