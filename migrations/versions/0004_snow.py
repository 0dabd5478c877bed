"""How much of a tile lay under snow.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of what was looked at before it is not known, but for tiles all white.
    op.add_column("observation", sa.Column("snow_fraction", sa.Double(), nullable=True))
    op.execute("UPDATE observation SET snow_fraction = 1.0 WHERE decision = 'snow'")


def downgrade() -> None:
    op.drop_column("observation", "snow_fraction")
