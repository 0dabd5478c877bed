"""From which height up the ground of an event changed alike.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("alike_from_m", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("event", "alike_from_m")
