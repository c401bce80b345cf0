"""Events per second at the edge (prove, store durably, wake), against one bare insert per
request."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any

import psycopg

from bench.load import Measured, drive, post
from bench.places import servers

ROUNDS = 3
EVENTS = 6000
SECRET = "whsec_bench"


def run() -> dict[str, Any]:
    """Interleaved rounds of both servers on one database; the ratio is best to best."""
    with servers() as both:
        url = both.database_url
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE bench_limit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                "body bytea NOT NULL, at timestamptz NOT NULL)"
            )
            edge_rounds: list[Measured] = []
            limit_rounds: list[Measured] = []
            for number in range(ROUNDS):
                limit_rounds.append(_round("limit", url, number))
                edge_rounds.append(_round("edge", url, number))
            stored = connection.execute("SELECT count(*) FROM inbox").fetchone()
    best_edge = max(edge_rounds, key=lambda one: one.per_second)
    best_limit = max(limit_rounds, key=lambda one: one.per_second)
    return {
        "bench": "ingress",
        "connections": 16,
        "events_per_round": EVENTS,
        "body_bytes": len(_event(0, 0)),
        "edge": [vars(one) for one in edge_rounds],
        "limit": [vars(one) for one in limit_rounds],
        "stored": stored[0] if stored else 0,
        "expected": EVENTS * ROUNDS,
        "ratio": round(best_edge.per_second / best_limit.per_second, 3),
        "aim": 0.7,
    }


def _round(mode: str, url: str, number: int) -> Measured:
    port = _free_port()
    command = [sys.executable, "-m", "bench.server", mode, url, str(port)]
    process = subprocess.Popen([*command, *([SECRET] if mode == "edge" else [])])
    try:
        _wait(port)
        return drive("127.0.0.1", port, [_request(number, each) for each in range(EVENTS)])
    finally:
        process.terminate()
        process.wait()


def _event(number: int, each: int) -> bytes:
    invoice = {"id": f"in_{each}", "object": "invoice", "customer": f"cus_{each % 500}"}
    filler = {f"line_{place}": "x" * 40 for place in range(40)}
    event = {
        "id": f"evt_{number}_{each}",
        "object": "event",
        "type": "invoice.payment_failed",
        "data": {"object": {**invoice, **filler}},
    }
    return json.dumps(event).encode()


def _request(number: int, each: int) -> bytes:
    body = _event(number, each)
    stamp = int(time.time())
    signature = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return post("/webhooks/stripe", body, {"Stripe-Signature": f"t={stamp},v1={signature}"})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/nothing", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")
