"""Endpoints: invoice payments, payment intents, charges."""

from __future__ import annotations

from simulators.stripe.endpoints import Desk, endpoint, page
from simulators.stripe.forms import in_range, one_of
from simulators.stripe.search import search
from simulators.stripe.world import Obj


@endpoint(
    "GET",
    "/v1/invoice_payments",
    "invoice_read",
    "limit starting_after ending_before invoice status created payment.type payment.payment_intent",
)
def list_invoice_payments(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    invoice = params.get("invoice")
    if invoice is not None:
        world.get("invoice", invoice, param="invoice")
    status = one_of(params, "status", ("canceled", "open", "paid"))
    intent = (params.get("payment") or {}).get("payment_intent")

    def keep(row: Obj) -> bool:
        return (
            status in (None, row["status"])
            and intent in (None, row["payment"].get("payment_intent"))
            and in_range(params, "created", row["created"])
        )

    return page(desk, "invoice_payment", "/v1/invoice_payments", keep, owner=invoice)


@endpoint("GET", "/v1/invoice_payments/{invoice_payment}", "invoice_read")
def retrieve_invoice_payment(desk: Desk) -> Obj:
    return desk.world.get("invoice_payment", desk.ids[0])


@endpoint("GET", "/v1/payment_intents/{intent}", "payment_intent_read")
def retrieve_payment_intent(desk: Desk) -> Obj:
    return desk.world.get("payment_intent", desk.ids[0])


@endpoint(
    "GET",
    "/v1/payment_intents",
    "payment_intent_read",
    "limit starting_after ending_before customer created",
)
def list_payment_intents(desk: Desk) -> Obj:
    params = desk.params
    return page(
        desk,
        "payment_intent",
        "/v1/payment_intents",
        lambda row: in_range(params, "created", row["created"]),
        owner=params.get("customer"),
    )


@endpoint(
    "GET",
    "/v1/charges",
    "charge_read",
    "limit starting_after ending_before customer created payment_intent",
)
def list_charges(desk: Desk) -> Obj:
    params = desk.params
    intent = params.get("payment_intent")

    def keep(row: Obj) -> bool:
        return intent in (None, row["payment_intent"]) and in_range(
            params, "created", row["created"]
        )

    return page(desk, "charge", "/v1/charges", keep, owner=params.get("customer"))


@endpoint("GET", "/v1/charges/search", "charge_read", "query limit page")
def search_charges(desk: Desk) -> Obj:
    return search(desk, "charge", "/v1/charges/search")


@endpoint("GET", "/v1/charges/{charge}", "charge_read")
def retrieve_charge(desk: Desk) -> Obj:
    return desk.world.get("charge", desk.ids[0])
