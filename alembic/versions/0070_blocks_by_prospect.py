"""Let a message block each prospect that it was given to, and once more what was cleared before it could be read."""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

_STANDS = sa.text("cleared_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("blocking_event", schema=None) as batch:
        batch.drop_constraint(op.f("uq_blocking_event_inbound_id_kind"), type_="unique")
    op.create_index(
        "uq_blocking_event_message",
        "blocking_event",
        ["inbound_id", "kind", "prospect_id"],
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    )


def downgrade() -> None:
    op.drop_index("uq_blocking_event_message", table_name="blocking_event")
    # The code before knows one event of a kind for each message: that of the others stays, and no longer names it.
    event = sa.table("blocking_event", sa.column("id"), sa.column("inbound_id"), sa.column("kind"))
    first = (
        sa.select(sa.func.min(event.c.id))
        .where(event.c.inbound_id.is_not(None))
        .group_by(event.c.inbound_id, event.c.kind)
    )
    op.execute(event.update().where(event.c.inbound_id.is_not(None), event.c.id.not_in(first)).values(inbound_id=None))
    with op.batch_alter_table("blocking_event", schema=None) as batch:
        batch.create_unique_constraint(op.f("uq_blocking_event_inbound_id_kind"), ["inbound_id", "kind"])
