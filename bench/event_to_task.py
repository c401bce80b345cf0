"""From the webhook to the visible task on an idle system with real queues and worker processes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

from bench.places import servers
from bench.stage import Stage, staged

FAILURES = 40


def run() -> dict[str, Any]:
    """Fail one VIP payment after the other; each waits for the one before to be done with."""
    with (
        servers() as both,
        tempfile.TemporaryDirectory() as place,
        staged(both, Path(place), workers=True) as stage,
    ):
        _one(stage, 0)
        spans = [_one(stage, number) for number in range(1, FAILURES + 1)]
        steps = _steps(stage)
    spans.sort()
    calls = Counter(f"stripe {one.method} {_shape(one.path)}" for one in stage.stripe.requests)
    calls += Counter(f"salesforce {one.method} {_shape(one.path)}" for one in stage.org.requests)
    handled = FAILURES + 1
    return {
        "bench": "event_to_task",
        "failures": FAILURES,
        "p50_ms": round(statistics.median(spans) * 1000, 1),
        "p95_ms": round(spans[int(len(spans) * 0.95) - 1] * 1000, 1),
        "max_ms": round(spans[-1] * 1000, 1),
        "aim_p95_ms": 1000,
        "steps_ms": steps,
        "calls_per_failure": {
            name: round(count / handled, 2) for name, count in sorted(calls.items())
        },
    }


def _one(stage: Stage, number: int) -> float:
    """Seconds from the moment in which Stripe posts the failure to the task in the CRM."""
    customer, account = stage.vip(number)
    stage.fail()
    started = time.perf_counter()
    stage.stripe.postman.flush()
    deadline = started + 30
    while time.perf_counter() < deadline:
        if any(row.get("WhatId") == account for row in stage.org.rows("Task")):
            took = time.perf_counter() - started
            stage.wait_idle()
            return took
        time.sleep(0.002)
    raise RuntimeError(f"no task for {customer} within 30 seconds")


def _steps(stage: Stage) -> dict[str, float]:
    """Median milliseconds between the steps, from the rows' own times (simulated time at rate
    1)."""
    with psycopg.connect(stage.database_url.replace("+psycopg", ""), autocommit=True) as look:
        rows = look.execute(
            """
            SELECT min(i.received_at), min(i.done_at), min(e.created_at), min(e.done_at)
            FROM effects e JOIN inbox i ON i.account_id = e.account_id
              AND i.topic = 'invoice.payment_failed'
            WHERE e.kind = 'keep_task' AND e.state = 'done' GROUP BY e.account_id
            """
        ).fetchall()
    names = ("stored_to_taken_in", "taken_in_to_decided", "decided_to_in_crm")
    spans = [
        [(row[place + 1] - row[place]).total_seconds() * 1000 for row in rows] for place in range(3)
    ]
    return {
        name: round(statistics.median(span), 1) for name, span in zip(names, spans, strict=True)
    }


def _shape(path: str) -> str:
    """The path with ids left out."""
    kept = [
        part if not any(sign.isdigit() for sign in part) or part.startswith("v") else "{id}"
        for part in path.split("?")[0].split("/")
    ]
    return "/".join(kept)
