"""From the door to the effects through real queues: stored, sent, worked, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
import requests

from connectors.stripe import signals
from connectors.stripe.events import EVENTS
from domain.case import CaseState
from domain.ports import Hint
from domain.rows import EVALUATE
from jobs.runtime import Runtime
from settings import Settings
from store.migrate import upgrade
from store.unit_of_work import UnitOfWork
from tests.crashes.story import differences, outcome
from tests.ingress.door import Door
from tests.ingress.letters import event, outbound, signed
from tests.ingress.queue_run import QueueRun
from tests.jobs.lanes_work import FrozenClock
from tests.world import ORG_SECRET, World, build

# Workers use SIGALRM for their own time limit, and so does the default method of pytest-timeout.
pytestmark = pytest.mark.timeout(100, method="thread")

UNREGISTERED = "whsec_not_registered"
"""The secret that the edge of a world trusts while no endpoint is registered."""
ASKED_FOR = (
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.paid",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.updated",
    "payment_method.attached",
    "payment_method.automatically_updated",
)


@pytest.fixture
def deaf(database_url: str, redis_url: str) -> Iterator[World]:
    """A world in which no vendor posts anything by itself."""
    made = build(database_url, redis_url, hooks=False)
    yield made
    made.close()


@pytest.fixture
def engine(database_url: str, redis_url: str) -> Iterator[QueueRun]:
    """The queues alone, without any vendor."""
    runtime = Runtime(
        Settings(_env_file=None),
        database_url=database_url,
        redis_url=redis_url,
        clock=FrozenClock(),
    )
    yield QueueRun(runtime)
    runtime.close()


def failed(world: World) -> tuple[str, str, bytes]:
    """A VIP whose renewal has just failed, and the event that says so."""
    customer, account = world.vip()
    world.advance(timedelta(hours=4), settle=False)
    world.stripe.forget_requests()
    world.org.forget_requests()
    return customer, account, event("invoice.payment_failed", customer=customer)


def post(world: World, body: bytes) -> int:
    headers = signed(body, world.clock.now(), secrets=[UNREGISTERED])
    url = f"{world.edge.url}/webhooks/stripe"
    return requests.post(url, data=body, headers=headers, timeout=20).status_code


def inbox(store: UnitOfWork) -> dict[str, int]:
    with store.begin() as tx:
        return tx.inbox.counts()


def writes(world: World) -> tuple[int, int]:
    return len(world.stripe.writes()), len(world.org.writes())


# ------------------------------------------------------------ the web process only stores


@pytest.mark.req("R1")
def test_with_workers_stopped_an_event_is_one_row_and_one_job_and_nobody_is_called(
    deaf: World,
) -> None:
    engine = QueueRun(deaf.runtime)
    _, _, body = failed(deaf)

    status = post(deaf, body)
    engine.relay.tick()

    assert status == 200
    assert inbox(deaf.runtime.store) == {"new": 1}
    assert engine.queued() == [("intake", "take_in", [])]
    assert (deaf.stripe.requests, deaf.org.requests) == ([], [])


@pytest.mark.req("R1")
def test_a_burst_of_workers_has_the_effects_done_once(deaf: World) -> None:
    engine = QueueRun(deaf.runtime)
    customer, account, body = failed(deaf)
    post(deaf, body)

    engine.work_all()
    after_first = writes(deaf)
    post(deaf, body)
    engine.work_all()

    assert deaf.open_case(customer).state is CaseState.WITH_PERSON
    assert deaf.task(account)["OwnerId"] == deaf.people["csm"]
    assert inbox(deaf.runtime.store) == {"done": 1}
    assert after_first > (0, 0)
    assert writes(deaf) == after_first


# ------------------------------------------------------------ every event leads to its job


@pytest.mark.req("R2")
@pytest.mark.parametrize("topic", ASKED_FOR)
def test_an_event_leads_to_intake_and_then_to_the_judgement_of_its_customer(
    topic: str, engine: QueueRun, door: Door
) -> None:
    status = door.stripe(event(topic)).status_code
    engine.relay.tick()
    first = engine.queued()
    engine.work("intake")
    engine.relay.tick()

    assert status == 200
    assert first == [("intake", "take_in", [])]
    assert engine.queued() == [(EVALUATE, "evaluate", [[1]])]
    assert inbox(engine.runtime.store) == {"done": 1}


def test_all_events_of_the_endpoint_for_one_customer_are_one_judgement(
    engine: QueueRun, door: Door
) -> None:
    for number, topic in enumerate(EVENTS):
        assert door.stripe(event(topic, id=f"evt_{number}")).status_code == 200

    engine.relay.tick()
    engine.work("intake")
    engine.relay.tick()

    assert engine.queued() == [(EVALUATE, "evaluate", [[1]])]
    assert inbox(engine.runtime.store) == {"done": len(EVENTS)}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (event("payout.paid"), "its kind concerns nothing of ours"),
        (event("radar.early_fraud_warning.created"), "its kind concerns nothing of ours"),
        (event("invoice.paid", customer=None), "its kind concerns nothing of ours"),
    ],
)
def test_an_event_that_concerns_nobody_is_ignored_with_the_reason(
    body: bytes, reason: str, engine: QueueRun, door: Door
) -> None:
    assert door.stripe(body).status_code == 200

    engine.work_all()

    assert door.rows() == [("evt_1", "ignored", reason)]


def test_an_event_that_intake_cannot_digest_does_not_keep_the_others_out(
    engine: QueueRun, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids that no text column can hold, and a reader that fails as nobody foresaw."""
    bodies = [
        event("invoice.paid", id="evt_1"),
        event("invoice.paid", id="evt_odd_customer", customer="cus_\x00"),
        event("invoice.paid", id="evt_half_letter", customer="cus_\ud83d"),
        event("invoice.paid", id="evt_bug", customer="cus_bug"),
        event("invoice.paid", id="evt_2"),
    ]
    read = signals.hints

    def reader_with_a_bug(body: bytes) -> Sequence[Hint]:
        if b"cus_bug" in body:
            raise KeyError("customer")
        return read(body)

    monkeypatch.setattr(signals, "hints", reader_with_a_bug)
    for body in bodies:
        assert door.stripe(body).status_code == 200

    engine.relay.tick()
    engine.work("intake")

    assert door.rows() == [
        ("evt_1", "done", None),
        ("evt_odd_customer", "quarantined", "it names a record with characters that no id has"),
        ("evt_half_letter", "quarantined", "it names a record with characters that no id has"),
        ("evt_bug", "quarantined", "it cannot be read (KeyError)"),
        ("evt_2", "done", None),
    ]


