"""Add the indexes of the reports and of the search."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# On PostgreSQL a beginning of a text is found by an index only in this order; it serves equality, too.
_PREFIX = "text_pattern_ops"


def upgrade() -> None:
    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index("ix_inbound_prospect_id")
        batch_op.create_index("ix_inbound_prospect_id", ["prospect_id", "kind"], unique=False)

    with op.batch_alter_table("outbound", schema=None) as batch_op:
        batch_op.drop_index("ix_outbound_prospect_id")
        batch_op.create_index("ix_outbound_prospect_id", ["prospect_id", "kind", "state", "sent_at"], unique=False)
        batch_op.create_index(
            "ix_outbound_sent",
            ["state", "kind", "sent_at", "prospect_id", "mailbox_id", "sequence_run_id", "site_id"],
            unique=False,
        )

    with op.batch_alter_table("pitch", schema=None) as batch_op:
        batch_op.create_index("ix_pitch_approved", ["state", "approved_at", "prospect_id"], unique=False)

    with op.batch_alter_table("stage_event", schema=None) as batch_op:
        batch_op.create_index("ix_stage_event_event", ["event", "at"], unique=False)

    with op.batch_alter_table("prospect", schema=None) as batch_op:
        batch_op.drop_index("ix_prospect_domain")
        batch_op.create_index("ix_prospect_domain", ["domain", "id"], unique=False, postgresql_ops={"domain": _PREFIX})

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index("ix_contact_email")
        batch_op.create_index("ix_contact_email", ["email"], unique=False, postgresql_ops={"email": _PREFIX})
        batch_op.create_index("ix_contact_name", ["name"], unique=False, postgresql_ops={"name": _PREFIX})

    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.create_index("ix_link_state", ["state", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.drop_index("ix_link_state")

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index("ix_contact_name")
        batch_op.drop_index("ix_contact_email")
        batch_op.create_index("ix_contact_email", ["email"], unique=False)

    with op.batch_alter_table("prospect", schema=None) as batch_op:
        batch_op.drop_index("ix_prospect_domain")
        batch_op.create_index("ix_prospect_domain", ["domain"], unique=False)

    with op.batch_alter_table("stage_event", schema=None) as batch_op:
        batch_op.drop_index("ix_stage_event_event")

    with op.batch_alter_table("pitch", schema=None) as batch_op:
        batch_op.drop_index("ix_pitch_approved")

    with op.batch_alter_table("outbound", schema=None) as batch_op:
        batch_op.drop_index("ix_outbound_sent")
        batch_op.drop_index("ix_outbound_prospect_id")
        batch_op.create_index("ix_outbound_prospect_id", ["prospect_id"], unique=False)

    with op.batch_alter_table("inbound", schema=None) as batch_op:
        batch_op.drop_index("ix_inbound_prospect_id")
        batch_op.create_index("ix_inbound_prospect_id", ["prospect_id"], unique=False)
