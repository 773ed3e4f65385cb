"""Why a message could not be fetched is kept as a sentence; on the way down every such sentence becomes a text.

Other columns have held them since 0047 without a revision of their own, and a version from before would show people the JSON.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

TEXTS = {
    "angle_evidence": ("linked_note", "coverage_note"),
    "folder": ("stopped_reason",),
    "import_job": ("error",),
    "inbound": ("error",),
    "mailbox": ("paused_reason", "poll_error"),
    "mention_check": ("reason",),
    "outbound": ("hold_reason",),
    "pitch": ("why",),
    "provider_pull": ("error",),
    "provider_schedule": ("last_error",),
    "sending_domain": ("hold_reason",),
    "sending_domain_check": ("found", "fix", "trouble"),
    "unfetched": ("error",),
}
JSONS = {"gap_refresh": ("summary", "held_back_why"), "snapshot": ("report",), "stage_event": ("data",)}


def upgrade() -> None:
    with op.batch_alter_table("unfetched", schema=None) as batch:
        batch.alter_column("error", existing_type=sa.String(length=500), type_=sa.String(), existing_nullable=False)


def downgrade() -> None:
    # The version that runs this has written them, so it knows how to read them.
    from app.domain.said import kept

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        if isinstance(value, list):
            return [plain(one) for one in value]
        return str(kept(value)) if isinstance(value, str) else value

    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    # An erasure that is unfinished lets a line of the history be changed (migration 0003).
    op.execute(
        "INSERT INTO erasure (key, reason, erased_by, counts, started_at) VALUES ('0061', '', '', '{}', CURRENT_TIMESTAMP)"
    )
    for table, columns in TEXTS.items():
        for column in columns:
            _rewrite(table, column, sa.String(), '{"say":%', plain)
    for table, columns in JSONS.items():
        for column in columns:
            _rewrite(table, column, json, '%{_"say_":%', plain)
    with op.batch_alter_table("unfetched", schema=None) as batch:
        batch.alter_column("error", existing_type=sa.String(), type_=sa.String(length=500), existing_nullable=False)
    op.execute("DELETE FROM erasure WHERE key = '0061' AND finished_at IS NULL")


def _rewrite(table: str, column: str, kind: Any, like: str, plain: Callable[[Any], Any]) -> None:
    connection = op.get_bind()
    keys = sa.inspect(connection).get_pk_constraint(table)["constrained_columns"]
    there = sa.table(table, *(sa.column(key) for key in keys), sa.column(column, kind))
    mine = sa.and_(*(there.c[key] == sa.bindparam(f"key_{key}") for key in keys))
    change = sa.update(there).where(mine).values({column: sa.bindparam("value", type_=kind)})
    found = connection.execute(sa.select(there).where(sa.cast(there.c[column], sa.Text()).like(like))).mappings().all()
    rows = [{**{f"key_{key}": row[key] for key in keys}, "value": plain(row[column])} for row in found]
    if rows:
        connection.execute(change, rows)
