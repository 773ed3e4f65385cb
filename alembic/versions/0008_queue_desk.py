"""Add the queue's leases, decisions, pins and kept texts, and the settings of people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_setting",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("density", sa.String(length=16), nullable=False),
        sa.Column("single_keys", sa.Boolean(), nullable=False),
        sa.Column("undo_seconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_user_setting_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_setting")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("prospect_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('approve', 'skip', 'snooze', 'pass', 'class', 'won', 'lost')", name=op.f("ck_decision_kind")
        ),
        sa.ForeignKeyConstraint(
            ["prospect_id"], ["prospect.id"], name=op.f("fk_decision_prospect_id_prospect"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_decision_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("ix_decision_prospect_id", ["prospect_id", "user_id"], unique=False)
        batch_op.create_index("ix_decision_user_id", ["user_id", "id"], unique=False)

    op.create_table(
        "domain_lease",
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("prospect_id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("holder_name", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("soft", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("taken_from", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["prospect_id"], ["prospect.id"], name=op.f("fk_domain_lease_prospect_id_prospect"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_domain_lease")),
    )
    with op.batch_alter_table("domain_lease", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_domain_lease_prospect_id"), ["prospect_id"], unique=False)

    op.create_table(
        "queue_pin",
        sa.Column("prospect_id", sa.Integer(), nullable=False),
        sa.Column("pinned_by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["prospect_id"], ["prospect.id"], name=op.f("fk_queue_pin_prospect_id_prospect"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("prospect_id", name=op.f("pk_queue_pin")),
    )
    op.create_table(
        "kept_text",
        sa.Column("prospect_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("pitch_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body_text", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["pitch_id"], ["pitch.id"], name=op.f("fk_kept_text_pitch_id_pitch"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["prospect_id"], ["prospect.id"], name=op.f("fk_kept_text_prospect_id_prospect"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["app_user.id"], name=op.f("fk_kept_text_user_id_app_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("prospect_id", "user_id", name=op.f("pk_kept_text")),
    )
    with op.batch_alter_table("prospect", schema=None) as batch_op:
        batch_op.create_index(
            "ix_prospect_site_waiting",
            ["site_id", "rank_key", "id"],
            unique=False,
            sqlite_where=sa.text("(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"),
            postgresql_where=sa.text(
                "(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"
            ),
        )
        batch_op.create_index(
            "ix_prospect_waiting",
            ["rank_key", "id"],
            unique=False,
            sqlite_where=sa.text("(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"),
            postgresql_where=sa.text(
                "(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"
            ),
        )


def downgrade() -> None:
    with op.batch_alter_table("prospect", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_prospect_waiting",
            sqlite_where=sa.text("(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"),
            postgresql_where=sa.text(
                "(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"
            ),
        )
        batch_op.drop_index(
            "ix_prospect_site_waiting",
            sqlite_where=sa.text("(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"),
            postgresql_where=sa.text(
                "(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"
            ),
        )

    op.drop_table("kept_text")
    op.drop_table("queue_pin")
    with op.batch_alter_table("domain_lease", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_domain_lease_prospect_id"))

    op.drop_table("domain_lease")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_user_id")
        batch_op.drop_index("ix_decision_prospect_id")

    op.drop_table("decision")
    op.drop_table("user_setting")
