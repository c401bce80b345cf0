"""What is let in: proven, timely messages, however odd their bodies; and what they hint at."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.signature import SignatureRefused
from connectors.stripe.events import EVENTS
from connectors.stripe.signals import hints
from connectors.stripe.webhook import UNREADABLE, verify
from domain.ids import Ref
from domain.ports import Hint
from tests.connectors.stripe_stage import (
    NOW,
    Json,
    charge,
    customer,
    invoice,
    method,
    seconds,
    subscription,
)

SECRET, OTHER = "whsec_one", "whsec_two"


def event(type: str = "invoice.payment_failed", subject: Json | None = None, **over: Any) -> Json:
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": seconds("2026-11-21"),
        "type": type,
        "data": {"object": invoice() if subject is None else subject},
    } | over


BODY = json.dumps(event()).encode()


def header(
    body: bytes = BODY, *, secret: str = SECRET, at: datetime = NOW, scheme: str = "v1"
) -> str:
    stamp = int(at.timestamp())
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},{scheme}={signed}"


def refused(
    body: bytes, signature: str | None, secrets: Sequence[str] = (SECRET,), now: datetime = NOW
) -> str:
    """Why it was refused."""
    with pytest.raises(SignatureRefused) as caught:
        verify(body, signature, secrets, now=now)
    return caught.value.reason


# ---------------------------------------------------------------- proof


@pytest.mark.req("R2", partly="the jobs that follow are proven with the edge")
def test_a_proven_message_is_ready_to_store_as_it_came() -> None:
    message = verify(BODY, header(), [SECRET], now=NOW)
    assert (message.source, message.key) == ("stripe", "evt_1")
    assert (message.topic, message.body) == ("invoice.payment_failed", BODY)
    assert message.problem is None


def test_what_the_sdk_signs_we_accept() -> None:
    signed = stripe.WebhookSignature.generate_signature_header(
        BODY.decode(), SECRET, timestamp=int(NOW.timestamp())
    )
    assert verify(BODY, signed, [SECRET], now=NOW).key == "evt_1"


def test_what_we_sign_in_tests_the_sdk_accepts() -> None:
    assert stripe.WebhookSignature.verify_header(BODY, header(), SECRET)


def test_stripes_own_rotation_sends_two_signatures() -> None:
    both = f"{header(secret=OTHER)},{header().split(',')[1]}"
    assert verify(BODY, both, [SECRET], now=NOW).key == "evt_1"


@pytest.mark.req("R2", partly="that no row is stored is proven with the edge")
@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("nonsense", "malformed"),
        ("t=1795262400", "malformed"),
        ("v1=abc", "malformed"),
        ("t=soon,v1=abc", "malformed"),
        ("t=-5,v1=abc", "malformed"),
        ("t=99999999999999999999,v1=abc", "malformed"),
        ("t=٣,v1=abc", "malformed"),
        (header(secret=OTHER), "mismatch"),
        (header(scheme="v0"), "malformed"),
        (header()[:-1], "mismatch"),
        (header().upper().replace("T=", "t=").replace("V1=", "v1="), "mismatch"),
        (f"t={int(NOW.timestamp())},v1=\u00ff\ud800", "mismatch"),
    ],
)
def test_an_unproven_message_is_refused(signature: str | None, reason: str) -> None:
    assert refused(BODY, signature) == reason


def test_a_body_changed_on_the_way_is_refused() -> None:
    assert refused(BODY.replace(b"250000", b"250001"), header()) == "mismatch"


def test_a_time_changed_on_the_way_is_refused() -> None:
    later = header().replace(f"t={int(NOW.timestamp())}", f"t={int(NOW.timestamp()) + 1}")
    assert refused(BODY, later) == "mismatch"


@pytest.mark.parametrize("secrets", [[], [""], [" \t"]])
def test_without_a_secret_nothing_is_proven(secrets: list[str]) -> None:
    empty = header(secret="")
    assert refused(BODY, empty, secrets) == "mismatch"


@pytest.mark.req("R2", partly="that no row is stored is proven with the edge")
@pytest.mark.parametrize(
    ("age", "reason"),
    [(301, "stale"), (86400, "stale"), (-301, "future"), (-86400, "future")],
)
def test_a_message_far_from_now_is_refused(age: int, reason: str) -> None:
    assert refused(BODY, header(at=NOW - timedelta(seconds=age))) == reason


@pytest.mark.parametrize("age", [-300, -1, 0, 299, 300])
def test_five_minutes_either_way_are_allowed(age: int) -> None:
    old = header(at=NOW - timedelta(seconds=age))
    assert verify(BODY, old, [SECRET], now=NOW).key == "evt_1"


# ---------------------------------------------------------------- odd bodies


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not JSON"),
        (b'{"id": "evt_1", "type"', "not JSON"),
        (b'{"id": "evt_\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b"{}", "no id"),
        (b'{"id": 7, "type": "invoice.paid"}', "no id"),
        (b'{"id": "", "type": "invoice.paid"}', "no id"),
        (b'{"id": "evt_1"}', "no type"),
    ],
)
def test_a_proven_body_that_cannot_be_read_is_kept_under_its_hash(
    body: bytes, problem: str
) -> None:
    message = verify(body, header(body), [SECRET], now=NOW)
    assert message.key == hashlib.sha256(body).hexdigest()
    assert (message.topic, message.body) == (UNREADABLE, body)
    assert problem in (message.problem or "")


def test_an_id_too_long_to_be_stripes_is_kept_under_its_hash() -> None:
    body = json.dumps(event(id="e" * 300)).encode()
    assert verify(body, header(body), [SECRET], now=NOW).problem


def test_ten_megabytes_are_handled() -> None:
    body = json.dumps(event(padding="x" * 10_000_000)).encode()
    assert verify(body, header(body), [SECRET], now=NOW).key == "evt_1"


@pytest.mark.parametrize(
    ("odd", "problem"),
    [
        ({"object": "v2.core.event", "data": None}, "thin"),
        ({"data": None}, "no object"),
        ({"data": {"object": "in_1"}}, "no object"),
    ],
)
def test_an_event_without_its_object_is_kept_with_the_problem(odd: Json, problem: str) -> None:
    body = json.dumps(event(**odd)).encode()
    message = verify(body, header(body), [SECRET], now=NOW)
    assert message.key == "evt_1"
    assert problem in (message.problem or "")


@given(st.binary(max_size=300))
def test_no_proven_body_whatever_ever_breaks_the_door(body: bytes) -> None:
    assert verify(body, header(body), [SECRET], now=NOW).body == body


@given(st.text(max_size=100))
def test_no_header_whatever_ever_breaks_the_door(text: str) -> None:
    assert refused(BODY, text)


# ---------------------------------------------------------------- hints

SUBJECTS: dict[str, Json] = {
    "invoice": invoice(),
    "customer.subscription": subscription(customer="cus_1"),
    "customer": customer(),
    "payment_method": method(customer="cus_1"),
    "charge": charge(customer="cus_1"),
}


def subject_of(topic: str) -> Json:
    return SUBJECTS[topic.rpartition(".")[0]]


def hinted(topic: str, subject: Json, **over: Any) -> list[Hint]:
    return list(hints(json.dumps(event(topic, subject, **over)).encode()))


@pytest.mark.req("R2", partly="the jobs that follow are proven with the edge")
@pytest.mark.parametrize("topic", EVENTS)
def test_each_event_points_at_its_customer(topic: str) -> None:
    found = hinted(topic, subject_of(topic))
    assert [(one.ref, one.topic, one.event_id) for one in found] == [
        (Ref("stripe", "customer", "cus_1"), topic, "evt_1")
    ]
    assert found[0].at == datetime(2026, 11, 21, tzinfo=UTC)
    assert found[0].digest


def test_an_expanded_customer_is_found_too() -> None:
    assert hinted("invoice.paid", invoice(customer=customer()))[0].ref.id == "cus_1"


@pytest.mark.parametrize("topic", ["invoice.sent", "charge.refunded", "account.updated"])
def test_types_we_do_not_follow_are_kept_and_hint_at_nothing(topic: str) -> None:
    assert hinted(topic, invoice()) == []


@pytest.mark.parametrize("version", ["2020-08-27", "2025-02-24.acacia", None])
def test_bodies_of_older_versions_are_understood(version: str | None) -> None:
    old = {"id": "in_1", "object": "invoice", "customer": "cus_1", "subscription": "sub_1"}
    assert hinted("invoice.paid", old, api_version=version)[0].ref.id == "cus_1"


def test_a_customer_of_the_newer_kind_gives_no_hint() -> None:
    newer = invoice(customer=None, customer_account="acct_1")
    assert hinted("invoice.paid", newer) == []


def test_a_detached_card_tells_whose_it_was() -> None:
    details = {"object": method(customer=None), "previous_attributes": {"customer": "cus_1"}}
    found = hinted("payment_method.detached", {}, data=details)
    assert [one.ref.id for one in found] == ["cus_1"]


def test_a_card_of_nobody_gives_no_hint() -> None:
    assert hinted("payment_method.detached", method(customer=None)) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 1}', b"\xff", b"[" * 99_999])
def test_what_is_no_event_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"event|Expecting|codec"):
        hints(body)


def test_a_followed_event_without_its_object_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="no object"):
        hints(json.dumps(event(data={})).encode())


def digest(topic: str, subject: Json) -> str | None:
    return hinted(topic, subject)[0].digest


def test_the_same_state_has_one_fingerprint_whatever_event_brings_it() -> None:
    assert digest("invoice.updated", invoice()) == digest("invoice.payment_failed", invoice())


def test_a_fingerprint_names_its_object_so_that_two_invoices_do_not_hide_each_other() -> None:
    assert str(digest("invoice.updated", invoice(id="in_2"))).startswith("in_2:")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "paid"},
        {"auto_advance": False},
        {"attempt_count": 2},
        {"next_payment_attempt": None},
        {"amount_remaining": 1},
        {"metadata": {"kidglove_hold": "1"}},
        {"id": "in_2"},
    ],
)
def test_what_matters_in_an_invoice_changes_its_fingerprint(change: Json) -> None:
    assert digest("invoice.updated", invoice(**change)) != digest("invoice.updated", invoice())


@pytest.mark.parametrize(
    "change", [{"description": "x"}, {"metadata": {"other": "1"}}, {"hosted_invoice_url": "x"}]
)
def test_what_does_not_matter_leaves_it(change: Json) -> None:
    assert digest("invoice.updated", invoice(**change)) == digest("invoice.updated", invoice())


@pytest.mark.parametrize(
    ("topic", "subject", "change"),
    [
        ("customer.subscription.updated", subscription(), {"pause_collection": {"behavior": "v"}}),
        ("customer.subscription.updated", subscription(), {"status": "unpaid"}),
        ("customer.updated", customer(), {"email": "new@example.com"}),
        ("customer.updated", customer(), {"metadata": {"tier": "none"}}),
        ("payment_method.updated", method(customer="cus_1"), {"card": {"exp_year": 2031}}),
    ],
)
def test_what_matters_elsewhere_changes_the_fingerprint(
    topic: str, subject: Json, change: Json
) -> None:
    assert digest(topic, subject | change) != digest(topic, subject)


def test_a_deleted_customer_differs_from_the_same_one_alive() -> None:
    assert digest("customer.deleted", customer()) != digest("customer.updated", customer())
