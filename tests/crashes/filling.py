"""A process that fills: it lists every customer, then judges and writes until it is killed.

`python -m tests.crashes.filling`, with the environment of the command line.
"""

from __future__ import annotations

from jobs.runtime import PAYMENTS_SYSTEM, Runtime, bulk_sizes, install
from settings import Settings
from sync.backfill import Backfill
from tests.world import InlineRelay


def main() -> None:
    """Until nothing is left."""
    settings = Settings()
    runtime = Runtime(
        settings,
        database_url=str(settings.database_url),
        redis_url=str(settings.redis_url),
    )
    install(runtime)
    Backfill(
        store=runtime.store,
        clock=runtime.clock,
        payments_system=PAYMENTS_SYSTEM,
        lists=runtime.stripe,
    ).run()
    relay = InlineRelay(
        store=runtime.store,
        connection=runtime.redis,
        clock=runtime.clock,
        resend_seconds=30,
        bulk_sizes=bulk_sizes(runtime.settings),
    )
    relay.sent = []
    while relay.tick().jobs:
        pass


if __name__ == "__main__":
    main()
