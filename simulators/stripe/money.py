"""What a subscription costs per period: tiers, quantities, packages and coupons."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from simulators.stripe import shapes_billing
from simulators.stripe.world import Obj, World


def decimal_text(value: Decimal) -> str:
    """A decimal as Stripe writes it: plain digits, no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(value: Decimal) -> int:
    """Whole minor units, half up."""
    return int(value.to_integral_value(ROUND_HALF_UP))


def price_of(world: World, price: Obj, quantity: int) -> int:
    """The amount of `quantity` units of a price for one period, in minor units."""
    packages = price["transform_quantity"]
    if packages is not None:
        whole, rest = divmod(quantity, packages["divide_by"])
        quantity = whole + (1 if rest and packages["round"] == "up" else 0)
    if price["billing_scheme"] == "per_unit":
        return rounded(Decimal(price["unit_amount_decimal"] or "0") * quantity)
    tiers = world.tiers[price["id"]]
    if price["tiers_mode"] == "volume":
        for tier in tiers:
            if tier["up_to"] is None or quantity <= tier["up_to"]:
                return rounded(_tier(tier, quantity))
    total, below = Decimal(0), 0
    for tier in tiers:
        top = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        if top <= below and quantity > 0:
            break
        total += _tier(tier, top - below)
        below = top
    return rounded(total)


def _tier(tier: Obj, units: int) -> Decimal:
    unit = Decimal(tier["unit_amount_decimal"] or "0")
    return unit * units + Decimal(tier["flat_amount_decimal"] or "0")


def bill(world: World, subscription: Obj, invoice: str, period: tuple[int, int]) -> Obj:
    """The money fields of an invoice that bills every item of a subscription for `period`."""
    currency = subscription["currency"]
    lines: list[Obj] = []
    for item in subscription["items"]["data"]:
        price, quantity = item["price"], item.get("quantity")
        if price["recurring"]["usage_type"] == "metered":
            continue
        amount = price_of(world, price, quantity)
        product = world.get("product", price["product"])
        lines.append(
            shapes_billing.line_item(
                world.new_id("il"),
                invoice,
                amount,
                currency,
                description=f"{quantity} x {product['name']}",
                parent={
                    "invoice_item_details": None,
                    "subscription_item_details": {
                        "invoice_item": None,
                        "proration": False,
                        "proration_details": {"credited_items": None},
                        "subscription": subscription["id"],
                        "subscription_item": item["id"],
                    },
                    "type": "subscription_item_details",
                },
                period={"start": period[0], "end": period[1]},
                pricing={
                    "price_details": {"price": price["id"], "product": price["product"]},
                    "type": "price_details",
                    "unit_amount_decimal": price["unit_amount_decimal"],
                },
                quantity=quantity,
                quantity_decimal=str(quantity),
            )
        )
        _reduce(world, lines[-1:], item["discounts"])
    _reduce(world, lines, subscription["discounts"])
    return money_fields(lines, f"/v1/invoices/{invoice}/lines")


def money_fields(lines: list[Obj], url: str) -> Obj:
    """Totals of an invoice with these lines, nothing paid yet."""
    subtotal = sum(line["amount"] for line in lines)
    by_discount: dict[str, int] = {}
    for line in lines:
        for part in line["discount_amounts"]:
            by_discount[part["discount"]] = by_discount.get(part["discount"], 0) + part["amount"]
    total = max(0, subtotal - sum(by_discount.values()))
    return {
        "lines": {
            "object": "list",
            "data": lines,
            "has_more": False,
            "total_count": len(lines),
            "url": url,
        },
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_excluding_tax": total,
        "amount_due": total,
        "amount_remaining": total,
        "discounts": list(by_discount),
        "total_discount_amounts": [
            {"amount": amount, "discount": known} for known, amount in by_discount.items()
        ],
    }


def _reduce(world: World, lines: list[Obj], discounts: list[str]) -> None:
    for known in discounts:
        discount = world.find("discount", known)
        if discount is None or (discount["end"] is not None and discount["end"] <= world.now()):
            continue
        coupon = world.get("coupon", discount["source"]["coupon"])
        products = (coupon.get("applies_to") or {}).get("products")
        hit = [
            line
            for line in lines
            if products is None or line["pricing"]["price_details"]["product"] in products
        ]
        left = coupon["amount_off"] or 0
        for line in hit:
            open_part = line["amount"] - sum(part["amount"] for part in line["discount_amounts"])
            if coupon["percent_off"] is not None:
                off = rounded(Decimal(open_part) * Decimal(str(coupon["percent_off"])) / 100)
            else:
                off = min(left, open_part)
                left -= off
            line["discount_amounts"].append({"amount": off, "discount": known})


def tier_fields(tier: dict[str, Any]) -> Obj:
    """A stored tier out of the parameters `up_to`, `unit_amount(_decimal)`, `flat_amount(...)`."""
    fields: Obj = {"up_to": None if tier.get("up_to") == "inf" else int(tier["up_to"])}
    for name in ("unit_amount", "flat_amount"):
        text = tier.get(f"{name}_decimal", tier.get(name))
        value = None if text is None else Decimal(str(text))
        fields[f"{name}_decimal"] = None if value is None else decimal_text(value)
        whole = value is not None and value == value.to_integral_value()
        fields[name] = int(value) if value is not None and whole else None
    return fields