# ------------------------------------------------------------ the CRM's messages


@pytest.mark.req("R4")
def test_a_message_of_three_notifications_is_three_rows_and_its_account_is_read_by_id(
    deaf: World,
) -> None:
    """What the message says of the record is not believed: here it says the opposite."""
    engine = QueueRun(deaf.runtime)
    customer, account, body = failed(deaf)
    post(deaf, body)
    engine.work_all()
    owner = deaf.people["owner"]
    strangers = [deaf.org.add_account(name, owner=owner) for name in ("Stranger", "Another")]
    deaf.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-18")
    message = outbound(
        {"04l1": account, "04l2": strangers[0], "04l3": strangers[1]},
        organization=deaf.org.organization_id,
    ).replace(b"In Resolution", b"Resolved")
    address = f"{deaf.edge.url}/webhooks/salesforce/outbound/{ORG_SECRET}"

    answers = [requests.post(address, data=message, timeout=20) for _ in range(2)]
    engine.work_all()

    assert [one.status_code for one in answers] == [200, 200]
    assert inbox(deaf.runtime.store) == {"done": 2, "ignored": 2}
    assert deaf.open_case(customer).state is CaseState.IN_RESOLUTION


# ------------------------------------------------------------ more than once


@pytest.mark.req("R17", partly="one worker per queue here; three at once in tests/crashes")
def test_each_webhook_delivered_five_times_ends_as_once_with_as_many_writes(
    world: World, empty_database_url: str, redis_url: str
) -> None:
    upgrade(empty_database_url)
    once = build(empty_database_url, redis_url)
    tell(once)
    expected, expected_writes = outcome(once), writes(once)
    once.close()
    world.runtime.redis.flushdb()
    world.stripe.postman.dial.copies = 5
    world.org.postman.dial.copies = 5

    tell(world)

    assert differences(outcome(world), expected) == []
    assert writes(world) == expected_writes


def tell(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-18")
    world.hours(1)
    invoice = world.open_case(customer).invoices[0]
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    world.hours(1)
