"""How much was made within an hour, for the blast breaker"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_effects_made", "effects", ["kind", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_effects_made", "effects")
