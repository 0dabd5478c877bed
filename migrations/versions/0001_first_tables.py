"""First tables: ledger, history of the tiles, events, outbox.

Revision: 0001
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _name(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(200), nullable=nullable)


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _integer(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _number(name: str, nullable: bool = True) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _time(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False)


def _event_id() -> sa.Column[str]:
    return sa.Column("event_id", sa.String(200), sa.ForeignKey("event.id"), nullable=False)


def upgrade() -> None:
    _ledger()
    _history()
    _event()
    _of_events()
    _outbox()


def _ledger() -> None:
    op.create_table(
        "acquisition",
        _id(),
        _name("region"),
        _name("key"),
        _name("version"),
        _name("state"),
        _name("sensor"),
        _name("platform"),
        _integer("relative_orbit", nullable=True),
        _time("sensing_time"),
        _json("items"),
        _name("reason", nullable=True),
        _text("detail", nullable=True),
        _integer("attempts"),
        _time("not_before", nullable=True),
        _name("lease_owner", nullable=True),
        _time("lease_until", nullable=True),
        _time("updated"),
    )
    op.create_index("uq_acquisition", "acquisition", ["region", "key", "version"], unique=True)
    op.create_index("ix_acquisition_queue", "acquisition", ["region", "state", "sensing_time"])
    op.create_table(
        "rejection",
        _id(),
        _name("region"),
        _text("item"),
        _name("reason"),
        _text("detail"),
        _time("first_seen"),
        _time("last_seen"),
        _integer("count"),
    )
    op.create_index("uq_rejection", "rejection", ["region", "item", "reason"], unique=True)


def _history() -> None:
    op.create_table(
        "observation",
        _id(),
        _name("tile"),
        _name("acquisition_key"),
        _name("acquisition_version"),
        _time("sensing_time"),
        _name("sensor"),
        _integer("relative_orbit", nullable=True),
        _name("model_version"),
        _number("valid_fraction", nullable=False),
        _number("cloud_fraction", nullable=False),
        _number("mean"),
        _number("p95"),
        _number("spread"),
        _number("hazard_area_ha", nullable=False),
        _text("look_href", nullable=True),
        _name("decision"),
        _number("mean_change"),
        _number("p95_change"),
        _number("hazard_change_ha"),
        _text("previous_acquisition", nullable=True),
        _integer("reference_count"),
        _number("jointly_valid_fraction", nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        _time("created"),
    )
    unique = ["acquisition_key", "acquisition_version", "model_version", "tile"]
    op.create_index("uq_observation", "observation", unique, unique=True)
    one_current = ["acquisition_key", "model_version", "tile"]
    where = sa.text("current")
    op.create_index(
        "uq_observation_current", "observation", one_current, unique=True, sqlite_where=where, postgresql_where=where
    )
    newest_first = [sa.text("sensing_time DESC"), sa.text("acquisition_key DESC")]
    op.create_index("ix_observation_looks", "observation", ["tile", "sensor", "model_version", *newest_first])


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.String(200), primary_key=True),
        _name("region"),
        _name("state"),
        _name("status"),
        _name("detector"),
        _json("geometry"),
        _number("area_ha"),
        _number("mean_change"),
        _number("strength"),
        _number("spread"),
        _number("slope_deg"),
        _name("confidence"),
        _text("confidence_reason"),
        _time("window_start"),
        _time("window_end"),
        _name("model_version"),
        _json("tiles"),
        _text("picture", nullable=True),
        _time("updated"),
    )
    op.create_index("ix_event_region", "event", ["region", "state"])


def _of_events() -> None:
    op.create_table(
        "evidence",
        _id(),
        _event_id(),
        _text("acquisition_id"),
        _time("sensing_time"),
        _name("detector"),
        _name("verdict"),
        _number("observed_fraction"),
        _number("level"),
        _number("strength"),
        _text("detail"),
    )
    op.create_index("uq_evidence", "evidence", ["event_id", "acquisition_id", "detector"], unique=True)
    op.create_table(
        "transition",
        _id(),
        _event_id(),
        _integer("sequence"),
        _time("at"),
        _name("previous", nullable=True),
        _name("state"),
        _name("reason"),
        _text("detail"),
        _text("acquisition_id", nullable=True),
        _time("created"),
    )
    op.create_index("uq_transition", "transition", ["event_id", "sequence"], unique=True)
    op.create_table("reference", _id(), _event_id(), _name("tile"), _text("acquisition_id"), _text("look_href"))
    op.create_index("uq_reference", "reference", ["event_id", "tile", "acquisition_id"], unique=True)


def _outbox() -> None:
    op.create_table(
        "outbox",
        _id(),
        sa.Column("idempotency_key", sa.String(250), nullable=False),
        _event_id(),
        _integer("sequence"),
        _json("payload"),
        _time("created"),
        _time("delivered", nullable=True),
    )
    op.create_index("uq_outbox", "outbox", ["idempotency_key"], unique=True)
    op.create_index("ix_outbox_delivered", "outbox", ["delivered"])


def downgrade() -> None:
    for table in ("outbox", "reference", "transition", "evidence", "event", "observation", "rejection", "acquisition"):
        op.drop_table(table)
