"""Endpoints: subscriptions."""

from __future__ import annotations

from typing import Any

from simulators.stripe import endings, life, people, plans
from simulators.stripe.endpoints import Desk, endpoint, page
from simulators.stripe.errors import ApiError, invalid, refused
from simulators.stripe.forms import (
    in_range,
    merged_metadata,
    one_of,
    required,
    truth,
    whole,
)
from simulators.stripe.routes_catalog import price_spec
from simulators.stripe.search import search
from simulators.stripe.world import Obj

_COLLECTION = ("charge_automatically", "send_invoice")
_STATUSES = (
    "active past_due unpaid canceled incomplete incomplete_expired trialing paused all ended"
).split()
_ITEM = (
    "items.price items.quantity items.metadata items.price_data.currency "
    "items.price_data.product items.price_data.recurring items.price_data.unit_amount "
    "items.price_data.unit_amount_decimal items.discounts.coupon"
)
_SHARED = (
    f"metadata description default_payment_method {_ITEM} discounts.coupon cancel_at_period_end "
    "collection_method days_until_due payment_behavior proration_behavior off_session"
)


def _items(desk: Desk, given: Any) -> list[tuple[Obj, int]]:
    if not isinstance(given, list):
        raise invalid("Invalid array", param="items")
    chosen = []
    for row in given:
        if "price_data" in row:
            details = row["price_data"]
            product = required(details, "product")
            desk.world.get("product", product, param="items[0][price_data][product]")
            price = plans.new_price(desk.world, product, price_spec(details))
        else:
            price = desk.world.get("price", required(row, "price"), param="items[0][price]")
        quantity = whole(row, "quantity")
        chosen.append((price, 1 if quantity is None else quantity))
    return chosen


def _discounts(desk: Desk, given: Any, **owner: str) -> list[str]:
    if given in (None, ""):
        return []
    return [plans.new_discount(desk.world, row["coupon"], **owner) for row in given]


