"""Endpoints: invoices."""

from __future__ import annotations

from simulators.stripe import collect, dunning, endings, life, people
from simulators.stripe.endpoints import Desk, endpoint, page
from simulators.stripe.errors import invalid, refused
from simulators.stripe.forms import in_range, merged_metadata, one_of, truth, whole
from simulators.stripe.pay_errors import card_error
from simulators.stripe.search import search
from simulators.stripe.world import Obj, World

_STATUSES = ("draft", "open", "paid", "uncollectible", "void")
_COLLECTION = ("charge_automatically", "send_invoice")
_WHILE_DRAFT = (
    "description footer default_payment_method collection_method days_until_due due_date number "
    "statement_descriptor"
)
_WHILE_OPEN = ("auto_advance", "metadata", "expand", "default_payment_method")
_WHEN_CLOSED = ("auto_advance", "metadata", "expand")


@endpoint(
    "GET",
    "/v1/invoices",
    "invoice_read",
    "limit starting_after ending_before status customer subscription created collection_method "
    "due_date",
)
def list_invoices(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    status = one_of(params, "status", _STATUSES)
    collection = one_of(params, "collection_method", _COLLECTION)
    customer, subscription = params.get("customer"), params.get("subscription")
    if customer is not None:
        world.get("customer", customer, param="customer")
    owner = customer
    if subscription is not None:
        owner = world.get("subscription", subscription, param="subscription")["customer"]
        if customer not in (None, owner):
            owner = "nobody"

    def keep(row: Obj) -> bool:
        return (
            status in (None, row["status"])
            and collection in (None, row["collection_method"])
            and in_range(params, "created", row["created"])
            and in_range(params, "due_date", row["due_date"])
            and subscription in (None, _subscription_id(row))
        )

    return page(desk, "invoice", "/v1/invoices", keep, owner=owner)


def _subscription_id(invoice: Obj) -> str | None:
    parent = invoice["parent"]
    return str(parent["subscription_details"]["subscription"]) if parent else None


@endpoint("GET", "/v1/invoices/search", "invoice_read", "query limit page")
def search_invoices(desk: Desk) -> Obj:
    return search(desk, "invoice", "/v1/invoices/search")


@endpoint("GET", "/v1/invoices/{invoice}", "invoice_read")
def retrieve_invoice(desk: Desk) -> Obj:
    return desk.world.get("invoice", desk.ids[0])


@endpoint(
    "GET", "/v1/invoices/{invoice}/lines", "invoice_read", "limit starting_after ending_before"
)
def list_lines(desk: Desk) -> Obj:
    invoice = desk.world.get("invoice", desk.ids[0])
    lines: Obj = invoice["lines"]
    return lines


@endpoint(
    "POST", "/v1/invoices/{invoice}", "invoice_write", f"auto_advance metadata {_WHILE_DRAFT}"
)
def update_invoice(desk: Desk) -> Obj:
    world = desk.world
    invoice = world.get("invoice", desk.ids[0])
    update(world, invoice, desk.params)
    return invoice


def update(world: World, invoice: Obj, params: Obj) -> None:
    """Carry out an update; what a finalized invoice does not take is refused."""
    allowed: tuple[str, ...] = {
        "draft": ("auto_advance", "metadata", "expand", *_WHILE_DRAFT.split()),
        "open": _WHILE_OPEN,
    }.get(invoice["status"], _WHEN_CLOSED)
    barred = [name for name in params if name not in allowed]
    if "collection_method" in barred:
        raise refused(
            "You can't change the collection_method of a finalized invoice.",
            param="collection_method",
        )
    if barred:
        raise refused(
            f"Finalized invoices can't be updated in this way: {', '.join(barred)}",
            param=barred[0],
        )
    changes: Obj = {"metadata": merged_metadata(invoice["metadata"], params)}
    for name in ("description", "footer", "statement_descriptor", "number"):
        if name in params:
            changes[name] = params[name] or None
    if params.get("number"):
        world.life(invoice).number = params["number"]
    for name in ("days_until_due", "due_date"):
        if name in params:
            due = whole(params, name)
            changes["due_date"] = (
                due if name == "due_date" or due is None else world.now() + due * 86400
            )
    collection = one_of(params, "collection_method", _COLLECTION)
    if collection is not None:
        changes["collection_method"] = collection
        if collection == "send_invoice" and not changes.get("due_date"):
            raise invalid("due_date or days_until_due is needed.", param="days_until_due")
    if "default_payment_method" in params:
        customer = world.customer(invoice["customer"])
        changes["default_payment_method"] = people.owned_method(
            world, customer, params["default_payment_method"], param="default_payment_method"
        )
    if "auto_advance" in params:
        changes.update(_advance(world, invoice, truth(params, "auto_advance")))
    world.edit(invoice, "invoice.updated", changes)
    if "auto_advance" in changes and invoice["automatically_finalizes_at"] is not None:
        life.schedule_finalization(world, invoice)


def _advance(world: World, invoice: Obj, wanted: bool) -> Obj:
    status = invoice["status"]
    if wanted == invoice["auto_advance"] or status not in ("draft", "open"):
        return {}
    changes: Obj = {"auto_advance": wanted}
    if status == "open":
        changes.update(dunning.resume(world, invoice) if wanted else dunning.hold(world, invoice))
    elif wanted:
        moment = world.now() + int(world.behaviour.grace.total_seconds())
        changes["automatically_finalizes_at"] = moment
        if invoice["collection_method"] == "charge_automatically":
            changes["next_payment_attempt"] = moment
    else:
        world.life(invoice).token += 1
        changes["automatically_finalizes_at"] = None
        changes["next_payment_attempt"] = None
    return changes


@endpoint("POST", "/v1/invoices/{invoice}/finalize", "invoice_write", "auto_advance")
def finalize_invoice(desk: Desk) -> Obj:
    world = desk.world
    invoice = world.get("invoice", desk.ids[0])
    if "auto_advance" in desk.params and invoice["status"] == "draft":
        wanted = truth(desk.params, "auto_advance")
        world.edit(invoice, "invoice.updated", {"auto_advance": wanted})
    life.finalize(world, invoice, by_api=True)
    return invoice


@endpoint(
    "POST",
    "/v1/invoices/{invoice}/pay",
    "invoice_write",
    "payment_method off_session paid_out_of_band forgive",
)
def pay_invoice(desk: Desk) -> Obj:
    world, params = desk.world, desk.params
    invoice = world.get("invoice", desk.ids[0])
    out_of_band = truth(params, "paid_out_of_band")
    if invoice["status"] == "paid":
        raise refused("Invoice is already paid")
    if invoice["status"] == "void" or (invoice["status"] == "uncollectible" and not out_of_band):
        raise refused(f"Invoice is {invoice['status']} and cannot be paid")
    method = None
    if params.get("payment_method"):
        customer = world.customer(invoice["customer"])
        chosen = people.owned_method(
            world, customer, params["payment_method"], param="payment_method"
        )
        method = world.find("payment_method", chosen)
    if invoice["status"] == "draft":
        life.finalize(world, invoice, by_api=True)
        if invoice["status"] == "paid":
            return invoice
    if out_of_band:
        collect.settle(world, invoice, counts=False, off_stripe=True)
        return invoice
    decline = dunning.pay(world, invoice, method, on_session=not truth(params, "off_session", True))
    if decline is not None:
        raise card_error(world, invoice, decline)
    return invoice


@endpoint("POST", "/v1/invoices/{invoice}/void", "invoice_write")
def void_invoice(desk: Desk) -> Obj:
    invoice = desk.world.get("invoice", desk.ids[0])
    endings.void(desk.world, invoice)
    return invoice


@endpoint("POST", "/v1/invoices/{invoice}/mark_uncollectible", "invoice_write")
def mark_uncollectible(desk: Desk) -> Obj:
    invoice = desk.world.get("invoice", desk.ids[0])
    endings.mark_uncollectible(desk.world, invoice, "user_forgiven")
    return invoice
