"""What was sent of an alert is found by the alert: whether nobody has answered is asked every few seconds.

Revision: 0018
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_delivery_event", "delivery", ["event_id"])


def downgrade() -> None:
    op.drop_index("ix_delivery_event", "delivery")
