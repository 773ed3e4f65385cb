"""Add the audit, which only grows, and the order of time to the history of prospects."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Histories whose texts an erasure may blank (migration 0003); nothing else changes them, and no line is ever deleted.
BLANKABLE = ("stage_event", "send_attempt", "audit_event")


def _guard(tables: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    body = (
        "BEGIN IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN (TABLES) "
        "AND EXISTS (SELECT 1 FROM erasure WHERE finished_at IS NULL) THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END"
    ).replace("TABLES", ", ".join(f"'{table}'" for table in tables))
    op.execute(f"CREATE OR REPLACE FUNCTION gapbridge_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("verb", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=300), nullable=True),
        sa.Column("before", json, nullable=True),
        sa.Column("after", json, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("correlation_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_actor", "audit_event", ["actor", "at", "id"])
    op.create_index("ix_audit_event_at", "audit_event", ["at", "id"])
    op.create_index("ix_audit_event_thing", "audit_event", ["kind", "key", "at", "id"])
    op.create_index("ix_stage_event_at", "stage_event", ["at", "id"])
    _guard(BLANKABLE)
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END"
        unless = "WHEN NOT EXISTS (SELECT 1 FROM erasure WHERE finished_at IS NULL)"
        op.execute(f"CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event {unless} {refuse}")
        op.execute(f"CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event {refuse}")
        return
    op.execute(
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event "
        "FOR EACH ROW EXECUTE FUNCTION gapbridge_append_only()"
    )


def downgrade() -> None:
    op.drop_index("ix_stage_event_at", "stage_event")
    op.drop_table("audit_event")
    _guard(BLANKABLE[:2])
