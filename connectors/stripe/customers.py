"""Writes a customer's details and our notes on it, and says what stands there.

A note is a metadata key under our prefix, so that it can be told from everybody else's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.stripe import wire
from connectors.stripe.client import StripeApi
from domain.errors import Bug, Conflict, Gone, KidgloveError, RateLimited, Unauthorized
from domain.ports import CustomerChange, CustomerReceipt

PREFIX = "kidglove_"
"""Before the name of each note; a note is called `account.` on our side."""
NOTE = "account."
DETAILS: Mapping[str, str] = {
    "customer.name": "name",
    "customer.email": "email",
    "customer.phone": "phone",
    "customer.address.line1": "address.line1",
    "customer.address.line2": "address.line2",
    "customer.address.city": "address.city",
    "customer.address.state": "address.state",
    "customer.address.postal_code": "address.postal_code",
    "customer.address.country": "address.country",
}
"""Our names of what a customer has of its own, and Stripe's."""


def details(customer: wire.Customer) -> dict[str, str | None]:
    """The customer's own details, each present, and the notes of ours that there are."""
    address = customer.address or wire.Address()
    found: dict[str, str | None] = {
        ours: getattr(address if "." in theirs else customer, theirs.rpartition(".")[2]) or None
        for ours, theirs in DETAILS.items()
    }
    notes = {
        NOTE + name.removeprefix(PREFIX): said or None
        for name, said in customer.metadata.items()
        if name.startswith(PREFIX)
    }
    return found | notes


def field(name: str) -> str:
    """What Stripe calls one of our names. ValueError for a name that has no place there."""
    if name in DETAILS:
        return DETAILS[name]
    if name.startswith(NOTE) and name != NOTE:
        return f"metadata.{PREFIX}{name.removeprefix(NOTE)}"
    raise ValueError(f"{name} has no place on a Stripe customer")


class CustomerWriter:
    """Implements `WritesCustomer`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def write_customers(
        self, changes: Sequence[CustomerChange]
    ) -> Sequence[CustomerReceipt | KidgloveError]:
        """See `WritesCustomer.write_customers`. Three calls each; one if nothing differs."""
        return [self._answer(change) for change in changes]

    def _answer(self, change: CustomerChange) -> CustomerReceipt | KidgloveError:
        try:
            return self._write(change)
        except (Unauthorized, RateLimited):
            raise
        except KidgloveError as problem:
            return problem

    def _write(self, change: CustomerChange) -> CustomerReceipt:
        try:
            fields = {name: field(name) for name in change.values}
        except ValueError as problem:
            raise Bug(str(problem)) from None
        present = self._read(change.customer)
        differing = {
            name: value
            for name, value in change.values.items()
            if present.get(name) != (value or None)
        }
        for name in differing:
            if name in change.expected and present.get(name) != (change.expected[name] or None):
                raise Conflict(
                    f"{fields[name]} of customer {change.customer} was changed meanwhile"
                )
        if differing:
            params = _params(differing, present)
            self._api.post("customers/{id}", params, id=change.customer, key=change.key)
            present = self._read(change.customer)
        return CustomerReceipt(
            now={name: present.get(name) for name in change.values},
            fields=fields,
            was_written=bool(differing),
        )

    def _read(self, id: str) -> dict[str, str | None]:
        customer = wire.parse(wire.Customer, self._api.get("customers/{id}", id=id))
        if customer.deleted:
            raise Gone(f"customer {id} was deleted")
        return details(customer)


def _params(values: Mapping[str, str | None], present: Mapping[str, str | None]) -> dict[str, Any]:
    """The request for these values alone. Empty text takes a value away."""
    params: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = field(name).rpartition(".")
        if section == "metadata":
            params.setdefault("metadata", {})[key] = value or ""
        elif not section:
            params[key] = value or ""
    if any(name.startswith("customer.address.") for name in values):
        # VENDOR: an address is replaced as a whole (api/customers/update): what is left out of it
        # would be lost, so the other lines travel along as they were read.
        lines = {
            ours.rpartition(".")[2]: values.get(ours, present.get(ours))
            for ours in DETAILS
            if ours.startswith("customer.address.")
        }
        params["address"] = {name: line for name, line in lines.items() if line} or ""
    return params
