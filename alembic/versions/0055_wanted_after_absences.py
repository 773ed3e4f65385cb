"""Count an absence into the moment at which a waiting mail is meant to leave."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

_OUTBOUND = sa.table("outbound", *map(sa.column, ("state", "hold_reason", "wanted_at", "not_before", "expires_at")))


def upgrade() -> None:
    # An absence that was told of moved the end of the waiting, too. What lies behind that end was put off by a wrong clock.
    op.execute(
        _OUTBOUND.update()
        .where(
            _OUTBOUND.c.state == "QUEUED",
            _OUTBOUND.c.hold_reason.is_not(None),
            _OUTBOUND.c.wanted_at < _OUTBOUND.c.not_before,
            _OUTBOUND.c.not_before < _OUTBOUND.c.expires_at,
        )
        .values(wanted_at=_OUTBOUND.c.not_before)
    )


def downgrade() -> None:
    """Nothing hangs on the former moment."""
