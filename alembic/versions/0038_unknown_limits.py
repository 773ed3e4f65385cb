"""Tell a list whose limit is not known from one that is whole."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("snapshot", schema=None) as batch:
        batch.alter_column("capped", existing_type=sa.Boolean(), nullable=True)
    # The report has said all along what the column could not; a pull knows whether it got everything, and its report did not.
    unknown = "UPDATE snapshot SET capped = NULL WHERE NOT capped AND format NOT LIKE '%-pull' AND "
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(unknown + ("json_extract(report, '$.capped') IS NULL" if sqlite else "report ->> 'capped' IS NULL"))


def downgrade() -> None:
    op.execute("UPDATE snapshot SET capped = false WHERE capped IS NULL")
    with op.batch_alter_table("snapshot", schema=None) as batch:
        batch.alter_column("capped", existing_type=sa.Boolean(), nullable=False)
