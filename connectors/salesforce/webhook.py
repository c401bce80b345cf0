"""Proves that a message came from the org, and takes it apart. Only ids in it are believed."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.kit.signature import SignatureRefused
from connectors.salesforce import ids
from domain.ports import Incoming

LARGEST = 256 * 1024
"""A hundred notifications of our few fields fit many times; a bomb does not."""
_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_PARENTS = ("AccountId", "WhatId")
"""Where a task says which account it belongs to."""

ACKNOWLEDGEMENT = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


def acknowledgement() -> bytes:
    """The answer to an outbound message, given after it is stored; content type `text/xml`.

    # VENDOR: a 200 without it means that the message is sent again for a day (SOAP API Developer
    # Guide, Outbound Messaging).
    """
    return ACKNOWLEDGEMENT


def verify(
    body: bytes,
    *,
    path_secret: str,
    expected_secrets: Sequence[str],
    organization_id: str,
) -> list[Incoming]:
    """The notifications of an outbound message, one `Incoming` each under its notification id.

    # VENDOR: outbound messages carry no signature (SOAP API Developer Guide, Outbound Messaging):
    # the proof is a secret in the address, over TLS, and the org's id in the body.

    Several secrets may be valid while one is being replaced. The values in the message are the
    record's latest state, not the change, and are dropped: only ids are kept. Raises
    `SignatureRefused`; a single unreadable notification goes to quarantine as its own `problem`.
    """
    _compare(path_secret, expected_secrets)
    root = _parsed(body)
    envelope = root.find(f"{_SOAP}Body/{_OUTBOUND}notifications")
    if root.tag != f"{_SOAP}Envelope" or envelope is None:
        raise SignatureRefused("malformed", "the message is no outbound message")
    _compare_org(envelope.findtext(f"{_OUTBOUND}OrganizationId") or "", organization_id)
    notifications = envelope.findall(f"{_OUTBOUND}Notification")
    if not notifications:
        raise SignatureRefused("malformed", "the message has no notification")
    return [_incoming(one) for one in notifications]


def verify_flow(
    body: bytes,
    *,
    api_key: str,
    expected_keys: Sequence[str],
    organization_id: str,
) -> list[Incoming]:
    """The change in the JSON of a Flow callout, which proves itself by a key in a header.

    The body is `{"organization_id", "event_id", "object", "id"}`, for a task also `"account_id"`.
    Raises `SignatureRefused`.
    """
    _compare(api_key, expected_keys)
    if len(body) > LARGEST:
        raise SignatureRefused("malformed", "the message is too large")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise SignatureRefused("malformed", "the message is no JSON object")
    _compare_org(str(said.get("organization_id") or ""), organization_id)
    event, entity = str(said.get("event_id") or ""), str(said.get("object") or "")
    parents = {"account": said["account_id"]} if said.get("account_id") else {}
    return [_stored("flow", event, entity, str(said.get("id") or ""), parents)]


def _incoming(notification: Element) -> Incoming:
    event = notification.findtext(f"{_OUTBOUND}Id") or ""
    record = notification.find(f"{_OUTBOUND}sObject")
    values = {
        _local(child.tag): child.text or "" for child in (record if record is not None else ())
    }
    entity = (record.get(_TYPE, "") if record is not None else "").rpartition(":")[2]
    parent = next((values[name] for name in _PARENTS if values.get(name)), None)
    return _stored(
        "outbound", event, entity, values.get("Id", ""), {"account": parent} if parent else {}
    )


def _stored(kind: str, event: str, entity: str, record: str, more: Mapping[str, Any]) -> Incoming:
    kept = {"kind": kind, "event": event, "object": entity, "id": record, **more}
    try:
        ids.to_18(record)
        problem = None if event and entity else "the notification has no id or no object"
    except ValueError:
        problem = "the notification names no record"
    return Incoming(
        source=ids.SYSTEM,
        key=f"{kind}:{event}",
        topic=f"{kind}.{entity or 'unknown'}",
        body=json.dumps(kept, sort_keys=True).encode(),
        problem=problem,
    )


def _parsed(body: bytes) -> Element:
    if len(body) > LARGEST:
        raise SignatureRefused("malformed", "the message is too large")
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise SignatureRefused("malformed", "the message defines entities") from None
    except (ParseError, ValueError, LookupError):
        raise SignatureRefused("malformed", "the message is no XML") from None
    return root


def _compare(given: str, expected: Sequence[str]) -> None:
    if not given:
        raise SignatureRefused("missing", "the message carries no secret")
    matches = [
        hmac.compare_digest(given.encode(), one.encode()) for one in expected if len(one) > 0
    ]
    if not any(matches):
        raise SignatureRefused("mismatch", "the message carries a wrong secret")


def _compare_org(given: str, expected: str) -> None:
    # VENDOR: the id comes with 15 or with 18 characters, by the age of the feature that sends it.
    if len(expected) < 15 or not hmac.compare_digest(given[:15].encode(), expected[:15].encode()):
        raise SignatureRefused("mismatch", "the message comes from another org")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
