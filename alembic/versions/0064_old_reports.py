"""Put old reports away that belong to none of our mails: from now on such reports wait for a person, and nobody asked about these."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_INBOUND = sa.table(
    "inbound",
    *map(sa.column, ("kind", "state", "prospect_id", "handled_by")),
    sa.column("handled_at", _MOMENT),
    sa.column("stored_at", _MOMENT),
)
# Whoever reads what a report is about can still act on it.
_RECENT = timedelta(days=31)


def upgrade() -> None:
    now, of = datetime.now(UTC), _INBOUND.c
    old = (of.kind == "bounce", of.state == "done", of.prospect_id.is_(None), of.stored_at < now - _RECENT)
    op.execute(_INBOUND.update().where(*old, of.handled_at.is_(None)).values(handled_by="upgrade", handled_at=now))


def downgrade() -> None:
    op.execute(_INBOUND.update().where(_INBOUND.c.handled_by == "upgrade").values(handled_by=None, handled_at=None))
