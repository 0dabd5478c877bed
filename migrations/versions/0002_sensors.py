"""Comparability classes, evidence of other sensors, and which sensor counts on which tile and date.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NEWEST_FIRST = [sa.text("sensing_time DESC"), sa.text("acquisition_key DESC")]


def upgrade() -> None:
    # What there is of looks was made by optics.
    for table in ("observation", "reference", "event"):
        op.add_column(table, sa.Column("comparable", sa.String(200), nullable=False, server_default="optical"))
    op.add_column("event", sa.Column("foreign_ha", sa.Double(), nullable=False, server_default=sa.text("0")))
    op.add_column("evidence", sa.Column("of_record", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.drop_index("ix_observation_looks", "observation")
    op.create_index("ix_observation_looks", "observation", ["tile", "comparable", "model_version", *_NEWEST_FIRST])
    op.create_table(
        "choice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("region", sa.String(200), nullable=False),
        sa.Column("tile", sa.String(200), nullable=False),
        sa.Column("acquisition_key", sa.String(200), nullable=False),
        sa.Column("acquisition_version", sa.String(200), nullable=False),
        sa.Column("sensing_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sensor", sa.String(200), nullable=False),
        sa.Column("clear_fraction", sa.Double(), nullable=False),
        sa.Column("record", sa.String(200), nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
    )
    unique = ["region", "acquisition_key", "acquisition_version", "tile"]
    op.create_index("uq_choice", "choice", unique, unique=True)
    op.create_index("ix_choice_newest", "choice", ["region", "sensor", "sensing_time"])


def downgrade() -> None:
    op.drop_table("choice")
    op.drop_index("ix_observation_looks", "observation")
    op.create_index("ix_observation_looks", "observation", ["tile", "sensor", "model_version", *_NEWEST_FIRST])
    op.drop_column("event", "foreign_ha")
    op.drop_column("evidence", "of_record")
    for table in ("event", "reference", "observation"):
        op.drop_column(table, "comparable")
