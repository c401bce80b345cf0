"""How often an effect was sent again; and lanes found by kind, so that none hides another"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DIRTY = sa.text("dirty_seq > done_seq")
BULK = sa.text("dirty_seq > done_seq and urgency = 9")


def upgrade() -> None:
    op.add_column("effects", sa.Column("round", sa.Integer, nullable=False, server_default="0"))
    op.create_index(
        "ix_lanes_due", "lanes", ["kind", "urgency", "dirty_at"], postgresql_where=DIRTY
    )
    op.drop_index("ix_lanes_dirty", table_name="lanes", postgresql_where=DIRTY)
    op.drop_index("ix_lanes_bulk", table_name="lanes", postgresql_where=BULK)


def downgrade() -> None:
    op.create_index("ix_lanes_bulk", "lanes", ["kind", "dirty_at"], postgresql_where=BULK)
    op.create_index("ix_lanes_dirty", "lanes", ["urgency", "dirty_at"], postgresql_where=DIRTY)
    op.drop_index("ix_lanes_due", table_name="lanes", postgresql_where=DIRTY)
    op.drop_column("effects", "round")
