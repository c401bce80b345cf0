"""The workers alone: settings, wiring, and one RQ worker process per queue."""

from __future__ import annotations

import sys

from jobs.supervisor import run_workers
from settings import Settings

if __name__ == "__main__":
    sys.exit(run_workers(Settings(), sys.argv[1:]))
