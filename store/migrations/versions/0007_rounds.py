"""How often an effect was answered with a failure or sent again by a person"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("effects", sa.Column("round", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("effects", "round")
