"""Channels with how far each has been told; messages about no alert; escalations; recipients that took a message.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "channel",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("seen", _TIME, nullable=False),
        sa.Column("planned", _ID, nullable=False),
    )
    _enter_channels()
    op.drop_index("ix_outbox_planned", "outbox")
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("kind", sa.String(200), nullable=False, server_default="alert"))
        table.alter_column("event_id", existing_type=sa.String(200), nullable=True)
        table.drop_column("planned")
    op.create_index("ix_outbox_kind", "outbox", ["kind", "id"])
    with op.batch_alter_table("delivery") as table:
        table.add_column(sa.Column("kind", sa.String(200), nullable=False, server_default="alert"))
        table.alter_column("event_id", existing_type=sa.String(200), nullable=True)
        table.add_column(sa.Column("escalation", sa.String(200), nullable=True))
        table.add_column(sa.Column("escalation_since", _TIME, nullable=True))
        table.add_column(sa.Column("taken", sa.Text(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM delivery WHERE event_id IS NULL")
    op.execute("DELETE FROM outbox WHERE event_id IS NULL")
    with op.batch_alter_table("delivery") as table:
        for name in ("taken", "escalation_since", "escalation", "kind"):
            table.drop_column(name)
        table.alter_column("event_id", existing_type=sa.String(200), nullable=False)
    op.drop_index("ix_outbox_kind", "outbox")
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("planned", _TIME, nullable=True))
        table.alter_column("event_id", existing_type=sa.String(200), nullable=False)
        table.drop_column("kind")
    # Told to nobody yet is what no channel was told up to.
    told = "SELECT COALESCE(MAX(planned), 0) FROM channel"
    op.execute(f"UPDATE outbox SET planned = created WHERE id <= ({told})")
    op.create_index("ix_outbox_planned", "outbox", ["planned"])
    op.drop_table("channel")


def _enter_channels() -> None:
    """Every channel that ever had a message was told up to the newest message of which it was said who hears it.

    A row without a name stands for nobody.
    """
    told = "SELECT COALESCE(MAX(id), 0) FROM outbox WHERE planned IS NOT NULL"
    op.execute(
        "INSERT INTO channel (name, since, seen, planned) "
        f"SELECT channel, MIN(due_since), CURRENT_TIMESTAMP, ({told}) FROM delivery GROUP BY channel"
    )
    op.execute(
        "INSERT INTO channel (name, since, seen, planned) "
        f"SELECT '', first, CURRENT_TIMESTAMP, ({told}) FROM "
        "(SELECT MIN(created) AS first FROM outbox WHERE planned IS NOT NULL) AS told WHERE first IS NOT NULL"
    )
