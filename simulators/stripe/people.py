"""Customers and their cards: made, attached, made default, taken off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from simulators.stripe import shapes
from simulators.stripe.cards import CardSpec, is_test_method, parse_card
from simulators.stripe.cards import card_fields as card_fields
from simulators.stripe.errors import ApiError, refused
from simulators.stripe.world import Obj, World


def new_customer(world: World, **fields: Any) -> Obj:
    """A customer, announced."""
    made = fields.pop("id", None) or world.new_id("cus")
    customer = world.put(shapes.customer(made, world.now(), **fields))
    world.emit("customer.created", customer)
    return customer


def new_method(world: World, spec: CardSpec, *, country: str = "US") -> Obj:
    """A card that belongs to nobody yet."""
    made = world.new_id("pm")
    year = datetime.fromtimestamp(world.now(), UTC).year
    card = card_fields(spec, made, country=country, year=year)
    world.cards[made] = spec
    return world.put(shapes.payment_method(made, world.now(), card))


def method_named(world: World, name: str, *, param: str = "payment_method") -> Obj:
    """The payment method with that id; one of Stripe's test methods makes a fresh card."""
    if is_test_method(name) and world.find("payment_method", name) is None:
        return new_method(world, parse_card(name))
    return world.get("payment_method", name, param=param)


def attach(world: World, method: Obj, customer: Obj) -> None:
    """Tie a card to a customer; one that refuses answers 402."""
    spec = world.cards[method["id"]]
    if spec.kind == "refuses":
        raise card_refused(spec)
    if method["customer"] == customer["id"]:
        return
    if method["customer"] is not None:
        raise refused(
            "The payment method you provided has already been attached to a customer.",
            param="payment_method",
        )
    world.alter(method, {"customer": customer["id"]})
    world.give(method, customer["id"])
    world.emit("payment_method.attached", method)


def card_refused(spec: CardSpec) -> ApiError:
    """402 for a card that cannot even be attached."""
    decline = spec.decline()
    fields = dict(decline.error()) if decline is not None else {}
    message, kind = fields.pop("message", "Your card was declined."), fields.pop("type", None)
    return ApiError(402, message, type=kind or "card_error", stored=True, extra=fields)


def detach(world: World, method: Obj) -> None:
    """Take a card off; whoever used it as default has none then."""
    owner = method["customer"]
    if owner is None:
        raise refused(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    previous = world.alter(method, {"customer": None})
    world.emit("payment_method.detached", method, previous)
    customer = world.customer(owner)
    if customer["invoice_settings"]["default_payment_method"] == method["id"]:
        set_default(world, customer, None)
    for subscription in world.newest_first("subscription", owner):
        if subscription["default_payment_method"] == method["id"]:
            world.edit(
                subscription, "customer.subscription.updated", {"default_payment_method": None}
            )


def set_default(world: World, customer: Obj, method: str | None) -> None:
    """Make a card the customer's default for invoices."""
    world.edit(customer, "customer.updated", {"invoice_settings.default_payment_method": method})


def owned_method(world: World, customer: Obj, name: Any, *, param: str) -> str | None:
    """The id given for a default, checked to be the customer's own; "" unsets."""
    if name == "" or name is None:
        return None
    method = method_named(world, str(name), param=param)
    if is_test_method(str(name)):
        attach(world, method, customer)
    if method["customer"] != customer["id"]:
        raise refused(
            f"The customer does not have a payment method with the ID {name}. The payment method "
            "must be attached to the customer.",
            code="resource_missing",
            param=param,
        )
    return str(method["id"])
