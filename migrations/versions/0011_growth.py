"""What looks added to events, what every message was made of, and lists that warnings lead.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LISTED = ["told_at", "state", "tier", "region", "released", "updated", "told_sequence"]
_RANK = (
    "(CASE WHEN tier = 'warning' THEN 0 ELSE 2e7 END + CASE WHEN detector = 'tile' THEN 1e7 ELSE 0 END "
    "- CASE WHEN strength > 1e6 THEN 1e6 WHEN strength > 0 THEN strength ELSE 0 END)"
)
"""As `core.geojson.rank` on the day of this migration."""


def upgrade() -> None:
    op.create_table(
        "growth",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("event_id", sa.String(200), sa.ForeignKey("event.id"), nullable=False),
        sa.Column("acquisition_id", sa.Text(), nullable=False),
        sa.Column("sensing_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("geometry", _JSON, nullable=False),
        sa.Column("area_ha", sa.Double(), nullable=False),
        sa.Column("foreign_ha", sa.Double(), nullable=False),
        sa.Column("mean_change", sa.Double(), nullable=True),
        sa.Column("tiles", _JSON, nullable=False),
        sa.Column("took_in", sa.Text(), nullable=False),
        sa.Column("warning", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("uq_growth", "growth", ["event_id", "acquisition_id"], unique=True)
    op.add_column("action", sa.Column("acquisition_id", sa.Text(), nullable=False, server_default=""))
    op.add_column("action", sa.Column("area_ha", sa.Double(), nullable=True))
    op.add_column("action", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("uq_action", "action")
    op.create_index("uq_action", "action", ["event_id", "at", "kind", "by", "acquisition_id"], unique=True)
    op.add_column("outbox", sa.Column("known", _JSON, nullable=True))
    op.add_column("outbox", sa.Column("rank", sa.Double(), nullable=True))
    op.add_column("event", sa.Column("took_in", sa.Text(), nullable=False, server_default=""))
    op.add_column("event", sa.Column("told_id", _ID, nullable=True))
    op.execute(
        f"UPDATE event SET rank = {_RANK}, told_id = "
        "(SELECT o.id FROM outbox o WHERE o.event_id = event.id AND o.sequence = event.told_sequence)"
    )
    op.drop_index("ix_event_rank", "event")
    op.create_index("ix_event_rank", "event", ["rank", "id", "told_id", *_LISTED])
    op.create_index("ix_event_moved", "event", ["told_id"])


def downgrade() -> None:
    op.drop_index("ix_event_moved", "event")
    op.drop_index("ix_event_rank", "event")
    op.execute("UPDATE event SET rank = coalesce(strength, 0)")
    op.create_index("ix_event_rank", "event", ["rank", "id", *_LISTED])
    op.drop_column("event", "told_id")
    op.drop_column("event", "took_in")
    op.drop_column("outbox", "rank")
    op.drop_column("outbox", "known")
    # A look may have joined an event that was joined and taken back before: one of both stays.
    op.execute("DELETE FROM action WHERE withdrawn")
    op.drop_index("uq_action", "action")
    op.create_index("uq_action", "action", ["event_id", "at", "kind", "by"], unique=True)
    for column in ("withdrawn", "area_ha", "acquisition_id"):
        op.drop_column("action", column)
    op.drop_table("growth")
