"""Endpoints: customers and payment methods."""

from __future__ import annotations

from simulators.stripe import endings, people
from simulators.stripe.endpoints import Desk, endpoint, page
from simulators.stripe.errors import invalid
from simulators.stripe.forms import in_range, merged_metadata, required
from simulators.stripe.search import search
from simulators.stripe.world import Obj

_TEXTS = ("name", "email", "description", "phone")
_FIELDS = (
    "name email description phone metadata address.city address.country address.line1 "
    "address.line2 address.postal_code address.state preferred_locales "
    "invoice_settings.default_payment_method invoice_settings.footer"
)


@endpoint(
    "POST", "/v1/customers", "customer_write", f"{_FIELDS} payment_method test_clock tax_exempt"
)
def create_customer(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    fields = {name: params[name] or None for name in _TEXTS if name in params}
    clock = params.get("test_clock")
    if clock:
        world.get("test_helpers.test_clock", clock, param="test_clock")
    customer = people.new_customer(
        world,
        **fields,
        metadata=merged_metadata({}, params),
        address=_address(params),
        test_clock=clock,
        tax_exempt=params.get("tax_exempt") or "none",
        preferred_locales=params.get("preferred_locales") or [],
    )
    if params.get("payment_method"):
        method = people.method_named(world, params["payment_method"])
        people.attach(world, method, customer)
        chosen = (params.get("invoice_settings") or {}).get("default_payment_method")
        if chosen in (params["payment_method"], method["id"]):
            people.set_default(world, customer, method["id"])
    elif "invoice_settings" in params:
        _set_invoice_settings(desk, customer)
    return customer


@endpoint(
    "GET",
    "/v1/customers",
    "customer_read",
    "limit starting_after ending_before email created test_clock",
)
def list_customers(desk: Desk) -> Obj:
    params = desk.params

    def keep(row: Obj) -> bool:
        return (
            in_range(params, "created", row["created"])
            and params.get("email") in (None, row["email"])
            and row["test_clock"] == params.get("test_clock")
        )

    return page(desk, "customer", "/v1/customers", keep)


@endpoint("GET", "/v1/customers/search", "customer_read", "query limit page")
def search_customers(desk: Desk) -> Obj:
    return search(desk, "customer", "/v1/customers/search")


@endpoint("GET", "/v1/customers/{customer}", "customer_read")
def retrieve_customer(desk: Desk) -> Obj:
    id = desk.ids[0]
    # VENDOR: a deleted customer is still answered, as a stub (api/customers/retrieve).
    if id in desk.world.deleted_customers:
        return {"id": id, "object": "customer", "deleted": True}
    return desk.world.get("customer", id)


@endpoint(
    "POST", "/v1/customers/{customer}", "customer_write", f"{_FIELDS} default_source tax_exempt"
)
def update_customer(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    customer = world.get("customer", desk.ids[0])
    if params.get("default_source"):
        raise invalid("The simulator knows no sources.", param="default_source")
    changes: Obj = {name: params[name] or None for name in _TEXTS if name in params}
    changes["metadata"] = merged_metadata(customer["metadata"], params)
    if "address" in params:
        changes["address"] = _address(params)
    if "preferred_locales" in params:
        changes["preferred_locales"] = params["preferred_locales"] or []
    if params.get("tax_exempt"):
        changes["tax_exempt"] = params["tax_exempt"]
    settings = params.get("invoice_settings")
    if isinstance(settings, dict):
        if "default_payment_method" in settings:
            name = "invoice_settings[default_payment_method]"
            changes["invoice_settings.default_payment_method"] = people.owned_method(
                world, customer, settings["default_payment_method"], param=name
            )
        if "footer" in settings:
            changes["invoice_settings.footer"] = settings["footer"] or None
    world.edit(customer, "customer.updated", changes)
    return customer


@endpoint("DELETE", "/v1/customers/{customer}", "customer_write")
def delete_customer(desk: Desk) -> Obj:
    world = desk.world
    customer = world.get("customer", desk.ids[0])
    for subscription in list(world.newest_first("subscription", customer["id"])):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            endings.cancel(world, subscription)
    world.emit("customer.deleted", customer)
    world.drop(customer)
    world.deleted_customers.add(customer["id"])
    return {"id": customer["id"], "object": "customer", "deleted": True}


def _address(params: Obj) -> Obj | None:
    given = params.get("address")
    if not isinstance(given, dict):
        return None
    names = "city country line1 line2 postal_code state".split()
    return {name: given.get(name) or None for name in names}


def _set_invoice_settings(desk: Desk, customer: Obj) -> None:
    chosen = desk.params["invoice_settings"].get("default_payment_method")
    name = "invoice_settings[default_payment_method]"
    method = people.owned_method(desk.world, customer, chosen, param=name)
    people.set_default(desk.world, customer, method)


@endpoint(
    "GET",
    "/v1/customers/{customer}/payment_methods",
    "payment_method_read",
    "limit starting_after ending_before type allow_redisplay",
)
def list_methods_of_customer(desk: Desk) -> Obj:
    world = desk.world
    customer = world.get("customer", desk.ids[0])
    return _methods(desk, customer["id"], f"/v1/customers/{customer['id']}/payment_methods")


@endpoint("GET", "/v1/customers/{customer}/payment_methods/{payment_method}", "payment_method_read")
def retrieve_method_of_customer(desk: Desk) -> Obj:
    method = desk.world.get("payment_method", desk.ids[1])
    if method["customer"] != desk.ids[0]:
        raise invalid(f"No such payment_method: '{desk.ids[1]}'", code="resource_missing")
    return method


@endpoint(
    "GET",
    "/v1/payment_methods",
    "payment_method_read",
    "limit starting_after ending_before customer type allow_redisplay",
)
def list_methods(desk: Desk) -> Obj:
    customer = desk.params.get("customer")
    if customer is not None:
        desk.world.get("customer", customer, param="customer")
    return _methods(desk, customer, "/v1/payment_methods")


def _methods(desk: Desk, customer: str | None, url: str) -> Obj:
    wanted = desk.params.get("type")

    def keep(row: Obj) -> bool:
        return row["customer"] is not None and (
            customer in (None, row["customer"]) and wanted in (None, row["type"])
        )

    return page(desk, "payment_method", url, keep, owner=customer)


@endpoint("GET", "/v1/payment_methods/{payment_method}", "payment_method_read")
def retrieve_method(desk: Desk) -> Obj:
    return desk.world.get("payment_method", desk.ids[0])


@endpoint("POST", "/v1/payment_methods/{payment_method}/attach", "payment_method_write", "customer")
def attach_method(desk: Desk) -> Obj:
    world = desk.world
    customer = world.get("customer", required(desk.params, "customer"), param="customer")
    method = people.method_named(world, desk.ids[0], param="id")
    people.attach(world, method, customer)
    return method


@endpoint("POST", "/v1/payment_methods/{payment_method}/detach", "payment_method_write")
def detach_method(desk: Desk) -> Obj:
    method = desk.world.get("payment_method", desk.ids[0])
    people.detach(desk.world, method)
    return method
