"""`python -m bench [--accounts N] [--companies N] [NAME ...]`: runs the named benchmarks, or all,
and prints one JSON line each. The numbers make the CRM benchmarks larger or smaller."""

from __future__ import annotations

import argparse
import importlib
import json

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
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--accounts", type=int, metavar="N", help="of crm_calls")
    parser.add_argument("--companies", type=int, metavar="N", help="of crm_burst")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    sizes = {"crm_calls": given.accounts, "crm_burst": given.companies}
    for name in given.names or NAMES:
        size = [sizes[name]] if sizes.get(name) else []
        print(json.dumps(importlib.import_module(f"bench.{name}").run(*size)), flush=True)
