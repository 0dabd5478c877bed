"""Events that people declare.

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "declaration",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("region", sa.String(200), nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("until", time, nullable=False),
        sa.Column("geometry", sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rate_factor", sa.Double(), nullable=False),
        sa.Column("size_factor", sa.Double(), nullable=False),
        sa.Column("storm", sa.String(200), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("declared", time, nullable=False),
        sa.Column("ended", time),
        sa.Column("ended_by", sa.String(200)),
    )
    op.create_index("uq_declaration_storm", "declaration", ["storm"], unique=True)
    op.create_index("ix_declaration_region", "declaration", ["region"])


def downgrade() -> None:
    op.drop_table("declaration")
