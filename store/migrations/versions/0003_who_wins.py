"""Who wins: what both sides last agreed on, and the values that lost"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CUSTOMER_KEYS = sa.text("kind = 'write_customer'")


def upgrade() -> None:
    op.create_table(
        "agreed",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("asks", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_agreed_account_id")),
        sa.PrimaryKeyConstraint("system", "record", name=op.f("pk_agreed")),
    )
    op.create_index("ix_agreed_account", "agreed", ["account_id"])
    op.create_index("ix_agreed_asks", "agreed", ["account_id"], postgresql_where=sa.text("asks"))
    op.create_index("ix_effects_customer_key", "effects", ["key"], postgresql_where=CUSTOMER_KEYS)
    op.add_column("written", sa.Column("wins", sa.Text(), nullable=True))
    op.add_column(
        "written",
        sa.Column("replaced", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )


def downgrade() -> None:
    op.drop_column("written", "replaced")
    op.drop_column("written", "wins")
    op.drop_index("ix_effects_customer_key", "effects", postgresql_where=CUSTOMER_KEYS)
    op.drop_index("ix_agreed_asks", "agreed", postgresql_where=sa.text("asks"))
    op.drop_index("ix_agreed_account", "agreed")
    op.drop_table("agreed")
