"""Endpoints: products, prices, coupons, the account, test clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from simulators.stripe import plans, shapes
from simulators.stripe.endpoints import Desk, endpoint, page
from simulators.stripe.errors import invalid
from simulators.stripe.forms import in_range, merged_metadata, one_of, required, truth, whole
from simulators.stripe.world import Obj

_PRICE = (
    "unit_amount unit_amount_decimal currency billing_scheme tiers tiers_mode nickname metadata "
    "recurring.interval recurring.interval_count recurring.usage_type active lookup_key "
    "transform_quantity.divide_by transform_quantity.round tax_behavior"
)


@endpoint("POST", "/v1/products", "product_write", "name id active description metadata")
def create_product(desk: Desk) -> Obj:
    params = desk.params
    return plans.new_product(
        desk.world,
        required(params, "name"),
        id=params.get("id"),
        active=truth(params, "active", True),
        description=params.get("description"),
        metadata=merged_metadata({}, params),
    )


@endpoint(
    "GET", "/v1/products", "product_read", "limit starting_after ending_before active created ids"
)
def list_products(desk: Desk) -> Obj:
    params = desk.params

    def keep(row: Obj) -> bool:
        return (
            ("active" not in params or row["active"] == truth(params, "active"))
            and in_range(params, "created", row["created"])
            and ("ids" not in params or row["id"] in params["ids"])
        )

    return page(desk, "product", "/v1/products", keep)


@endpoint("GET", "/v1/products/{id}", "product_read")
def retrieve_product(desk: Desk) -> Obj:
    return desk.world.get("product", desk.ids[0])


@endpoint(
    "POST", "/v1/prices", "plan_write", f"{_PRICE} product product_data.name product_data.metadata"
)
def create_price(desk: Desk) -> Obj:
    params = desk.params
    if "product_data" in params:
        product = plans.new_product(desk.world, params["product_data"]["name"])["id"]
    else:
        product = required(params, "product")
        desk.world.get("product", product, param="product")
    return plans.new_price(
        desk.world,
        product,
        price_spec(params),
        active=truth(params, "active", True),
        nickname=params.get("nickname"),
        lookup_key=params.get("lookup_key"),
        metadata=merged_metadata({}, params),
    )


def price_spec(params: Obj) -> plans.PriceSpec:
    """A price out of request parameters."""
    recurring = params.get("recurring")
    packages = params.get("transform_quantity")
    amount = params.get("unit_amount_decimal", params.get("unit_amount"))
    try:
        text = None if amount is None else str(Decimal(str(amount)))
    except InvalidOperation as broken:
        raise invalid(f"Invalid decimal: {amount}", param="unit_amount_decimal") from broken
    return plans.PriceSpec(
        currency=str(required(params, "currency")).lower(),
        unit_amount=text,
        interval=required(recurring, "interval") if recurring else None,
        interval_count=(whole(recurring, "interval_count") or 1) if recurring else 1,
        usage_type=(recurring or {}).get("usage_type", "licensed"),
        tiers=tuple(params.get("tiers") or ()),
        tiers_mode=one_of(params, "tiers_mode", ("graduated", "volume")),
        transform_quantity=packages
        and {"divide_by": int(packages["divide_by"]), "round": packages["round"]},
    )


@endpoint(
    "GET",
    "/v1/prices",
    "plan_read",
    "limit starting_after ending_before active currency product type lookup_keys created",
)
def list_prices(desk: Desk) -> Obj:
    params = desk.params

    def keep(row: Obj) -> bool:
        return (
            ("active" not in params or row["active"] == truth(params, "active"))
            and params.get("currency") in (None, row["currency"])
            and params.get("product") in (None, row["product"])
            and params.get("type") in (None, row["type"])
            and in_range(params, "created", row["created"])
            and ("lookup_keys" not in params or row["lookup_key"] in params["lookup_keys"])
        )

    return page(desk, "price", "/v1/prices", keep)


@endpoint("GET", "/v1/prices/{price}", "plan_read")
def retrieve_price(desk: Desk) -> Obj:
    return desk.world.get("price", desk.ids[0])


@endpoint(
    "POST",
    "/v1/coupons",
    "coupon_write",
    "id name percent_off amount_off currency duration duration_in_months metadata "
    "applies_to.products max_redemptions",
)
def create_coupon(desk: Desk) -> Obj:
    params, world = desk.params, desk.world
    percent, amount = params.get("percent_off"), whole(params, "amount_off")
    if (percent is None) == (amount is None):
        raise invalid("You must pass either percent_off or amount_off.", param="percent_off")
    made = params.get("id") or world.new_id("coupon")
    coupon = shapes.coupon(
        made,
        world.now(),
        amount_off=amount,
        currency=required(params, "currency") if amount is not None else None,
        percent_off=None if percent is None else float(percent),
        duration=one_of(params, "duration", ("forever", "once", "repeating")) or "once",
        duration_in_months=whole(params, "duration_in_months"),
        max_redemptions=whole(params, "max_redemptions"),
        name=params.get("name"),
        metadata=merged_metadata({}, params),
    )
    if "applies_to" in params:
        coupon["applies_to"] = {"products": list(params["applies_to"]["products"])}
    world.put(coupon)
    world.emit("coupon.created", coupon)
    return coupon


@endpoint("GET", "/v1/coupons", "coupon_read", "limit starting_after ending_before created")
def list_coupons(desk: Desk) -> Obj:
    params = desk.params
    return page(desk, "coupon", "/v1/coupons", lambda c: in_range(params, "created", c["created"]))


@endpoint("GET", "/v1/coupons/{coupon}", "coupon_read")
def retrieve_coupon(desk: Desk) -> Obj:
    return desk.world.get("coupon", desk.ids[0])


@endpoint("GET", "/v1/account", None)
def retrieve_account(desk: Desk) -> Obj:
    return shapes.account(1_500_000_000)


@endpoint("POST", "/v1/test_helpers/test_clocks", "test_clock_write", "frozen_time name customer")
def create_clock(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    frozen = whole(params, "frozen_time") or int(required(params, "frozen_time"))
    clock = world.put(
        shapes.test_clock(world.new_id("clock"), world.now(), frozen, name=params.get("name"))
    )
    if params.get("customer"):
        customer = world.get("customer", params["customer"], param="customer")
        world.edit(customer, "customer.updated", {"test_clock": clock["id"]})
    return clock


@endpoint(
    "GET", "/v1/test_helpers/test_clocks", "test_clock_read", "limit starting_after ending_before"
)
def list_clocks(desk: Desk) -> Obj:
    return page(desk, "test_helpers.test_clock", "/v1/test_helpers/test_clocks")


@endpoint("GET", "/v1/test_helpers/test_clocks/{test_clock}", "test_clock_read")
def retrieve_clock(desk: Desk) -> Obj:
    return desk.world.get("test_helpers.test_clock", desk.ids[0])


@endpoint(
    "POST",
    "/v1/test_helpers/test_clocks/{test_clock}/advance",
    "test_clock_write",
    "frozen_time",
)
def advance_clock(desk: Desk) -> Obj:
    """Moves the one clock of the whole simulator, after this answer is made."""
    world = desk.world
    clock = world.get("test_helpers.test_clock", desk.ids[0])
    frozen = whole(desk.params, "frozen_time") or int(required(desk.params, "frozen_time"))
    if frozen < world.now():
        raise invalid("The clock does not go back.", param="frozen_time")
    answer = {**clock, "status": "advancing"}
    answer["status_details"] = {"advancing": {"target_frozen_time": frozen}}
    clock["frozen_time"] = frozen
    desk.after = lambda: world.clock.advance_to(datetime.fromtimestamp(frozen, UTC))
    return answer
