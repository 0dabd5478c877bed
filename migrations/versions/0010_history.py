"""What was too old for alerts when it arrived, how far back a region was searched, and what was taken back.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("acquisition", sa.Column("history", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("evidence", sa.Column("withdrawn", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "searched",
        sa.Column("region", sa.String(200), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("searched")
    op.drop_column("evidence", "withdrawn")
    op.drop_column("acquisition", "history")
