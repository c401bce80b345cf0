"""`python -m bench [NAME ...]`: runs the named benchmarks, or all, and prints one JSON line
each."""

from __future__ import annotations

import importlib
import json
import sys

from jobs.telemetry import configure_logging

NAMES = ("ingress", "event_to_task", "idle_lanes", "memory")

if __name__ == "__main__":
    configure_logging("ERROR")
    unknown = [name for name in sys.argv[1:] if name not in NAMES]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    for name in sys.argv[1:] or NAMES:
        print(json.dumps(importlib.import_module(f"bench.{name}").run()), flush=True)
