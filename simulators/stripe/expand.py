"""`expand`: ids become objects, four levels deep and no deeper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulators.stripe.errors import ApiError, invalid
from simulators.stripe.shapes import listing
from simulators.stripe.world import Obj, World, clone

LIMIT = 4

# object -> expandable fields; a leading "+" is a field that only shows when expanded.
EXPANDABLE: dict[str, dict[str, str]] = {
    "customer": {
        "default_source": "payment_method",
        "invoice_settings.default_payment_method": "payment_method",
        "test_clock": "test_helpers.test_clock",
        "subscriptions": "+",
        "sources": "+",
    },
    "payment_method": {"customer": "customer"},
    "product": {"default_price": "price"},
    "price": {"product": "product", "tiers": "+"},
    "subscription": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "default_source": "payment_method",
        "latest_invoice": "invoice",
        "discounts": "discount",
        "pending_setup_intent": "setup_intent",
        "schedule": "subscription_schedule",
        "test_clock": "test_helpers.test_clock",
    },
    "subscription_item": {"discounts": "discount"},
    "invoice": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "default_source": "payment_method",
        "discounts": "discount",
        "parent.subscription_details.subscription": "subscription",
        "total_discount_amounts.discount": "discount",
        "payments": "+",
        "confirmation_secret": "+",
    },
    "line_item": {
        "discounts": "discount",
        "pricing.price_details.price": "price",
        "parent.subscription_item_details.subscription": "subscription",
    },
    "invoice_payment": {
        "invoice": "invoice",
        "payment.payment_intent": "payment_intent",
        "payment.charge": "charge",
    },
    "payment_intent": {
        "customer": "customer",
        "payment_method": "payment_method",
        "latest_charge": "charge",
    },
    "charge": {
        "customer": "customer",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
        "balance_transaction": "balance_transaction",
    },
    "discount": {"customer": "customer", "source.coupon": "coupon"},
    "billing_portal.session": {"configuration": "billing_portal.configuration"},
}


def expand(world: World, answer: Obj, paths: Any) -> Obj:
    """`answer` with every path of `paths` expanded, as a copy."""
    if paths is None or paths == "":
        return answer
    if not isinstance(paths, list):
        raise invalid("Invalid array", param="expand")
    copy: Obj = clone(answer)
    for path in paths:
        steps = str(path).split(".")
        if len(steps) > LIMIT:
            raise invalid(
                f"You cannot expand more than {LIMIT} levels of a property. Property: {path}",
                param="expand",
            )
        _walk(world, copy, steps, path, "", None)
    return copy


def _walk(
    world: World, node: Any, steps: list[str], path: str, inside: str, owner: Obj | None
) -> None:
    if node is None or not steps:
        return
    if isinstance(node, list):
        for part in node:
            _walk(world, part, steps, path, inside, owner)
        return
    if not isinstance(node, dict):
        raise _cannot(path)
    if "object" in node:
        owner, inside = node, ""
    name, rest = steps[0], steps[1:]
    field = f"{inside}.{name}" if inside else name
    fields = EXPANDABLE.get(owner["object"], {}) if owner is not None else {}
    kind = fields.get(field)
    if kind == "+":
        if name not in node:
            shown = _hidden(world, node, name)
            if shown is None:
                return
            node[name] = shown
    elif kind is not None:
        if name not in node:
            return
        node[name] = _replaced(world, node[name], kind)
    elif not rest or name not in node:
        if name not in node and _may_lead_on(fields, field):
            return
        raise _cannot(path)
    _walk(world, node.get(name), rest, path, field, owner)


def _may_lead_on(fields: Iterable[str], field: str) -> bool:
    return any(known.startswith(field + ".") for known in fields)


def _replaced(world: World, value: Any, kind: str) -> Any:
    if isinstance(value, list):
        return [_replaced(world, part, kind) for part in value]
    if not isinstance(value, str):
        return value
    found = world.find(kind, value)
    return value if found is None else clone(found)


def _hidden(world: World, node: Obj, name: str) -> Any:
    if node["object"] == "price":
        return clone(world.tiers.get(node["id"]))
    if name == "payments":
        payments = [clone(p) for p in world.newest_first("invoice_payment", node["id"])]
        return listing(payments, f"/v1/invoice_payments?invoice={node['id']}")
    if name == "confirmation_secret":
        intent = world.intent_of(node)
        return intent and {"client_secret": intent["client_secret"], "type": "payment_intent"}
    if name == "subscriptions":
        live = [
            clone(subscription)
            for subscription in world.newest_first("subscription", node["id"])
            if subscription["status"] not in ("canceled", "incomplete_expired")
        ]
        return listing(live, f"/v1/customers/{node['id']}/subscriptions")
    return listing([], f"/v1/customers/{node['id']}/{name}")


def _cannot(path: str) -> ApiError:
    hint = (
        "" if path.startswith("data.") else f" You may want to try expanding 'data.{path}' instead."
    )
    return invalid(f"This property cannot be expanded ({path}).{hint}", param="expand")
