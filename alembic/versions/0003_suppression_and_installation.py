"""Suppression by site, host and pattern; the installation's own row; erasures, inside of which histories may be blanked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The histories whose texts may hold personal data. An erasure may blank them, and nothing else may change them; no line is
# ever deleted. The row of the erasure is unfinished only inside its own transaction, so nobody else gets through.
BLANKABLE = ("stage_event", "send_attempt")
KINDS = "kind IN ('address', 'domain', 'host', 'pattern')"
FORMER_KINDS = "kind IN ('address', 'domain')"


def _guard(blankable: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":
        unless = " WHEN NOT EXISTS (SELECT 1 FROM erasure WHERE finished_at IS NULL)" if blankable else ""
        for table in BLANKABLE:
            op.execute(f"DROP TRIGGER {table}_no_update")
            op.execute(
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}{unless} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    through = (
        "IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('stage_event', 'send_attempt') "
        "AND EXISTS (SELECT 1 FROM erasure WHERE finished_at IS NULL) THEN RETURN NEW; END IF;"
        if blankable
        else ""
    )
    op.execute(
        "CREATE OR REPLACE FUNCTION gapbridge_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {through} RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("erased_by", sa.String(), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(length=36), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("ticks", sa.BigInteger(), nullable=False),
        sa.Column("database_mark", sa.String(length=200), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_reason", sa.String(), nullable=True),
        sa.Column("data_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "sealed_secret",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sealed_secret")),
    )
    op.create_table(
        "suppression_removal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("reason_was", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("removed_by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_removal")),
    )
    partial = sa.text("pattern IS NOT NULL")
    with op.batch_alter_table("suppression") as batch:
        batch.add_column(sa.Column("pattern", sa.String(length=600), nullable=True))
        batch.add_column(sa.Column("site_id", sa.Integer(), nullable=True))
        batch.create_index("ix_suppression_pattern", ["pattern"], sqlite_where=partial, postgresql_where=partial)
        batch.create_foreign_key(op.f("fk_suppression_site_id_site"), "site", ["site_id"], ["id"], ondelete="CASCADE")
        batch.drop_constraint(op.f("ck_suppression_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_suppression_kind"), KINDS)
    _guard(blankable=True)


def downgrade() -> None:
    _guard(blankable=False)
    # The former version knows neither hosts nor patterns nor sites.
    op.execute("DELETE FROM suppression WHERE kind IN ('host', 'pattern') OR site_id IS NOT NULL")
    with op.batch_alter_table("suppression") as batch:
        batch.drop_constraint(op.f("ck_suppression_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_suppression_kind"), FORMER_KINDS)
        batch.drop_constraint(op.f("fk_suppression_site_id_site"), type_="foreignkey")
        batch.drop_index("ix_suppression_pattern")
        batch.drop_column("site_id")
        batch.drop_column("pattern")
    op.drop_table("suppression_removal")
    op.drop_table("sealed_secret")
    op.drop_table("installation")
    op.drop_table("erasure")
