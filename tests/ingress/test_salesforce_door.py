"""What the CRM's two doors let in, what they refuse, and what they leave behind."""

from __future__ import annotations

import itertools

import pytest

from tests.ingress.door import LARGEST, Door
from tests.ingress.letters import ACCOUNT, FLOW_KEY, ORGANIZATION, PATH_SECRET, callout, outbound

OTHER_ORG = "00D5g000009ZZZZEAQ"
ONE = outbound({"04l000000000001": ACCOUNT})
NESTED = "".join(
    f'<!ENTITY {name} "{f"&{inside};" * 10}">' for inside, name in itertools.pairwise("abcdefgh")
)
BOMB = f'<!DOCTYPE x [<!ENTITY a "aaaa">{NESTED}]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY h SYSTEM "file:///etc/hostname">]>'


# ------------------------------------------------------------ outbound messages


@pytest.mark.req("R4", partly="SOAP messages and replay; what they lead to is in test_worker_rows")
def test_three_notifications_in_one_envelope_are_three_rows_and_a_replay_adds_none(
    door: Door,
) -> None:
    message = outbound({f"04l00000000000{n}": ACCOUNT for n in (1, 2, 3)})

    answers = [door.outbound(message) for _ in range(2)]

    assert [one.status_code for one in answers] == [200, 200]
    assert all("<Ack>true</Ack>" in one.text for one in answers)
    assert all(one.headers["content-type"].startswith("text/xml") for one in answers)
    assert door.rows() == [(f"outbound:04l00000000000{n}", "new", None) for n in (1, 2, 3)]


def test_a_notification_without_a_record_does_not_take_its_neighbours_down(door: Door) -> None:
    answer = door.outbound(outbound({"04l1": ACCOUNT, "04l2": "", "04l3": "not an id"}))

    assert answer.status_code == 200
    assert door.rows() == [
        ("outbound:04l1", "new", None),
        ("outbound:04l2", "quarantined", "the notification names no record"),
        ("outbound:04l3", "quarantined", "the notification names no record"),
    ]


@pytest.mark.parametrize("organization", [ORGANIZATION, ORGANIZATION[:15]])
def test_the_org_is_known_by_its_short_and_its_long_id(door: Door, organization: str) -> None:
    message = outbound({"04l1": ACCOUNT}, organization=organization)

    assert door.outbound(message).status_code == 200


@pytest.mark.parametrize(
    ("message", "secret", "reason"),
    [
        (ONE, "guessed", "mismatch"),
        (ONE, PATH_SECRET[:-1], "mismatch"),
        (outbound({"04l1": ACCOUNT}, organization=OTHER_ORG), PATH_SECRET, "mismatch"),
        (outbound({"04l1": ACCOUNT}, organization=""), PATH_SECRET, "mismatch"),
        (outbound({}), PATH_SECRET, "malformed"),
        (b"", PATH_SECRET, "malformed"),
        (b"no XML at all", PATH_SECRET, "malformed"),
        (b'{"json": true}', PATH_SECRET, "malformed"),
        (ONE[:-30], PATH_SECRET, "malformed"),
        (b"\xff\xfe" + ONE, PATH_SECRET, "malformed"),
        (b"<html><body>login</body></html>", PATH_SECRET, "malformed"),
        (outbound({"04l1": ACCOUNT}, preamble=BOMB), PATH_SECRET, "malformed"),
        (outbound({"04l1": "&h;"}, preamble=OUTSIDE), PATH_SECRET, "malformed"),
    ],
    ids=[
        "guessed address",
        "address cut short",
        "another org",
        "no org",
        "no notification",
        "nothing",
        "text",
        "json",
        "truncated",
        "not UTF-8",
        "another document",
        "a bomb of entities",
        "an entity from outside",
    ],
)
def test_what_is_not_proven_or_no_message_leaves_no_row(
    door: Door, message: bytes, secret: str, reason: str
) -> None:
    answer = door.outbound(message, secret=secret)

    assert answer.status_code == 400
    assert "<Ack>true</Ack>" not in answer.text
    assert door.rows() == []
    assert [one["reason"] for one in door.said] == [reason]


def test_an_address_is_not_repeated_in_log_or_answer(door: Door) -> None:
    answer = door.outbound(ONE, secret="a-guess-of-somebody")

    assert "a-guess-of-somebody" not in answer.text + str(door.said)


def test_too_large_a_message_is_refused(door: Door) -> None:
    assert door.outbound(ONE + b" " * LARGEST).status_code == 413
    assert door.rows() == []


def test_without_a_secret_the_outbound_door_does_not_exist(database_url: str) -> None:
    with Door(database_url, paths=[]) as door:
        assert door.outbound(ONE).status_code == 404
        assert door.rows() == []


def test_both_addresses_are_open_while_one_is_being_replaced(database_url: str) -> None:
    with Door(database_url, paths=["new-address", PATH_SECRET]) as door:
        answers = [
            door.outbound(outbound({"04l1": ACCOUNT}), secret="new-address").status_code,
            door.outbound(outbound({"04l2": ACCOUNT})).status_code,
        ]

    assert answers == [200, 200]
    assert len(door.rows()) == 2


# ------------------------------------------------------------ Flow callouts


@pytest.mark.req("R4", partly="Flow callouts; what they lead to is in test_worker_rows")
def test_a_flow_callout_is_one_row_and_a_replay_adds_none(door: Door) -> None:
    answers = [door.flow(callout()) for _ in range(2)]

    assert [(one.status_code, one.json()) for one in answers] == [(200, {})] * 2
    assert door.rows() == [("flow:flow-1", "new", None)]


@pytest.mark.parametrize(
    ("body", "key", "reason"),
    [
        (callout(), "wrong", "mismatch"),
        (callout(), "", "missing"),
        (callout(organization=OTHER_ORG), FLOW_KEY, "mismatch"),
        (b"", FLOW_KEY, "malformed"),
        (b"no JSON", FLOW_KEY, "malformed"),
        (b"\xff\xfe", FLOW_KEY, "malformed"),
        (b"[]", FLOW_KEY, "malformed"),
        (b"[" * 90_000, FLOW_KEY, "malformed"),
        (b'{"organization_id": null}', FLOW_KEY, "mismatch"),
        (b'{"organization_id": {"a": 1}}', FLOW_KEY, "mismatch"),
    ],
)
def test_a_callout_that_is_not_proven_or_no_object_leaves_no_row(
    door: Door, body: bytes, key: str, reason: str
) -> None:
    answer = door.flow(body, key=key)

    assert answer.status_code == 400
    assert door.rows() == []
    assert [one["reason"] for one in door.said] == [reason]


def test_a_proven_callout_without_its_parts_is_quarantined(door: Door) -> None:
    assert door.flow(callout(record="nobody")).status_code == 200
    assert door.flow(callout(event_id="")).status_code == 200

    assert [(state, reason) for _, state, reason in door.rows()] == [
        ("quarantined", "the notification names no record"),
        ("quarantined", "the notification has no id or no object"),
    ]


def test_without_a_key_the_flow_door_does_not_exist(database_url: str) -> None:
    with Door(database_url, flow_keys=[]) as door:
        assert door.flow(callout()).status_code == 404
        assert door.rows() == []


def test_an_edge_without_an_org_believes_nobody(database_url: str) -> None:
    with Door(database_url, organization="") as door:
        answers = [door.outbound(ONE).status_code, door.flow(callout()).status_code]

    assert answers == [400, 400]
    assert door.rows() == []
