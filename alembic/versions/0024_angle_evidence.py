"""Angle evidence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "angle_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prospect_id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=True),
        sa.Column("linked_state", sa.String(length=32), nullable=True),
        sa.Column("linked", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("linked_note", sa.String(), nullable=True),
        sa.Column("coverage_state", sa.String(length=32), nullable=True),
        sa.Column("coverage", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("coverage_note", sa.String(), nullable=True),
        sa.Column("pages", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("dns_unknown_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "coverage_state IN ('fact', 'no-fact', 'could-not-check')", name=op.f("ck_angle_evidence_coverage_state")
        ),
        sa.CheckConstraint(
            "linked_state IN ('fact', 'no-fact', 'could-not-check')", name=op.f("ck_angle_evidence_linked_state")
        ),
        sa.ForeignKeyConstraint(
            ["page_id"], ["page.id"], name=op.f("fk_angle_evidence_page_id_page"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["prospect_id"], ["prospect.id"], name=op.f("fk_angle_evidence_prospect_id_prospect"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_angle_evidence")),
        sa.UniqueConstraint("prospect_id", name=op.f("uq_angle_evidence_prospect_id")),
    )
    with op.batch_alter_table("angle_evidence", schema=None) as batch_op:
        batch_op.create_index("ix_angle_evidence_due_at", ["due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("angle_evidence", schema=None) as batch_op:
        batch_op.drop_index("ix_angle_evidence_due_at")

    op.drop_table("angle_evidence")
