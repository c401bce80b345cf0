"""What Stripe's door lets in, what it refuses, and what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import socket
from datetime import timedelta

import pytest

from tests.ingress.door import LARGEST, NOW, Door
from tests.ingress.letters import OLD_SECRET, SECRET, event, signed

FAILED = event("invoice.payment_failed", id="evt_1")
MINUTES = timedelta(minutes=1)


# ------------------------------------------------------------ let in


def test_a_signed_event_is_kept_as_it_came(door: Door) -> None:
    answer = door.stripe(FAILED)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert door.rows() == [("evt_1", "new", None)]


@pytest.mark.req("R17", partly="the door only")
def test_the_same_event_five_times_is_one_row_and_five_times_yes(door: Door) -> None:
    answers = [door.stripe(FAILED).status_code for _ in range(5)]

    assert answers == [200] * 5
    assert door.rows() == [("evt_1", "new", None)]


def test_an_event_of_a_kind_we_do_not_know_is_kept_too(door: Door) -> None:
    assert door.stripe(event("radar.early_fraud_warning.created")).status_code == 200

    assert door.rows() == [("evt_1", "new", None)]


@pytest.mark.parametrize("age", [-4.9 * MINUTES, 4.9 * MINUTES])
def test_a_clock_that_is_a_little_off_is_forgiven(door: Door, age: timedelta) -> None:
    assert door.stripe(FAILED, age=age).status_code == 200


# ------------------------------------------------------------ rotation


def test_during_a_rotation_both_secrets_prove_a_message(database_url: str) -> None:
    with Door(database_url, stripe=[SECRET, OLD_SECRET]) as door:
        first = door.stripe(event("invoice.paid", id="evt_1"), secrets=[SECRET])
        second = door.stripe(event("invoice.paid", id="evt_2"), secrets=[OLD_SECRET])
        third = door.stripe(event("invoice.paid", id="evt_3"), secrets=[OLD_SECRET, SECRET])

    assert [one.status_code for one in (first, second, third)] == [200] * 3
    assert [key for key, _, _ in door.rows()] == ["evt_1", "evt_2", "evt_3"]


def test_after_a_rotation_the_old_secret_proves_nothing(door: Door) -> None:
    door.edge.trust_stripe([OLD_SECRET, SECRET])
    during = door.stripe(FAILED, secrets=[OLD_SECRET]).status_code
    door.edge.trust_stripe([SECRET])
    after = door.stripe(FAILED, secrets=[OLD_SECRET]).status_code

    assert (during, after) == (200, 400)


# ------------------------------------------------------------ refused, no row


@pytest.mark.req("R2", partly="refusals; what each event leads to is in test_worker_rows")
@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing"),
        ({"Stripe-Signature": ""}, "missing"),
        ({"Stripe-Signature": "nonsense"}, "malformed"),
        ({"Stripe-Signature": "t=,v1="}, "malformed"),
        ({"Stripe-Signature": "t=yesterday,v1=00"}, "malformed"),
        ({"Stripe-Signature": f"t={int(NOW.timestamp())}"}, "malformed"),
        ({"Stripe-Signature": f"t={int(NOW.timestamp())},v1=00"}, "mismatch"),
        (signed(FAILED, NOW, secrets=["whsec_of_somebody_else"]), "mismatch"),
        (signed(b"another body", NOW), "mismatch"),
        (signed(FAILED, NOW - 6 * MINUTES), "stale"),
        (signed(FAILED, NOW + 6 * MINUTES), "future"),
    ],
)
def test_what_is_not_proven_leaves_no_row(door: Door, headers: dict[str, str], reason: str) -> None:
    answer = door.post("/webhooks/stripe", FAILED, headers)

    assert answer.status_code == 400
    assert door.rows() == []
    assert [one["reason"] for one in door.said] == [reason]


def test_a_refusal_says_nothing_of_the_secret_or_the_body(door: Door) -> None:
    answer = door.post("/webhooks/stripe", FAILED, {"Stripe-Signature": "t=1,v1=00"})

    told = answer.text + json.dumps(door.said, default=str)
    assert SECRET not in told
    assert "cus_1" not in told


def test_a_truncated_body_no_longer_matches_its_signature(door: Door) -> None:
    answer = door.post("/webhooks/stripe", FAILED[:-20], signed(FAILED, NOW))

    assert answer.status_code == 400
    assert door.rows() == []


def test_without_a_secret_the_door_does_not_exist(database_url: str) -> None:
    with Door(database_url, stripe=[]) as door:
        answer = door.stripe(FAILED)

    assert answer.status_code == 404
    assert door.rows() == []


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405)])
def test_other_methods_are_refused(door: Door, method: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as line:
        line.sendall(f"{method} /webhooks/stripe HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert line.recv(100).split()[1] == str(status).encode()

    assert door.rows() == []


# ------------------------------------------------------------ too large


def test_ten_megabytes_are_refused(door: Door) -> None:
    answer = door.stripe(b"x" * 10_000_000)

    assert answer.status_code == 413
    assert door.rows() == []


def test_too_much_is_refused_before_it_is_read_to_its_end(door: Door) -> None:
    """The sender promises ten megabytes, sends a little more than the cap, and waits."""
    head = "POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as line:
        line.sendall(head.encode() + b"x" * (LARGEST + 1))
        assert line.recv(100).split()[1] == b"413"


def test_too_much_in_pieces_without_a_length_is_refused_as_well(door: Door) -> None:
    head = "POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"%x\r\n" % 10_000 + b"x" * 10_000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as line:
        line.sendall(head.encode() + piece * (LARGEST // 10_000 + 1))
        assert line.recv(100).split()[1] == b"413"


def test_a_body_of_exactly_the_cap_is_read(door: Door) -> None:
    body = event("invoice.paid", note="")
    body = event("invoice.paid", note="x" * (LARGEST - len(body)))

    assert len(body) == LARGEST
    assert door.stripe(body).status_code == 200


# ------------------------------------------------------------ proven, but not understood


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{\x80 not text}", "the body is not UTF-8"),
        (b"this is no JSON", "the body is not JSON"),
        (b"", "the body is not JSON"),
        (b"[" * 50_000, "the body is not JSON"),
        (b'["a", "list"]', "the body is no JSON object"),
        (b"7", "the body is no JSON object"),
        (b"null", "the body is no JSON object"),
        (b"{}", "the event has no id"),
        (b'{"id": 7, "type": "invoice.paid"}', "the event has no id"),
        (b'{"id": "evt_1"}', "the event has no type"),
    ],
)
def test_a_proven_body_that_nobody_can_read_is_quarantined_under_its_hash(
    door: Door, body: bytes, reason: str
) -> None:
    assert door.stripe(body).status_code == 200

    assert door.rows() == [(hashlib.sha256(body).hexdigest(), "quarantined", reason)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"id": "evt_1", "type": "invoice.paid"}', "the event carries no object"),
        (
            b'{"id": "evt_1", "type": "invoice.paid", "data": {"object": "in_1"}}',
            "the event carries no object",
        ),
        (
            b'{"id": "evt_1", "type": "v1.invoice.paid", "object": "v2.core.event"}',
            "a thin event: the endpoint must send snapshots",
        ),
    ],
)
def test_a_proven_event_without_its_object_is_quarantined_under_its_id(
    door: Door, body: bytes, reason: str
) -> None:
    assert door.stripe(body).status_code == 200

    assert door.rows() == [("evt_1", "quarantined", reason)]


def test_the_same_unreadable_body_twice_is_one_row(door: Door) -> None:
    for _ in range(2):
        assert door.stripe(b"this is no JSON").status_code == 200

    assert len(door.rows()) == 1
