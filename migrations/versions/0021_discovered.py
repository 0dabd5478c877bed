"""When an acquisition was discovered: how long it waits is measured from there.

Revision: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("acquisition", sa.Column("discovered", sa.DateTime(timezone=True), nullable=True))
    # What nobody has tried yet was written last when it was found; of the others it is not known any more.
    op.execute("UPDATE acquisition SET discovered = updated WHERE state = 'discovered' AND attempts = 0")


def downgrade() -> None:
    op.drop_column("acquisition", "discovered")
