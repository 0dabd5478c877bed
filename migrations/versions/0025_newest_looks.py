"""The newest looks of every tile in one row; what is not there yet is asked of the history, and comes with new looks.

Revision: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "newest_looks",
        sa.Column("tile", sa.String(200), primary_key=True),
        sa.Column("comparable", sa.String(200), primary_key=True),
        sa.Column("looks", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("newest_looks")
