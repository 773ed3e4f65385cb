"""Remember the messages that a server cannot give."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_ASIDE = "unfetched:aside"
_TABLES = (
    ("folder", "id", "generation", "next_uid"),
    ("unfetched", "folder_id", "generation", "uid", "inbound_id"),
    ("inbound", "id", "rule"),
)


def upgrade() -> None:
    op.create_table(
        "unfetched",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("inbound_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folder.id"], name=op.f("fk_unfetched_folder_id_folder"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["inbound_id"], ["inbound.id"], name=op.f("fk_unfetched_inbound_id_inbound")),
        sa.PrimaryKeyConstraint("folder_id", "generation", "uid", name=op.f("pk_unfetched")),
    )
    with op.batch_alter_table("unfetched", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unfetched_inbound_id"), ["inbound_id"], unique=False)


def downgrade() -> None:
    # The code before asks for each message until it comes: the cursor goes back before what was put aside, and nothing stands
    # for it. Its pauses go with it, because without the message nobody could end them; what a person has said stays.
    folder, unfetched, inbound = (sa.table(name, *map(sa.column, columns)) for name, *columns in _TABLES)
    lowest = (
        sa.select(sa.func.min(unfetched.c.uid))
        .where(
            unfetched.c.folder_id == folder.c.id,
            unfetched.c.generation == folder.c.generation,
            unfetched.c.inbound_id.is_not(None),
        )
        .scalar_subquery()
    )
    op.execute(folder.update().where(lowest < folder.c.next_uid).values(next_uid=lowest))
    aside = sa.select(unfetched.c.inbound_id).where(unfetched.c.inbound_id.is_not(None))
    op.execute(inbound.update().where(inbound.c.id.in_(aside)).values(rule=_ASIDE))
    gone = sa.select(inbound.c.id).where(inbound.c.rule == _ASIDE)
    event = sa.table("blocking_event", sa.column("inbound_id"), sa.column("kind"))
    op.execute(event.delete().where(event.c.kind == "possible_reply", event.c.inbound_id.in_(gone)))
    op.execute(event.update().where(event.c.inbound_id.in_(gone)).values(inbound_id=None))
    for name in ("inbound_location", "triage"):
        of = sa.table(name, sa.column("inbound_id"))
        op.execute(of.delete().where(of.c.inbound_id.in_(gone)))
    with op.batch_alter_table("unfetched", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unfetched_inbound_id"))

    op.drop_table("unfetched")
    op.execute(inbound.delete().where(inbound.c.rule == _ASIDE))
