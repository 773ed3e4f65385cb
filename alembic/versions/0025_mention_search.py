"""Mention search."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("query", sa.String(length=400), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("results", sa.Integer(), nullable=True),
        sa.Column("cost", sa.Float(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_search_request_state")),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_search_request_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_request")),
    )
    with op.batch_alter_table("search_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_search_request_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_search_request_started_at", ["started_at"], unique=False)

    op.create_table(
        "mention_candidate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prospect_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["prospect_id"], ["prospect.id"], name=op.f("fk_mention_candidate_prospect_id_prospect"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention_candidate")),
        sa.UniqueConstraint("prospect_id", "url", name=op.f("uq_mention_candidate_prospect_id_url")),
    )


def downgrade() -> None:
    op.drop_table("mention_candidate")
    with op.batch_alter_table("search_request", schema=None) as batch_op:
        batch_op.drop_index("ix_search_request_started_at")
        batch_op.drop_index(batch_op.f("ix_search_request_site_id"))

    op.drop_table("search_request")
