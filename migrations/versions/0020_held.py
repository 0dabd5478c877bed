"""What a silence keeps back is told when it ends. What earlier silences kept back waits for them, too.

Revision: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SET = sa.text("held_by IS NOT NULL")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("held_by", _ID, nullable=True))
    op.create_index("ix_delivery_held", "delivery", ["held_by"], sqlite_where=_SET, postgresql_where=_SET)
    op.execute(
        "UPDATE delivery SET state = 'held', held_by = CAST(substr(reason, 10) AS INTEGER) "
        "WHERE state = 'suppressed' AND reason LIKE 'silenced:%'"
    )


def downgrade() -> None:
    op.execute("UPDATE delivery SET state = 'suppressed' WHERE state = 'held'")
    op.drop_index("ix_delivery_held", "delivery")
    op.drop_column("delivery", "held_by")
