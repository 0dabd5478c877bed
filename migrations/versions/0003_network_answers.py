"""Whether the network spoke of a tile that was looked at, or why not.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of what was looked at before it is not known.
    op.add_column("observation", sa.Column("network", sa.String(200), nullable=True))


def downgrade() -> None:
    op.drop_column("observation", "network")
