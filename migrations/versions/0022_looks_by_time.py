"""Looks are found by an index of looks alone, by time whatever the model; what was seen of a tile, by its time.

On 10 million observations this takes some minutes, in which nobody else writes.

Revision: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_NEWEST_FIRST = [sa.text("sensing_time DESC"), sa.text("acquisition_key DESC")]


def upgrade() -> None:
    op.drop_index("ix_observation_looks", "observation")
    op.create_index(
        "ix_observation_looks",
        "observation",
        ["tile", "comparable", *_NEWEST_FIRST, "model_version"],
        sqlite_where=sa.text("current = 1 AND look_href IS NOT NULL"),
        postgresql_where=sa.text("current AND look_href IS NOT NULL"),
    )
    op.create_index("ix_observation_tile", "observation", ["tile", sa.text("sensing_time DESC"), sa.text("id DESC")])


def downgrade() -> None:
    op.drop_index("ix_observation_tile", "observation")
    op.drop_index("ix_observation_looks", "observation")
    op.create_index("ix_observation_looks", "observation", ["tile", "comparable", "model_version", *_NEWEST_FIRST])
