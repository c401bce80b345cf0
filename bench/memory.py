"""What a worker weighs: import time of the entry points, and resident memory after many cases."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

CASES = 1000


def run() -> dict[str, Any]:
    """Import times in fresh processes (best of 3), and a worker's memory over evaluated
    accounts."""
    from bench import idle_lanes

    before = _resident()
    idle_lanes.run()
    after_some = _resident()
    for _ in range(CASES // idle_lanes.ACCOUNTS - 1):
        idle_lanes.run()
    return {
        "bench": "memory",
        "import_worker_s": _import("worker"),
        "import_job_process_s": _import("jobs.process"),
        "import_edge_s": _import("ops.edge"),
        "resident_mb_before": before,
        "resident_mb_after_accounts": {idle_lanes.ACCOUNTS: after_some, CASES: _resident()},
    }


def _import(module: str) -> float:
    best = 99.0
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
        best = min(best, time.perf_counter() - started)
    return round(best, 3)


def _resident() -> float:
    with open("/proc/self/statm") as statm:
        return round(int(statm.read().split()[1]) * 4096 / 1_048_576, 1)
