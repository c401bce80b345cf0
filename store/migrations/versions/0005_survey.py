"""When an account was last seen in a list, and by what it was judged; bulk work by its kind"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BULK = sa.text("dirty_seq > done_seq and urgency = 9")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("accounts", sa.Column("judged_by", sa.Text(), nullable=True))
    op.create_index("ix_lanes_bulk", "lanes", ["kind", "dirty_at"], postgresql_where=BULK)


def downgrade() -> None:
    op.drop_index("ix_lanes_bulk", "lanes", postgresql_where=BULK)
    op.drop_column("accounts", "judged_by")
    op.drop_column("accounts", "seen_at")
