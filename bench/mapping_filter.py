"""How long a list of 200 mapped fields takes to be filtered in the console, as a person waits for
it: from the request to the last byte of the page."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from bench.places import servers
from console.app import Console
from jobs.runtime import Runtime
from mappings.mapping_file import default_mapping_text
from ops.edge import listen
from settings import SalesforceSettings, Settings

ROWS = 200
LOOKS = 100
LIMIT_MS = 100
TOKEN = "the-token-of-the-benchmark"
WORDS = ("field_19", "stripe", "nothing has this word", "worker", "quiet")
"""One row, some, none, most, and a word of the descriptions."""


def run() -> dict[str, Any]:
    """Filter the list by several words in turn; the first look reads and checks the text too."""
    with servers() as both:
        runtime = Runtime(
            Settings(
                _env_file=None,
                salesforce=SalesforceSettings(instance_url="https://bench.my.salesforce.com"),
            ),
            database_url=both.database_url,
            redis_url=both.redis_url,
        )
        runtime.actions.apply_config("mapping:salesforce", _text(), by="bench", note="200 fields")
        with _served(runtime) as address, httpx.Client(base_url=address) as browser:
            browser.post("/login", data={"name": "bench", "token": TOKEN})
            first, _ = _look(browser, WORDS[0])
            found = [_look(browser, WORDS[number % len(WORDS)]) for number in range(LOOKS)]
            whole, size = _look(browser, "")
        runtime.close()
    taken = sorted(one for one, _ in found)
    return {
        "bench": "mapping_filter",
        "rows": ROWS,
        "first_ms": first,
        "median_ms": round(statistics.median(taken), 1),
        "p95_ms": taken[int(0.95 * len(taken))],
        "unfiltered_ms": whole,
        "unfiltered_kb": round(size / 1024),
        "limit_ms": LIMIT_MS,
        "within": taken[int(0.95 * len(taken))] <= LIMIT_MS,
    }


def _look(browser: httpx.Client, word: str) -> tuple[float, int]:
    started = time.perf_counter()
    answer = browser.get("/mappings/salesforce", params={"q": word})
    answer.raise_for_status()
    return round(1000 * (time.perf_counter() - started), 1), len(answer.content)


def _text() -> str:
    """The shipped mapping with constants until it has 200 rows."""
    text = default_mapping_text("salesforce")
    missing = ROWS - text.count("theirs:")
    more = "".join(
        f"  - {{constant: word {number}, flow: ->, theirs: Field_{number}__c, wins: worker}}\n"
        for number in range(missing)
    )
    head, gap, tail = text.partition("\n# Who gets the work")
    return f"{head}{more}{gap}{tail}"


@contextmanager
def _served(runtime: Runtime) -> Iterator[str]:
    bound = listen("127.0.0.1", 0)
    console = Console(runtime, token=TOKEN)
    server = uvicorn.Server(uvicorn.Config(console.app(), log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        console.close()
