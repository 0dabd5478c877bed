"""How the catalogs of each region did, and the newest audit, exercise and engine.

Revision: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "region_poll",
        sa.Column("region", sa.String(200), primary_key=True),
        sa.Column("answered", _TIME, nullable=True),
        sa.Column("fallback", sa.Text(), nullable=False, server_default=""),
        sa.Column("fallback_since", _TIME, nullable=True),
        sa.Column("fallback_reason", sa.Text(), nullable=False, server_default=""),
    )
    op.create_table(
        "report",
        sa.Column("kind", sa.String(200), primary_key=True),
        sa.Column("subject", sa.String(200), primary_key=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("body", _JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("report")
    op.drop_table("region_poll")