@endpoint(
    "POST",
    "/v1/subscriptions",
    "subscription_write",
    f"customer {_SHARED} trial_period_days billing_mode.type currency",
)
def create_subscription(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    customer = world.get("customer", required(params, "customer"), param="customer")
    method = people.owned_method(
        world, customer, params.get("default_payment_method"), param="default_payment_method"
    )
    collection = one_of(params, "collection_method", _COLLECTION) or "charge_automatically"
    trial = whole(params, "trial_period_days")
    trial_end = world.now() + trial * 86400 if trial else None
    behaviour = one_of(
        params,
        "payment_behavior",
        ("allow_incomplete", "default_incomplete", "error_if_incomplete"),
    )
    if collection == "charge_automatically" and not trial:
        _check_first_charge(desk, customer, method, behaviour or "allow_incomplete")
    subscription = plans.new_subscription(
        world,
        customer,
        _items(desk, required(params, "items")),
        anchor=trial_end,
        step=-1 if trial_end else 0,
        opening=world.now() if trial_end else None,
        metadata=merged_metadata({}, params),
        description=params.get("description"),
        default_payment_method=method,
        collection_method=collection,
        days_until_due=whole(params, "days_until_due"),
        cancel_at_period_end=truth(params, "cancel_at_period_end"),
        status="trialing" if trial_end else "active",
        trial_start=world.now() if trial_end else None,
        trial_end=trial_end,
        test_clock=customer["test_clock"],
    )
    owner = {"customer": customer["id"], "subscription": subscription["id"]}
    subscription["discounts"] = _discounts(desk, params.get("discounts"), **owner)
    for item, row in zip(subscription["items"]["data"], params["items"], strict=True):
        item["discounts"] = _discounts(desk, row.get("discounts"), **owner)
    plans.open_subscription(world, subscription, charges=behaviour != "default_incomplete")
    return subscription


def _check_first_charge(desk: Desk, customer: Obj, method: str | None, behaviour: str) -> None:
    """Refuse what cannot begin, before anything is made."""
    chosen = method or customer["invoice_settings"]["default_payment_method"]
    if chosen is None and behaviour != "default_incomplete":
        raise refused(
            "This customer has no attached payment source or default payment method. Please "
            "consider adding a default payment method.",
            code="resource_missing",
        )
    if chosen is not None and behaviour == "error_if_incomplete":
        spec = desk.world.cards[chosen]
        if spec.decline() is not None:
            raise people.card_refused(spec)


@endpoint(
    "GET",
    "/v1/subscriptions",
    "subscription_read",
    "limit starting_after ending_before customer status price collection_method created "
    "current_period_start current_period_end test_clock",
)
def list_subscriptions(desk: Desk) -> Obj:
    params = desk.params
    status = one_of(params, "status", _STATUSES)
    customer = params.get("customer")
    if customer is not None:
        desk.world.get("customer", customer, param="customer")

    def keep(row: Obj) -> bool:
        items = row["items"]["data"]
        if status is None:
            # VENDOR: without `status`, everything that has not been canceled.
            shown = row["status"] not in ("canceled", "incomplete_expired")
        elif status == "ended":
            shown = row["status"] in ("canceled", "incomplete_expired")
        else:
            shown = status in ("all", row["status"])
        return (
            shown
            and params.get("collection_method") in (None, row["collection_method"])
            and in_range(params, "created", row["created"])
            and all(in_range(params, name, items[0][name]) for name in _PERIOD)
            and params.get("price") in (None, *(item["price"]["id"] for item in items))
            and (customer is not None or row["test_clock"] == params.get("test_clock"))
        )

    return page(desk, "subscription", "/v1/subscriptions", keep, owner=customer)


_PERIOD = ("current_period_start", "current_period_end")


@endpoint("GET", "/v1/subscriptions/search", "subscription_read", "query limit page")
def search_subscriptions(desk: Desk) -> Obj:
    return search(desk, "subscription", "/v1/subscriptions/search")


@endpoint("GET", "/v1/subscriptions/{subscription}", "subscription_read")
def retrieve_subscription(desk: Desk) -> Obj:
    return desk.world.get("subscription", desk.ids[0])


@endpoint(
    "POST",
    "/v1/subscriptions/{subscription}",
    "subscription_write",
    f"{_SHARED} items.id items.deleted pause_collection.behavior pause_collection.resumes_at "
    "cancellation_details.comment cancellation_details.feedback",
)
def update_subscription(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    subscription = world.get("subscription", desk.ids[0])
    if subscription["status"] in ("canceled", "incomplete_expired") and set(params) - {
        "metadata",
        "expand",
        "cancellation_details",
    }:
        raise refused(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    customer = world.customer(subscription["customer"])
    changes: Obj = {"metadata": merged_metadata(subscription["metadata"], params)}
    if "pause_collection" in params:
        pause = _pause(desk, params["pause_collection"])
        changes.update(life.set_pause_collection(world, subscription, pause))
    if "default_payment_method" in params:
        changes["default_payment_method"] = people.owned_method(
            world, customer, params["default_payment_method"], param="default_payment_method"
        )
    if "description" in params:
        changes["description"] = params["description"] or None
    if "cancel_at_period_end" in params:
        changes.update(_cancel_later(desk, subscription))
    collection = one_of(params, "collection_method", _COLLECTION)
    if collection is not None:
        if collection == "send_invoice" and not params.get("days_until_due"):
            raise invalid(
                "You must pass `days_until_due` when `collection_method` is `send_invoice`.",
                param="days_until_due",
            )
        changes["collection_method"] = collection
        changes["days_until_due"] = whole(params, "days_until_due")
    if "items" in params:
        changes["items"] = _changed_items(desk, subscription)
    if "discounts" in params:
        owner = {"customer": customer["id"], "subscription": subscription["id"]}
        changes["discounts"] = _discounts(desk, params["discounts"], **owner)
    world.edit(subscription, "customer.subscription.updated", changes)
    return subscription


def _pause(desk: Desk, given: Any) -> Obj | None:
    if given == "":
        return None
    if not isinstance(given, dict):
        raise invalid("Invalid object", param="pause_collection")
    behaviour = one_of(given, "behavior", ("keep_as_draft", "mark_uncollectible", "void"))
    if behaviour is None:
        raise invalid(
            "Missing required param: pause_collection[behavior].",
            param="pause_collection[behavior]",
            code="parameter_missing",
        )
    resumes = whole(given, "resumes_at")
    if resumes is not None and resumes <= desk.world.now():
        raise invalid("`resumes_at` must be in the future.", param="pause_collection[resumes_at]")
    return {"behavior": behaviour, "resumes_at": resumes}


def _cancel_later(desk: Desk, subscription: Obj) -> Obj:
    if truth(desk.params, "cancel_at_period_end"):
        _, end = life.current_period(desk.world, subscription)
        return {
            "cancel_at_period_end": True,
            "cancel_at": end,
            "canceled_at": desk.world.now(),
            "cancellation_details.reason": "cancellation_requested",
        }
    return {
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "cancellation_details.reason": None,
    }


def _changed_items(desk: Desk, subscription: Obj) -> Obj:
    """New quantities and prices from the next period on; the simulator makes no prorations."""
    items: Obj = {**subscription["items"]}
    rows = {row.get("id"): row for row in desk.params["items"]}
    data = []
    for item in items["data"]:
        row = rows.pop(item["id"], {})
        if truth(row, "deleted"):
            continue
        changed = {**item}
        if "price" in row:
            changed["price"] = desk.world.get("price", row["price"], param="items[0][price]")
        if "quantity" in row:
            changed["quantity"] = whole(row, "quantity")
        data.append(changed)
    if rows:
        raise invalid("The simulator only changes existing items.", param="items")
    items.update(data=data, total_count=len(data))
    return items


@endpoint(
    "DELETE",
    "/v1/subscriptions/{subscription}",
    "subscription_write",
    "cancellation_details.comment cancellation_details.feedback invoice_now prorate",
)
def cancel_subscription(desk: Desk) -> Obj:
    subscription = desk.world.get("subscription", desk.ids[0])
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise ApiError(
            404,
            f"No such subscription: '{subscription['id']}'",
            code="resource_missing",
            param="id",
            stored=True,
        )
    endings.cancel(desk.world, subscription, **(desk.params.get("cancellation_details") or {}))
    return subscription


@endpoint(
    "POST",
    "/v1/subscriptions/{subscription}/pause",
    "subscription_write",
    "type invoicing_behavior bill_for",
)
def pause_subscription(desk: Desk) -> Obj:
    subscription = desk.world.get("subscription", desk.ids[0])
    if subscription["billing_mode"]["type"] != "flexible":
        raise refused("Only subscriptions in flexible billing mode can be paused.")
    if subscription["status"] not in ("active", "past_due", "trialing"):
        raise refused(f"A subscription that is {subscription['status']} cannot be paused.")
    endings.pause(desk.world, subscription, "pause_requested")
    return subscription


@endpoint(
    "POST",
    "/v1/subscriptions/{subscription}/resume",
    "subscription_write",
    "billing_cycle_anchor.type payment_behavior proration_behavior",
)
def resume_subscription(desk: Desk) -> Obj:
    """Active again, with a new period and its invoice from now on."""
    world = desk.world
    subscription = world.get("subscription", desk.ids[0])
    if subscription["status"] != "paused":
        raise refused("Only a paused subscription can be resumed.")
    rhythm = world.rhythms[subscription["id"]]
    rhythm.anchor, rhythm.step = world.now(), 0
    period = life.current_period(world, subscription)
    invoice = life.draft(
        world,
        subscription,
        "subscription_cycle",
        billed=(period[0], period[0]),
        period=period,
        at_once=True,
    )
    previous = world.alter(
        subscription,
        {
            "status": "active",
            "status_details": None,
            "billing_cycle_anchor": period[0],
            "items": life.items_with_period(subscription, period),
            "latest_invoice": invoice["id"],
        },
    )
    world.emit("customer.subscription.resumed", subscription)
    world.emit("customer.subscription.updated", subscription, previous)
    life.schedule_renewal(world, subscription)
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        life.finalize(world, invoice)
    return subscription
