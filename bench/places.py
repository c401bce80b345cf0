"""Fresh real servers for one benchmark, durable as in production."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.embedded import Engines, engines
from store.migrate import upgrade


@contextmanager
def servers() -> Iterator[Engines]:
    """PostgreSQL with every commit on disk, and Valkey, in a directory that is removed
    afterwards."""
    place = Path(tempfile.mkdtemp(prefix="kidglove-bench-"))
    try:
        with engines(
            database_url=None, redis_url=None, data_dir=place, die_with_parent=True
        ) as both:
            upgrade(both.database_url)
            yield both
    finally:
        shutil.rmtree(place, ignore_errors=True)
