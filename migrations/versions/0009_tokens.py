"""Who may ask, and what lists of alerts are ordered by.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("uq_token_digest", "token", ["digest"], unique=True)
    op.create_index("ix_token_name", "token", ["name"])
    op.add_column("event", sa.Column("rank", sa.Double(), nullable=False, server_default=sa.text("0")))
    op.add_column("event", sa.Column("told_sequence", sa.Integer(), nullable=True))
    op.add_column("event", sa.Column("told_reason", sa.String(200), nullable=True))
    op.add_column("event", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE event SET rank = coalesce(strength, 0), "
        "told_sequence = (SELECT max(o.sequence) FROM outbox o WHERE o.event_id = event.id)"
    )
    op.execute(
        "UPDATE event SET "
        "told_at = (SELECT o.created FROM outbox o WHERE o.event_id = event.id AND o.sequence = event.told_sequence), "
        "told_reason = (SELECT t.reason FROM transition t "
        "WHERE t.event_id = event.id AND t.sequence = event.told_sequence) "
        "WHERE told_sequence IS NOT NULL"
    )
    listed = ["told_at", "state", "tier", "region", "released", "updated", "told_sequence"]
    op.create_index("ix_event_rank", "event", ["rank", "id", *listed])
    op.create_index("ix_event_told", "event", ["told_at", "state", "tier", "region", "released"])
    op.create_index("ix_event_storm", "event", ["storm"])
    op.create_index("ix_event_updated", "event", ["updated"])
    op.create_index("ix_outbox_event", "outbox", ["event_id", "sequence"])


def downgrade() -> None:
    op.drop_index("ix_outbox_event", "outbox")
    for index in ("ix_event_updated", "ix_event_storm", "ix_event_told", "ix_event_rank"):
        op.drop_index(index, "event")
    for column in ("told_at", "told_reason", "told_sequence", "rank"):
        op.drop_column("event", column)
    op.drop_table("token")
