"""Put the topic fit into the order of the queue: behind the dofollow, before the rating and the first date."""

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

# 7 characters (tier, mention, chance, share, dofollow), then the fit: 000 to 099 for 100 to 1, 100 unknown, 101 nothing shared.
_FIT = "CASE WHEN fit IS NULL THEN '100' WHEN fit <= 0 THEN '101' ELSE substr(CAST(1100 - fit AS VARCHAR(4)), 2, 3) END"


def upgrade() -> None:
    for table, fit in (("prospect", _FIT), ("removed_gap", "'100'")):
        op.execute(
            f"UPDATE {table} SET rank_key = substr(rank_key, 1, 7) || {fit} || substr(rank_key, 8) "  # noqa: S608
            "WHERE length(rank_key) = 19"
        )


def downgrade() -> None:
    for table in ("prospect", "removed_gap"):
        op.execute(
            f"UPDATE {table} SET rank_key = substr(rank_key, 1, 7) || substr(rank_key, 11) "  # noqa: S608
            "WHERE length(rank_key) = 22"
        )
