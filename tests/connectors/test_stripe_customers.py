"""What is sent to a customer: only what differs, and nothing lost beside it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.stripe.connector import StripeConnector
from domain.errors import Bug, Rejected
from domain.ports import CustomerChange, CustomerReceipt
from tests.connectors.stripe_stage import ScriptedStripe, connect, customer, refusal

READ, WRITE = "GET /v1/customers/cus_1", "POST /v1/customers/cus_1"
ADDRESS = {"line1": "1 Main St", "city": "Leeds", "postal_code": "LS1", "country": "GB"}


@pytest.fixture
def scripted() -> ScriptedStripe:
    return ScriptedStripe()


@pytest.fixture
def connector(scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch) -> StripeConnector:
    return connect(scripted, monkeypatch)


def change(values: dict[str, str | None], **found: str | None) -> CustomerChange:
    return CustomerChange(
        customer="cus_1", values=values, expected=dict.fromkeys(values) | found, key="k"
    )


def stripe_has(scripted: ScriptedStripe, before: dict[str, Any], after: dict[str, Any]) -> None:
    """The customer as it is read first, and as it is read back."""
    scripted.on(READ, customer(id="cus_1", **before), customer(id="cus_1", **after))
    scripted.on(WRITE, customer(id="cus_1", **after))


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"account.tier": "Gold"}, {"metadata[kidglove_tier]": "Gold"}),
        ({"customer.phone": "+1"}, {"phone": "+1"}),
        (
            {"customer.email": "ap@example.com", "account.vip": "Always"},
            {"email": "ap@example.com", "metadata[kidglove_vip]": "Always"},
        ),
        (
            {"customer.address.city": "York"},
            {
                "address[line1]": "1 Main St",
                "address[city]": "York",
                "address[postal_code]": "LS1",
                "address[country]": "GB",
            },
        ),
    ],
)
def test_each_name_has_its_place_and_the_rest_of_an_address_travels_along(
    connector: StripeConnector,
    scripted: ScriptedStripe,
    values: dict[str, str | None],
    sent: dict[str, str],
) -> None:
    before = {"address": ADDRESS, "email": None, "phone": None, "metadata": {"other": "stays"}}
    stripe_has(scripted, before, before)

    connector.write_customers([change(values, **{"customer.address.city": "Leeds"})])

    (call,) = scripted.sent_to(WRITE)
    assert (call.params, call.headers["Idempotency-Key"]) == (sent, "k")


def test_only_what_differs_is_sent_and_what_stands_there_is_said(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    before = {"phone": "+1", "metadata": {"kidglove_tier": "Gold", "theirs": "x"}}
    after = {"phone": "+1", "metadata": {"theirs": "x"}}
    stripe_has(scripted, before, after)

    (said,) = connector.write_customers(
        [change({"customer.phone": "+1", "account.tier": None}, **{"account.tier": "Gold"})]
    )

    assert [call.params for call in scripted.sent_to(WRITE)] == [{"metadata[kidglove_tier]": ""}]
    assert said == CustomerReceipt(
        now={"customer.phone": "+1", "account.tier": None},
        fields={"customer.phone": "phone", "account.tier": "metadata.kidglove_tier"},
        was_written=True,
    )


def test_a_value_that_stripe_refuses_is_said_in_its_words(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ, customer(id="cus_1", email=None))
    scripted.on(WRITE, refusal(400, message="Invalid email address: ap"))

    (said,) = connector.write_customers([change({"customer.email": "ap"})])

    assert isinstance(said, Rejected)


def test_a_name_without_a_place_is_our_mistake_and_nothing_is_called(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    (said,) = connector.write_customers([change({"payment.status": "paid"})])

    assert isinstance(said, Bug)
    assert scripted.sent == []
