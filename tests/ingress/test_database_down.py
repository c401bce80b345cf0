"""What was answered with yes is kept; what could not be kept is answered with "send it again"."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from store.migrate import upgrade
from tests.crashes.engines import KeptEngines
from tests.ingress.door import Door
from tests.ingress.letters import ACCOUNT, callout, event, outbound

PATIENCE = 30.0


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[KeptEngines]:
    """A PostgreSQL of its own, to be killed."""
    with KeptEngines(tmp_path, with_valkey=False) as made:
        upgrade(made.database_url)
        yield made


@pytest.fixture
def door(servers: KeptEngines) -> Iterator[Door]:
    with Door(servers.database_url) as made:
        yield made


def test_without_a_database_every_door_says_503_and_a_later_delivery_is_kept_once(
    servers: KeptEngines, door: Door
) -> None:
    assert door.stripe(event("invoice.paid", id="evt_before")).status_code == 200
    servers.postgres.kill()

    refused = [
        door.stripe(event("invoice.paid", id="evt_during")),
        door.outbound(outbound({"04l1": ACCOUNT})),
        door.flow(callout()),
        requests.get(f"http://127.0.0.1:{door.port}/healthz", timeout=20),
    ]
    servers.postgres.start()
    _sent_until_taken(door, event("invoice.paid", id="evt_during"))
    again = [
        door.stripe(event("invoice.paid", id="evt_before")),
        door.outbound(outbound({"04l1": ACCOUNT})),
        door.flow(callout()),
    ]

    assert [one.status_code for one in refused] == [503] * 4
    assert "<Ack>true</Ack>" not in refused[1].text
    assert [one.status_code for one in again] == [200] * 3
    assert sorted(door.rows()) == [
        ("evt_before", "new", None),
        ("evt_during", "new", None),
        ("flow:flow-1", "new", None),
        ("outbound:04l1", "new", None),
    ]


def _sent_until_taken(door: Door, body: bytes) -> int:
    """Deliver as a vendor does: again until it is taken. How often it took."""
    for attempt in range(1, 100):
        if door.stripe(body).status_code == 200:
            return attempt
    raise AssertionError("it was never taken")


def test_the_first_delivery_after_the_database_came_back_needs_at_most_one_more(
    servers: KeptEngines, door: Door
) -> None:
    assert door.stripe(event("invoice.paid", id="evt_1")).status_code == 200
    servers.postgres.kill()
    servers.postgres.start()

    assert _sent_until_taken(door, event("invoice.paid", id="evt_2")) <= 2


@pytest.mark.timeout(100)
def test_a_database_killed_under_load_has_every_event_that_was_answered_with_yes(
    servers: KeptEngines, door: Door
) -> None:
    under_way = threading.Event()
    taken: set[str] = set()
    refused: set[str] = set()

    def deliver(number: int) -> None:
        key = f"evt_{number:04}"
        status = door.stripe(event("invoice.paid", id=key)).status_code
        (taken if status == 200 else refused).add(key)
        if len(taken) > 100:
            under_way.set()

    with ThreadPoolExecutor(8) as pool:
        deliveries = pool.map(deliver, range(600))
        assert under_way.wait(PATIENCE)
        servers.postgres.kill()
        servers.postgres.start()
        list(deliveries)

    kept = {key for key, _, _ in door.rows()}
    assert taken <= kept
    assert refused, "the database was not missed by anybody"
    for key in refused:
        _sent_until_taken(door, event("invoice.paid", id=key))
    assert [key for key, _, _ in sorted(door.rows())] == [f"evt_{n:04}" for n in range(600)]
