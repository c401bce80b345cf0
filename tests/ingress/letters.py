"""What vendors post: signed events, outbound messages and Flow callouts, made by hand.

The signatures are computed here from the vendors' documents and share no code with the product.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

SECRET = "whsec_of_the_tests"
OLD_SECRET = "whsec_before_the_rotation"
PATH_SECRET = "path-secret-of-the-tests"
FLOW_KEY = "flow-key-of-the-tests"
ORGANIZATION = "00D5g000004ABCDEAQ"
ACCOUNT = "0015g00000XyZaBAAV"


def event(
    topic: str,
    *,
    id: str = "evt_1",
    customer: str | None = "cus_1",
    made: datetime | None = None,
    **fields: Any,
) -> bytes:
    """An event about one object of a customer, as Stripe posts it."""
    kind = topic.rpartition(".")[0].rpartition(".")[2] or "invoice"
    subject: dict[str, Any] = {"id": f"{kind}_1", "object": kind, **fields}
    if customer is not None:
        subject["id" if kind == "customer" else "customer"] = customer
    return json.dumps(
        {
            "id": id,
            "object": "event",
            "type": topic,
            "api_version": "2026-10-28.clover",
            "created": int(made.timestamp()) if made else 1_795_172_400,
            "livemode": False,
            "data": {"object": subject},
        }
    ).encode()


def signed(body: bytes, at: datetime, *, secrets: Sequence[str] = (SECRET,)) -> dict[str, str]:
    """The headers of a delivery signed at that time by each of the secrets."""
    stamp = int(at.timestamp())
    proofs = [
        hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        for secret in secrets
    ]
    return {
        "Content-Type": "application/json",
        "Stripe-Signature": ",".join([f"t={stamp}", *(f"v1={one}" for one in proofs)]),
    }


def outbound(
    notifications: Mapping[str, str], *, organization: str = ORGANIZATION, preamble: str = ""
) -> bytes:
    """An outbound message with notification ids and the account that each is about."""
    rows = "".join(
        f"<Notification><Id>{notification}</Id>"
        '<sObject xsi:type="sf:Account" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{account}</sf:Id><sf:Dunning_Status__c>In Resolution</sf:Dunning_Status__c>"
        "</sObject></Notification>"
        for notification, account in notifications.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{preamble}'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organization}</OrganizationId><ActionId>04k5g0000000001AAA</ActionId>"
        f'<SessionId xsi:nil="true"/>{rows}</notifications></soapenv:Body></soapenv:Envelope>'
    ).encode()


def callout(
    *, event_id: str = "flow-1", record: str = ACCOUNT, organization: str = ORGANIZATION
) -> bytes:
    """A Flow's HTTP callout about one account."""
    return json.dumps(
        {
            "organization_id": organization,
            "event_id": event_id,
            "object": "Account",
            "id": record,
        }
    ).encode()
