"""A message is believed only with HubSpot's v3 signature, over the configured address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hubspot.utils.signature import Signature

from connectors.hubspot import signals
from connectors.hubspot.webhook import LARGEST, decoded, signature_of, verify
from connectors.kit.signature import SignatureRefused
from domain.ids import Ref
from domain.ports import Incoming

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URL = "https://www.example.com/webhook_uri"
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
EVENT = {
    "eventId": 3944863255,
    "subscriptionId": 7662269,
    "portalId": 62515,
    "appId": 8111832,
    "occurredAt": 1_795_183_200_000,
    "subscriptionType": "object.propertyChange",
    "attemptNumber": 0,
    "objectId": 9001,
    "objectTypeId": "0-2",
    "propertyName": "billing_resolution_status",
    "propertyValue": "in_resolution",
    "changeSource": "CRM_UI",
    "sourceId": "userId:98499705",
}
BODY = json.dumps([EVENT]).encode()


def stamp(moment: datetime = NOW) -> str:
    return str(int(moment.timestamp() * 1000))


def signed(body: bytes, *, at: datetime = NOW, secret: str = SECRET, url: str = URL) -> str:
    return signature_of(secret, method="POST", url=url, body=body, timestamp=stamp(at))


def verified(body: bytes = BODY, **changes: object) -> list[Incoming]:
    known: dict[str, object] = {
        "signature": signed(body),
        "timestamp": stamp(),
        "secrets": [SECRET],
        "url": URL,
        "now": NOW,
        "portal_id": "62515",
    }
    return verify(body, **{**known, **changes})  # type: ignore[arg-type]


def reason(body: bytes = BODY, **changes: object) -> str:
    with pytest.raises(SignatureRefused) as refused:
        verified(body, **changes)
    return refused.value.reason


def test_the_signature_is_the_published_one() -> None:
    made = signature_of(
        SECRET,
        method="POST",
        url=URL,
        body=b"{'example_field':'example_value'}",
        timestamp="1693657560000",
    )
    assert made == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="


@pytest.mark.parametrize("body", ["[]", '[{"name":"Jörg 🦊 שלום"}]'])
def test_the_signature_is_the_one_that_the_vendors_library_makes(body: str) -> None:
    theirs = Signature.get_signature(
        SECRET,
        body,
        "v3",
        http_uri=URL,
        http_method="POST",
        timestamp="1693657560000",
    )
    ours = signature_of(
        SECRET, method="POST", url=URL, body=body.encode(), timestamp="1693657560000"
    )
    assert ours == theirs


def test_twelve_signs_of_the_address_are_decoded_and_no_other() -> None:
    coded = "https://x.example/a%3Ab%2Fc%3fd%40%21%24%27%28%29%2A%2C%3B?q=%20%26%3D%25"
    assert decoded(coded) == "https://x.example/a:b/c?d@!$'()*,;?q=%20%26%3D%25"


def test_a_coded_address_proves_what_the_decoded_one_signed() -> None:
    coded, plain = "https://x.example/hooks/a%3Ab", "https://x.example/hooks/a:b"
    text = f"POST{plain}".encode() + BODY + stamp().encode()
    made = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
    assert len(verified(signature=made, url=coded)) == 1


def test_an_event_is_kept_as_it_came() -> None:
    [incoming] = verified()
    assert (incoming.source, incoming.topic, json.loads(incoming.body), incoming.problem) == (
        "hubspot",
        "object.propertyChange",
        EVENT,
        None,
    )


def test_a_second_attempt_in_another_order_is_the_same_events() -> None:
    other = {**EVENT, "objectId": 9002}
    first = json.dumps([EVENT, other]).encode()
    again = json.dumps([{**other, "attemptNumber": 3}, {**EVENT, "attemptNumber": 3}]).encode()
    one, two = (verified(body, signature=signed(body)) for body in (first, again))
    assert {event.key for event in one} == {event.key for event in two}
    assert len(one) == len(two) == 2


def test_an_event_that_stands_twice_in_a_message_is_one() -> None:
    body = json.dumps([EVENT, {**EVENT, "attemptNumber": 1}]).encode()
    assert len(verified(body, signature=signed(body))) == 1


def test_another_value_is_another_message() -> None:
    other = json.dumps([{**EVENT, "propertyValue": "released"}]).encode()
    [one], [two] = verified(), verified(other)
    assert one.key != two.key


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signature": None}, "missing"),
        ({"signature": ""}, "missing"),
        ({"timestamp": None}, "missing"),
        ({"signature": "guess"}, "mismatch"),
        ({"signature": "gu\u00e9ss\udcff"}, "mismatch"),
        ({"secrets": []}, "mismatch"),
        ({"secrets": [""]}, "mismatch"),
        ({"secrets": ["another"]}, "mismatch"),
        ({"url": "https://elsewhere.example/webhook_uri"}, "mismatch"),
        ({"method": "PUT"}, "mismatch"),
        ({"timestamp": "yesterday"}, "malformed"),
        ({"timestamp": "9" * 40}, "malformed"),
        ({"timestamp": "\u0661\u0662\u0663"}, "malformed"),
    ],
)
def test_what_is_not_proven_is_refused(changes: dict[str, object], why: str) -> None:
    assert reason(BODY, **changes) == why


@pytest.mark.parametrize(
    ("minutes", "why"), [(-6, "stale"), (6, "future"), (-60 * 24 * 365 * 100, "stale")]
)
def test_a_stamp_beyond_five_minutes_is_refused_on_both_sides(minutes: int, why: str) -> None:
    at = NOW + timedelta(minutes=max(minutes, -60 * 24 * 365 * 50))
    assert reason(signature=signed(BODY, at=at), timestamp=stamp(at)) == why


@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_stamp_within_five_minutes_is_taken(minutes: int) -> None:
    at = NOW + timedelta(minutes=minutes)
    assert len(verified(signature=signed(BODY, at=at), timestamp=stamp(at))) == 1


def test_two_secrets_are_valid_while_one_is_replaced() -> None:
    assert len(verified(secrets=["the-new-one", SECRET])) == 1


def test_a_body_over_the_limit_is_refused() -> None:
    body = b"x" * (LARGEST + 1)
    assert reason(body, signature=signed(body)) == "malformed"


@pytest.mark.parametrize("kind", [None, "", 7, ["x"]])
def test_an_event_without_a_kind_goes_to_quarantine_and_its_neighbours_do_not(
    kind: object,
) -> None:
    body = json.dumps([{**EVENT, "subscriptionType": kind}, EVENT]).encode()
    found = verified(body, signature=signed(body))
    assert [one.problem for one in found] == ["the event does not say what happened", None]


def test_events_of_another_portal_are_accepted_and_not_kept() -> None:
    body = json.dumps([{**EVENT, "portalId": 1}]).encode()
    assert verified(body, signature=signed(body)) == []


def test_of_a_mixed_message_only_our_portals_events_are_kept() -> None:
    body = json.dumps([{**EVENT, "portalId": 1}, EVENT]).encode()
    [incoming] = verified(body, signature=signed(body))
    assert json.loads(incoming.body) == EVENT


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"[1]", b"{", b'"x"', b"[" * 5000])
def test_an_authentic_message_that_is_no_list_of_events_goes_to_quarantine(body: bytes) -> None:
    [incoming] = verified(body, signature=signed(body))
    assert incoming.problem == "the message is no list of events"


# ---------------------------------------------------------------- what a message hints at


def refs(*events: object) -> list[Ref]:
    return [hint.ref for hint in signals.hints(json.dumps(list(events)).encode())]


COMPANY = Ref("hubspot", "account", "9001")


@pytest.mark.parametrize(
    "event",
    [
        EVENT,
        {**EVENT, "subscriptionType": "company.propertyChange", "objectTypeId": None},
        {"eventType": "company.deletion", "objectId": 9001},
        {**EVENT, "changeSource": "INTEGRATION", "sourceId": "8111832"},
    ],
)
def test_both_dialects_and_every_source_hint_at_the_company(event: object) -> None:
    assert refs(event) == [COMPANY]


def test_a_merge_hints_at_every_company_that_it_names() -> None:
    event = {
        "subscriptionType": "company.merge",
        "objectId": 3,
        "primaryObjectId": 1,
        "mergedObjectIds": [1, 2],
        "newObjectId": 3,
        "numberOfPropertiesMoved": 4,
    }
    assert {ref.id for ref in refs(event)} == {"1", "2", "3"}


def test_an_association_change_hints_at_the_company_and_the_task() -> None:
    event = {
        "subscriptionType": "company.associationChange",
        "associationType": "COMPANY_TO_TASK",
        "fromObjectId": 9001,
        "toObjectId": 77,
        "associationRemoved": False,
    }
    assert refs(event) == [COMPANY, Ref("hubspot", "task", "77")]


def test_other_kinds_of_records_hint_at_nothing() -> None:
    assert refs({**EVENT, "objectTypeId": "0-1"}, {**EVENT, "objectTypeId": "2-99"}) == []


def test_duplicates_and_wrong_order_are_one_hint_of_the_oldest() -> None:
    older = {**EVENT, "occurredAt": 1_795_183_100_000}
    [hint] = signals.hints(json.dumps([EVENT, older, EVENT]).encode())
    assert hint.at == datetime.fromtimestamp(1_795_183_100, UTC)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b"[1]",
        b"[{}]",
        b'[{"subscriptionType":"company.creation","objectId":"x"}]',
        b"[" * 100_000,
    ],
)
def test_an_unreadable_stored_message_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any text will do, quarantine shows the body
        signals.hints(body)


def test_a_hundred_events_with_the_longest_texts_are_let_in() -> None:
    """An event carries the new value: a reason of 64 kB is one of our own properties."""
    events = [{**EVENT, "eventId": number, "propertyValue": "x" * 65_536} for number in range(100)]
    body = json.dumps(events).encode()
    assert len(verified(body, signature=signed(body))) == 100
