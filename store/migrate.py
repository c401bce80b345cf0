"""Bring a database up to the newest schema."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

LOCK = 7_203_118
"""Advisory lock number of the migration: two processes that start together must not both
migrate."""


def upgrade(url: str) -> None:
    """Apply every missing migration to the database at this SQLAlchemy URL. A second call does
    nothing."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
