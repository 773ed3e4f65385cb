"""Keep where a rating stands among those of its own tool, and who wrote the page; order the queue by the former."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

#: Places 11 to 14 of the key are the rating, the strongest first (`app.domain.ranking`); 9999 is unknown.
_KEY = """substr(rank_key, 1, 10) || coalesce(
    substr(CAST(11000 - CAST(round({figure} * 10) AS INTEGER) AS VARCHAR(5)), 2), '9999') || substr(rank_key, 15)"""
#: Until the next import the prospects of a site stand for all that the tool rates there. One statement: each row is written once.
_FILL = """UPDATE {table} SET authority_percentile = placed.share,
    rank_key = CASE WHEN length(rank_key) = 22 THEN {key} ELSE rank_key END FROM (
    SELECT id, CASE WHEN authority_provider IS NOT NULL THEN
        round(CAST(100.0 * (rank() OVER (PARTITION BY site_id, authority_provider ORDER BY authority) - 1
            + count(*) OVER (PARTITION BY site_id, authority_provider, authority) / 2.0)
        / count(*) OVER (PARTITION BY site_id, authority_provider) AS NUMERIC), 1) END AS share
    FROM {table} WHERE authority IS NOT NULL) placed WHERE placed.id = {table}.id"""
_BACK = "UPDATE {table} SET rank_key = {key} WHERE length(rank_key) = 22 AND authority IS NOT NULL"

#: Before, the rating itself stood there, between 0 and 100 whatever its tool's scale.
_RATING = "CASE WHEN authority < 0 THEN 0 WHEN authority > 100 THEN 100 ELSE authority END"


def upgrade() -> None:
    for table in ("prospect", "removed_gap"):
        op.add_column(table, sa.Column("authority_percentile", sa.Float(), nullable=True))
        op.execute(_FILL.format(table=table, key=_KEY.format(figure="placed.share")))
    op.add_column("prospect", sa.Column("best_page_author", sa.String(length=200), nullable=True))


def downgrade() -> None:
    for table in ("prospect", "removed_gap"):
        op.execute(_BACK.format(table=table, key=_KEY.format(figure=_RATING)))
        with op.batch_alter_table(table, schema=None) as batch:
            batch.drop_column("authority_percentile")
    with op.batch_alter_table("prospect", schema=None) as batch:
        batch.drop_column("best_page_author")
