"""`python -m bench [--accounts N] [--crm NAME] [--companies N] [NAME ...]`: runs the named
benchmarks, or all, and prints one JSON line each. The numbers make the CRM benchmarks larger or
smaller."""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys

from jobs.telemetry import configure_logging

NAMES = (
    "ingress",
    "event_to_task",
    "idle_lanes",
    "memory",
    "crm_calls",
    "crm_burst",
    "mapping_filter",
)

if __name__ == "__main__":
    configure_logging("ERROR")
    # Whoever ends a benchmark ends its servers and workers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--accounts", type=int, metavar="N", help="of crm_calls")
    parser.add_argument("--crm", metavar="NAME", help="of crm_calls: one CRM instead of each")
    parser.add_argument("--companies", type=int, metavar="N", help="of crm_burst")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    wanted = {
        "crm_calls": {"accounts": given.accounts, "crm": given.crm},
        "crm_burst": {"companies": given.companies},
    }
    for name in given.names or NAMES:
        options = {key: value for key, value in wanted.get(name, {}).items() if value is not None}
        print(json.dumps(importlib.import_module(f"bench.{name}").run(**options)), flush=True)
