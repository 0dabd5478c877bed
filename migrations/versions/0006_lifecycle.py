"""Tiers and storms of events, how rare they are on quiet ground, and what people did with them.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("tier", sa.String(200), nullable=False, server_default="watch"))
    op.add_column("event", sa.Column("storm", sa.String(200), nullable=False, server_default=""))
    op.add_column("event", sa.Column("released", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("event", sa.Column("split_from", sa.String(200), nullable=True))
    op.add_column("evidence", sa.Column("own", sa.Boolean(), nullable=False, server_default=sa.true()))
    # Of what looks could not tell nobody knows whether they were of the event's own track: they are no doubt.
    op.execute("UPDATE evidence SET own = false WHERE verdict = 'inconclusive'")
    op.add_column("evidence", sa.Column("at_once", sa.Boolean(), nullable=True))
    for name in ("warning", "held_warning"):
        op.add_column("evidence", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("evidence", sa.Column("rate", sa.Double(), nullable=True))
    op.add_column("evidence", sa.Column("held_rate", sa.Double(), nullable=True))
    op.add_column("evidence", sa.Column("strata", sa.Text(), nullable=False, server_default=""))
    op.add_column("transition", sa.Column("by", sa.String(200), nullable=True))
    op.add_column("transition", sa.Column("tier", sa.String(200), nullable=False, server_default="watch"))
    shared = sa.Column("shared_fraction", sa.Double(), nullable=False, server_default=sa.text("0"))
    op.add_column("observation", shared)
    op.create_table(
        "action",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("event_id", sa.String(200), sa.ForeignKey("event.id"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_index("uq_action", "action", ["event_id", "at", "kind", "by"], unique=True)


def downgrade() -> None:
    op.drop_table("action")
    for table, columns in (
        ("transition", ("tier", "by")),
        ("evidence", ("strata", "held_rate", "rate", "held_warning", "warning", "at_once", "own")),
        ("observation", ("shared_fraction",)),
        ("event", ("split_from", "released", "storm", "tier")),
    ):
        for column in columns:
            op.drop_column(table, column)
