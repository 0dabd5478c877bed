"""Deliveries of every message to every channel, and silences. What was in the outbox before counts as planned.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _deliveries()
    op.create_table(
        "silence",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("region", sa.String(200), nullable=True),
        _time("start"),
        _time("until"),
        sa.Column("geometry", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        _time("at"),
        _time("ended", nullable=True),
    )
    op.create_index("ix_silence_until", "silence", ["until"])
    op.add_column("outbox", _time("planned", nullable=True))
    # There were no channels: nobody who adds one now wants years of history.
    op.execute(sa.text("UPDATE outbox SET planned = created"))
    op.drop_index("ix_outbox_delivered", "outbox")
    op.drop_column("outbox", "delivered")
    op.create_index("ix_outbox_planned", "outbox", ["planned"])


def downgrade() -> None:
    op.drop_index("ix_outbox_planned", "outbox")
    op.add_column("outbox", _time("delivered", nullable=True))
    op.drop_column("outbox", "planned")
    op.create_index("ix_outbox_delivered", "outbox", ["delivered"])
    op.drop_table("silence")
    op.drop_table("delivery")


def _deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("idempotency_key", sa.String(250), nullable=False),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("event_id", sa.String(200), sa.ForeignKey("event.id"), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(200), nullable=False),
        sa.Column("storm", sa.String(200), nullable=False),
        sa.Column("tier", sa.String(200), nullable=False),
        sa.Column("state", sa.String(200), nullable=False),
        _time("due_since"),
        _time("not_before", nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("last_try", nullable=True),
        _time("failing_since", nullable=True),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        _time("delivered", nullable=True),
        sa.Column("message_id", sa.String(500), nullable=True),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        _time("lease_until", nullable=True),
    )
    op.create_index("uq_delivery", "delivery", ["channel", "idempotency_key"], unique=True)
    op.create_index("ix_delivery_queue", "delivery", ["channel", "state", "event_id", "sequence"])
    due = sa.text("state = 'due'")
    op.create_index("ix_delivery_due", "delivery", ["channel", "id"], sqlite_where=due, postgresql_where=due)
    op.create_index("ix_delivery_delivered", "delivery", ["channel", "delivered"])


def _time(name: str, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
