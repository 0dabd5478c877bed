"""Channels with how far each has been told; messages about no alert; escalations; recipients that took a message.

Revision: 0014
"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)
_FORGOTTEN_AFTER = timedelta(days=30)


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
    op.execute(f"UPDATE outbox SET planned = created WHERE id <= {_told_to_all()}")
    op.create_index("ix_outbox_planned", "outbox", ["planned"])
    op.drop_table("channel")


def _told_to_all() -> int:
    """Up to which message every channel was told; 0: there are none.

    What only some were told is planned for all of them again: keys keep it from being sent twice. Left out are channels
    that no process had for a month before the last one was seen (they would begin anew), and, where there are others,
    the one that stands for nobody.
    """
    channel = sa.table("channel", sa.column("name"), sa.column("seen", _TIME), sa.column("planned", _ID))
    rows = op.get_bind().execute(sa.select(channel.c.name, channel.c.seen, channel.c.planned)).all()
    rows = [row for row in rows if row.name] or rows
    last = max((row.seen for row in rows), default=None)
    return min((row.planned for row in rows if last - row.seen <= _FORGOTTEN_AFTER), default=0)


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
