"""Monthly recurring revenue from subscriptions, item by item, in the item's own currency.

The definition is Stripe's (docs.stripe.com/billing/subscriptions/analytics/glossary): active and
past-due subscriptions, without trials, taxes and metered usage; lasting coupons reduce it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from connectors.stripe.wire import Coupon, Discount, Item, Price, Subscription
from domain.money import Money

COUNTS = frozenset({"active", "past_due"})
"""A cancel date in the future still counts; trials, unpaid and paused subscriptions do not."""
WRITES_OFF = frozenset({"void", "mark_uncollectible"})
"""Pauses that give the money up; a pause that keeps drafts only delays it."""
MONTHS = {
    "day": Decimal(12) / 365,
    "week": Decimal(12) / 52,
    "month": Decimal(1),
    "year": Decimal(12),
}
"""How many months one interval lasts."""


class PriceUnknown(ValueError):
    """A price cannot be worked out: its tiers or its interval are not known."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Tiers and coupons that a list cannot carry (four levels of expansion), by id."""

    prices: Mapping[str, Price]
    coupons: Mapping[str, Coupon]


def subscription_mrr(subscription: Subscription, catalog: Catalog, *, at: datetime) -> Money:
    """What one subscription brings in a month at `at`; nothing when its status does not count.

    Raises `PriceUnknown` if a licensed item's price cannot be worked out.
    """
    currency = _currency(subscription)
    pause = subscription.pause_collection
    if subscription.status not in COUNTS or (pause and pause.behavior in WRITES_OFF):
        return Money(0, currency)
    monthly: list[tuple[Item, Decimal]] = []
    for item in subscription.items.data:
        amount = _item_month(item, catalog)
        for discount in item.discounts:
            amount = _reduced(amount, [item], discount, catalog, at=at, months=_months(item.price))
        monthly.append((item, amount))
    total = sum((amount for _, amount in monthly), Decimal(0))
    for discount in subscription.discounts:
        total = _reduced_whole(total, monthly, discount, catalog, at=at)
    return Money(int(total.quantize(Decimal(1), rounding=ROUND_HALF_UP)), currency)


def largest(amounts: Iterable[Money]) -> tuple[Money | None, tuple[Money, ...]]:
    """The sum of the currency with the largest sum, and the sums of the others.

    Nothing is converted: sums are compared by their number of major units only to pick one.
    """
    sums: dict[str, Money] = {}
    for amount in amounts:
        kept = sums.get(amount.currency)
        sums[amount.currency] = kept + amount if kept else amount
    ranked = sorted(sums.values(), key=lambda sum_: (-sum_.major, sum_.currency))
    return (ranked[0] if ranked else None), tuple(ranked[1:])


def _currency(subscription: Subscription) -> str:
    if subscription.currency:
        return subscription.currency
    return next((item.price.currency for item in subscription.items.data), "usd")


def _months(price: Price) -> Decimal:
    recurring = price.recurring
    if recurring is None or recurring.interval not in MONTHS or recurring.interval_count < 1:
        raise PriceUnknown(f"price {price.id} has no interval we know")
    return MONTHS[recurring.interval] * recurring.interval_count


def _item_month(item: Item, catalog: Catalog) -> Decimal:
    price = item.price
    if price.recurring is not None and price.recurring.usage_type == "metered":
        return Decimal(0)
    if item.quantity is None:
        return Decimal(0)
    return _item_amount(price, item.quantity, catalog) / _months(price)


def _item_amount(price: Price, quantity: int, catalog: Catalog) -> Decimal:
    units = Decimal(quantity)
    if price.transform_quantity is not None:
        rounding = ROUND_CEILING if price.transform_quantity.round == "up" else ROUND_FLOOR
        units = (units / price.transform_quantity.divide_by).to_integral_value(rounding)
    if price.billing_scheme == "tiered":
        return _tiered(catalog.prices.get(price.id, price), units)
    unit = price.unit_amount_decimal
    if unit is None:
        if price.unit_amount is None:
            raise PriceUnknown(f"price {price.id} has no unit amount")
        unit = Decimal(price.unit_amount)
    return unit * units


def _tiered(price: Price, units: Decimal) -> Decimal:
    if not price.tiers:
        raise PriceUnknown(f"price {price.id} is tiered and its tiers are not known")
    total, below = Decimal(0), Decimal(0)
    for tier in price.tiers:
        unit, flat = tier.unit_amount_decimal or Decimal(0), tier.flat_amount_decimal or Decimal(0)
        is_last = tier.up_to is None or units <= tier.up_to
        if price.tiers_mode == "volume":
            if is_last:
                return units * unit + flat
        else:
            upper = units if is_last else Decimal(tier.up_to or 0)
            total += (upper - below) * unit + flat
            below = upper
            if is_last:
                return total
    return total


def _coupon(discount: str | Discount, catalog: Catalog, *, at: datetime) -> Coupon | None:
    """The coupon that still reduces what recurs: not a single one, not one that has ended."""
    if isinstance(discount, str):
        return None
    if discount.end is not None and discount.end <= at:
        return None
    coupon = discount.coupon
    if isinstance(coupon, str):
        coupon = catalog.coupons.get(coupon)
    return None if coupon is None or coupon.duration == "once" else coupon


def _applies(coupon: Coupon, item: Item) -> bool:
    return coupon.applies_to is None or item.price.product in coupon.applies_to.products


def _reduced(
    amount: Decimal,
    items: list[Item],
    discount: str | Discount,
    catalog: Catalog,
    *,
    at: datetime,
    months: Decimal,
) -> Decimal:
    coupon = _coupon(discount, catalog, at=at)
    if coupon is None or not all(_applies(coupon, item) for item in items):
        return amount
    return max(Decimal(0), amount - _off(coupon, amount, items[0].price.currency, months))


def _reduced_whole(
    total: Decimal,
    monthly: list[tuple[Item, Decimal]],
    discount: str | Discount,
    catalog: Catalog,
    *,
    at: datetime,
) -> Decimal:
    coupon = _coupon(discount, catalog, at=at)
    if coupon is None:
        return total
    hit = [(item, amount) for item, amount in monthly if _applies(coupon, item) and amount > 0]
    if not hit:
        return total
    base = sum((amount for _, amount in hit), Decimal(0))
    # An earlier discount has lowered the whole; a coupon for some products takes its share of it.
    whole = sum((amount for _, amount in monthly), Decimal(0))
    share = total * base / whole if whole else Decimal(0)
    # VENDOR: an amount comes off each invoice, and invoices come at the shortest interval.
    months = min(_months(item.price) for item, _ in hit)
    return max(Decimal(0), total - _off(coupon, share, hit[0][0].price.currency, months))


def _off(coupon: Coupon, amount: Decimal, currency: str, months: Decimal) -> Decimal:
    if coupon.percent_off is not None:
        return amount * coupon.percent_off / 100
    if coupon.amount_off is not None and coupon.currency == currency:
        return min(amount, Decimal(coupon.amount_off) / months)
    return Decimal(0)
