"""Messages of the org are proven before they are stored, and only hint."""

from __future__ import annotations

import json

import pytest

from connectors.kit.signature import SignatureRefused
from connectors.salesforce import signals
from connectors.salesforce.webhook import LARGEST, acknowledgement, verify, verify_flow
from domain.ids import Ref
from domain.ports import Hint, Incoming

ORG = "00DhG00000jeMwmUAE"
ACCOUNT = "001D000000IqhSLIAZ"
SECRET = "a-long-secret"


def notification(number: int, fields: str, kind: str = "Account") -> str:
    return (
        f"<Notification><Id>04l00000000000{number}AAA</Id>"
        f'<sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"{fields}</sObject></Notification>"
    )


def envelope(*notifications: str, org: str = ORG, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{org}</OrganizationId><ActionId>04k000000000001AAA</ActionId>"
        '<SessionId xsi:nil="true"/><EnterpriseUrl>x</EnterpriseUrl><PartnerUrl>x</PartnerUrl>'
        f"{''.join(notifications)}</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def verified(body: bytes, **changes: object) -> list[Incoming]:
    known: dict[str, object] = {
        "path_secret": SECRET,
        "expected_secrets": [SECRET],
        "organization_id": ORG,
    }
    return verify(body, **{**known, **changes})  # type: ignore[arg-type]


ONE = envelope(
    notification(1, f"<sf:Id>{ACCOUNT}</sf:Id><sf:Dunning_Status__c>X</sf:Dunning_Status__c>")
)


def reason(body: bytes, **changes: object) -> str:
    with pytest.raises(SignatureRefused) as refused:
        verified(body, **changes)
    return refused.value.reason


@pytest.mark.req("R4", partly="the edge stores them; a gap change event is not offered")
def test_three_notifications_are_three_messages_under_their_own_ids() -> None:
    body = envelope(*(notification(n, f"<sf:Id>{ACCOUNT}</sf:Id>") for n in (1, 2, 3)))
    assert [one.key for one in verified(body)] == [
        "outbound:04l000000000001AAA",
        "outbound:04l000000000002AAA",
        "outbound:04l000000000003AAA",
    ]


def test_a_replay_has_the_same_keys_and_bodies() -> None:
    assert verified(ONE) == verified(ONE)


def test_values_of_the_record_are_not_kept() -> None:
    kept = json.loads(verified(ONE)[0].body)
    assert kept == {
        "kind": "outbound",
        "event": "04l000000000001AAA",
        "object": "Account",
        "id": ACCOUNT,
    }


def test_the_acknowledgement_says_true() -> None:
    assert b"<Ack>true</Ack>" in acknowledgement()


def test_fifteen_characters_name_the_same_org() -> None:
    assert len(verified(ONE, organization_id=ORG[:15])) == 1


def test_another_org_is_refused() -> None:
    assert reason(ONE, organization_id="00DxX00000000009UAA") == "mismatch"


def test_a_configuration_without_org_refuses_everything() -> None:
    assert reason(ONE, organization_id="") == "mismatch"


def test_an_entity_bomb_is_refused_before_it_grows() -> None:
    bomb = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    assert reason(envelope(notification(1, "<sf:Id>&b;</sf:Id>"), before=bomb)) == "malformed"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a",
        b"{}",
        b"<a/>",
        envelope(),
        b"x" * (LARGEST + 1),
        b"\xff\xfe<",
        b"<?xml encoding='x'",
    ],
)
def test_what_is_no_outbound_message_is_refused(body: bytes) -> None:
    assert reason(body) == "malformed"


def test_an_authentic_notification_without_a_record_goes_to_quarantine() -> None:
    [incoming] = verified(envelope(notification(1, "")))
    assert incoming.problem == "the notification names no record"


def test_an_account_message_hints_at_the_account() -> None:
    assert signals.hints(verified(ONE)[0].body) == [
        Hint(
            ref=Ref("salesforce", "account", ACCOUNT),
            topic="account.changed",
            event_id="outbound:04l000000000001AAA",
        )
    ]


def test_a_task_message_hints_at_the_account_of_the_task() -> None:
    fields = f"<sf:Id>00TD000000IqhSL</sf:Id><sf:WhatId>{ACCOUNT}</sf:WhatId>"
    [incoming] = verified(envelope(notification(1, fields, kind="Task")))
    [hint] = signals.hints(incoming.body)
    assert (hint.ref, hint.topic) == (Ref("salesforce", "account", ACCOUNT), "task.changed")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"kind":"outbound","event":"1"}'])
def test_an_unreadable_stored_message_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any text will do, quarantine shows the body
        signals.hints(body)


FLOW = {"organization_id": ORG, "event_id": "e-1", "object": "Account", "id": ACCOUNT}


def from_flow(said: object, key: str = SECRET) -> list[Incoming]:
    return verify_flow(
        json.dumps(said).encode(), api_key=key, expected_keys=[SECRET], organization_id=ORG
    )


def test_a_flow_callout_is_one_message() -> None:
    [incoming] = from_flow(FLOW)
    assert (incoming.key, incoming.topic, incoming.problem) == ("flow:e-1", "flow.Account", None)


def test_a_flow_callout_about_a_task_hints_at_the_account_that_it_names() -> None:
    [incoming] = from_flow(
        {**FLOW, "object": "Task", "id": "00TD000000IqhSL", "account_id": ACCOUNT}
    )
    assert signals.hints(incoming.body)[0].ref == Ref("salesforce", "account", ACCOUNT)


def test_a_flow_callout_with_a_wrong_key_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        from_flow(FLOW, key="guess")


@pytest.mark.parametrize("said", [[], 1, None, {}, {**FLOW, "organization_id": "00Dx"}])
def test_a_flow_callout_in_another_form_is_refused(said: object) -> None:
    with pytest.raises(SignatureRefused):
        from_flow(said)
