"""Catalogue and subscriptions: products, prices, coupons, and a subscription's first day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from simulators.stripe import life, money, shapes, shapes_billing
from simulators.stripe.cards import Decline
from simulators.stripe.errors import invalid
from simulators.stripe.periods import boundary
from simulators.stripe.world import Obj, Rhythm, World, clone


@dataclass(frozen=True, kw_only=True)
class PriceSpec:
    """What a price charges. Amounts are decimal text in minor units."""

    currency: str = "usd"
    unit_amount: str | None = None
    interval: str | None = "month"
    interval_count: int = 1
    usage_type: str = "licensed"
    tiers: tuple[Obj, ...] = ()
    tiers_mode: str | None = None
    transform_quantity: Obj | None = None


def new_product(world: World, name: str, **fields: Any) -> Obj:
    """A product, announced."""
    made = fields.pop("id", None) or world.new_id("prod")
    product = world.put(shapes.product(made, world.now(), name, **fields))
    world.emit("product.created", product)
    return product


def new_price(world: World, product: str, spec: PriceSpec, **fields: Any) -> Obj:
    """A price, announced; its tiers show only when expanded."""
    made = world.new_id("price")
    amount = None if spec.unit_amount is None else Decimal(spec.unit_amount)
    whole = amount is not None and amount == amount.to_integral_value()
    price = shapes.price(
        made,
        world.now(),
        product,
        spec.currency,
        billing_scheme="tiered" if spec.tiers else "per_unit",
        recurring=None
        if spec.interval is None
        else {
            "interval": spec.interval,
            "interval_count": spec.interval_count,
            "meter": None,
            "usage_type": spec.usage_type,
        },
        type="one_time" if spec.interval is None else "recurring",
        tiers_mode=spec.tiers_mode,
        transform_quantity=spec.transform_quantity,
        unit_amount=int(amount) if amount is not None and whole else None,
        unit_amount_decimal=None if amount is None else money.decimal_text(amount),
        **fields,
    )
    if spec.tiers:
        world.tiers[made] = [money.tier_fields(tier) for tier in spec.tiers]
    world.put(price)
    world.emit("price.created", price)
    return price


def new_discount(world: World, coupon: str, **owner: str | None) -> str:
    """A coupon put to use; returns the discount's id."""
    found = world.get("coupon", coupon, param="discounts")
    start = world.now()
    end = None
    if found["duration"] == "repeating":
        end = boundary(start, "month", 1, found["duration_in_months"])
    if found["duration"] == "once":
        end = start + 1
    found["times_redeemed"] += 1
    made = world.new_id("di")
    world.put(shapes.discount(made, start, coupon, end=end, **owner))
    return made


def new_subscription(
    world: World,
    customer: Obj,
    items: Iterable[tuple[Obj, int]],
    *,
    anchor: int | None = None,
    step: int = 0,
    opening: int | None = None,
    created: int | None = None,
    **fields: Any,
) -> Obj:
    """A subscription that stands in its period `step` after `anchor`; not yet announced."""
    chosen = list(items)
    if not chosen:
        raise invalid("Missing required param: items.", param="items", code="parameter_missing")
    prices = [price for price, _ in chosen]
    if any(price["recurring"] is None for price in prices):
        raise invalid("The price specified is set to `type=one_time`.", param="items")
    if len({price["currency"] for price in prices}) > 1:
        raise invalid("All prices on a subscription must have the same currency.", param="items")
    recurring = prices[0]["recurring"]
    now = world.now()
    made = fields.pop("id", None) or world.new_id("sub")
    rhythm = Rhythm(
        anchor=anchor if anchor is not None else now,
        interval=recurring["interval"],
        count=recurring["interval_count"],
        step=step,
        opening=opening,
    )
    world.rhythms[made] = rhythm
    subscription = shapes_billing.subscription(
        made,
        created if created is not None else now,
        customer["id"],
        prices[0]["currency"],
        **fields,
    )
    period = life.current_period(world, subscription)
    data = []
    for price, quantity in chosen:
        item = shapes_billing.subscription_item(
            world.new_id("si"),
            subscription["created"],
            made,
            clone(price),
            current_period_start=period[0],
            current_period_end=period[1],
            quantity=quantity,
        )
        if price["recurring"]["usage_type"] == "metered":
            del item["quantity"]
        data.append(item)
    subscription["items"]["data"] = data
    subscription["items"]["total_count"] = len(data)
    world.put(subscription)
    if customer["currency"] is None:
        customer["currency"] = subscription["currency"]
    return subscription


def open_subscription(world: World, subscription: Obj, *, charges: bool = True) -> Decline | None:
    """Announce a new subscription and bill its first period, unless it is a trial.

    Without `charges` it waits for somebody to confirm the first payment (`default_incomplete`).
    """
    if subscription["status"] == "trialing":
        world.emit("customer.subscription.created", subscription)
        life.schedule_renewal(world, subscription)
        return None
    subscription["status"] = "incomplete"
    world.emit("customer.subscription.created", subscription)
    life.schedule_renewal(world, subscription)
    decline = life.first_invoice(world, subscription, charges=charges)
    invoice = world.get("invoice", subscription["latest_invoice"])
    if subscription["status"] == "incomplete":
        if decline is None and (charges or invoice["status"] == "paid"):
            world.edit(subscription, "customer.subscription.updated", {"status": "active"})
        else:
            life.expire_if_incomplete(world, subscription)
    return decline
