"""Files are no whole lists below the limit of their tool: only whoever asked for the rows knows that there are no more."""

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE snapshot SET capped = NULL WHERE NOT capped AND format NOT LIKE '%-pull'")


def downgrade() -> None:
    # Which of them lay below a limit that is known cannot be told any more, and "not known" is what the others say.
    pass
