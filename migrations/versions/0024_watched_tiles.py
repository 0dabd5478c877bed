"""Where the tiles of each watched region lie, for who draws maps of what the database tells of them.

Revision: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watched_tile",
        sa.Column("region", sa.String(200), primary_key=True),
        sa.Column("tile", sa.String(200), primary_key=True),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("watched_tile")
