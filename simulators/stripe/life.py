"""Subscriptions and invoices on the clock: renewals, drafts, finalization, the first attempt."""

from __future__ import annotations

from datetime import timedelta

from simulators.stripe import collect, dunning, endings, money, shapes_billing
from simulators.stripe.cards import Decline
from simulators.stripe.errors import refused
from simulators.stripe.periods import boundary, days
from simulators.stripe.world import Obj, Rhythm, World

INCOMPLETE_FOR = timedelta(hours=23)
"""How long a first payment may stay open before the subscription expires."""
DRAFT_WAITS_AT_MOST = timedelta(hours=72)


def current_period(world: World, subscription: Obj) -> tuple[int, int]:
    """Start and end of the running period by the subscription's rhythm."""
    rhythm = world.rhythms[subscription["id"]]
    if rhythm.step < 0 and rhythm.opening is not None:
        return rhythm.opening, rhythm.anchor
    return (
        boundary(rhythm.anchor, rhythm.interval, rhythm.count, rhythm.step),
        boundary(rhythm.anchor, rhythm.interval, rhythm.count, rhythm.step + 1),
    )


def schedule_renewal(world: World, subscription: Obj) -> None:
    """Let the subscription renew when its period ends, and announce that if told to."""
    rhythm = world.rhythms[subscription["id"]]
    rhythm.token += 1
    token = rhythm.token
    _, end = current_period(world, subscription)

    def step() -> None:
        if rhythm.token == token:
            renew(world, subscription, rhythm)

    def announce() -> None:
        if rhythm.token == token:
            _announce_renewal(world, subscription)

    world.at(end, step)
    lead = days(world.behaviour.upcoming_days)
    if lead and end - lead.total_seconds() > world.now():
        world.at(end - lead.total_seconds(), announce)


def renew(world: World, subscription: Obj, rhythm: Rhythm) -> None:
    """One period is over: the next one begins with its invoice."""
    if subscription["cancel_at_period_end"]:
        endings.cancel(world, subscription)
        return
    if subscription["status"] not in ("active", "past_due", "unpaid", "trialing"):
        return
    before = current_period(world, subscription)
    rhythm.step += 1
    period = current_period(world, subscription)
    invoice = draft(world, subscription, "subscription_cycle", billed=before, period=period)
    world.edit(
        subscription,
        "customer.subscription.updated",
        {
            "items": items_with_period(subscription, period),
            "latest_invoice": invoice["id"],
            "status": "active" if subscription["status"] == "trialing" else subscription["status"],
        },
    )
    schedule_renewal(world, subscription)


def items_with_period(subscription: Obj, period: tuple[int, int]) -> Obj:
    """The `items` list of a subscription moved to `period`."""
    items: Obj = {**subscription["items"]}
    items["data"] = [
        {**item, "current_period_start": period[0], "current_period_end": period[1]}
        for item in items["data"]
    ]
    return items


def draft(
    world: World,
    subscription: Obj,
    reason: str,
    *,
    billed: tuple[int, int],
    period: tuple[int, int],
    at_once: bool = False,
) -> Obj:
    """Create the invoice of a period as a draft; `at_once` leaves finalizing to the caller."""
    paused = subscription["pause_collection"]
    parked = subscription["status"] == "unpaid" or (
        paused is not None and paused["behavior"] == "keep_as_draft"
    )
    customer = world.customer(subscription["customer"])
    new = world.new_id("in")
    grace = int(world.behaviour.grace.total_seconds())
    invoice = shapes_billing.invoice(
        new,
        world.now(),
        customer["id"],
        subscription["currency"],
        **money.bill(world, subscription, new, period),
        **customer_fields(customer),
        auto_advance=not parked,
        automatically_finalizes_at=None if parked or at_once else world.now() + grace,
        billing_reason=reason,
        collection_method=subscription["collection_method"],
        description=subscription["description"],
        parent={
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
        period_start=billed[0],
        period_end=billed[1],
    )
    if subscription["collection_method"] == "send_invoice":
        due_days = subscription["days_until_due"] or 30
        invoice["due_date"] = world.now() + due_days * 86400
    invoice["next_payment_attempt"] = first_attempt_of(invoice)
    rhythm = world.rhythms[subscription["id"]]
    world.put(invoice)
    world.life(invoice).number, rhythm.next_invoice_number = rhythm.next_invoice_number, None
    event = world.emit("invoice.created", invoice)
    if not event["pending_webhooks"]:
        invoice["webhooks_delivered_at"] = world.now()
    if paused is not None and paused["behavior"] != "keep_as_draft":
        finalize(world, invoice, charges=False)
        if paused["behavior"] == "void":
            endings.void(world, invoice)
        else:
            endings.mark_uncollectible(world, invoice, "subscription_paused")
    elif not parked and not at_once:
        schedule_finalization(world, invoice)
    return invoice


def first_attempt_of(draft: Obj) -> int | None:
    """`next_payment_attempt` of a draft: when it will finalize, if it is charged then."""
    if draft["collection_method"] != "charge_automatically":
        return None
    moment: int | None = draft["automatically_finalizes_at"]
    return moment


def customer_fields(customer: Obj) -> Obj:
    """What an invoice copies from its customer until it is finalized."""
    return {
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
    }


def schedule_finalization(world: World, invoice: Obj) -> None:
    """Let a draft finalize at `automatically_finalizes_at`, unless somebody parks it."""
    life = world.life(invoice)
    life.token += 1
    token = life.token

    def step() -> None:
        if life.token != token or invoice["status"] != "draft" or not invoice["auto_advance"]:
            return
        waited = world.now() - invoice["created"]
        undelivered = invoice["webhooks_delivered_at"] is None
        limit = DRAFT_WAITS_AT_MOST.total_seconds()
        if world.behaviour.draft_waits_for_hooks and undelivered and waited < limit:
            world.after(timedelta(hours=1), step)
            return
        finalize(world, invoice)

    world.at(invoice["automatically_finalizes_at"], step)


def finalize(
    world: World, invoice: Obj, *, charges: bool = True, by_api: bool = False
) -> Decline | None:
    """Open a draft: number, links, payment intent; then the first attempt if it advances.

    `by_api` leaves that attempt to the clock, `charges=False` to the caller.
    """
    if invoice["status"] != "draft":
        raise refused(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        )
    now = world.now()
    customer = world.customer(invoice["customer"])
    life = world.life(invoice)
    life.token += 1
    number = life.number or next_number(world, customer)
    delay = int(world.behaviour.charge_after_api_finalize.total_seconds())
    automatic = invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically"
    planned = now + delay if by_api and automatic and invoice["total"] > 0 else None
    base = f"{world.invoice_pages}/i/acct_sim/{invoice['id']}"
    changes: Obj = {
        **customer_fields(customer),
        "status": "open",
        "number": number,
        "automatically_finalizes_at": None,
        "effective_at": now,
        "hosted_invoice_url": base,
        "invoice_pdf": f"{base}/pdf",
        "next_payment_attempt": planned,
        "status_transitions.finalized_at": now,
    }
    previous = world.alter(invoice, changes)
    if invoice["total"] > 0:
        _open_payment(world, invoice, customer)
    world.emit("invoice.finalized", invoice)
    world.emit("invoice.updated", invoice, previous)
    if invoice["total"] == 0:
        collect.settle(world, invoice, counts=False)
        return None
    if invoice["collection_method"] == "send_invoice":
        _send(world, invoice)
        return None
    if not charges or not invoice["auto_advance"]:
        return None
    if planned is not None:
        dunning.plan(world, invoice, planned)
        return None
    return dunning.attempt_automatically(world, invoice)


def next_number(world: World, customer: Obj) -> str:
    """The customer's next invoice number; counts up without an event, as Stripe does."""
    sequence = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = sequence + 1
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def _open_payment(world: World, invoice: Obj, customer: Obj) -> None:
    method = collect.method_for(world, invoice)
    intent = shapes_billing.payment_intent(
        world.new_id("pi"),
        world.now(),
        invoice["amount_due"],
        invoice["currency"],
        customer=customer["id"],
        description="Subscription update" if invoice["parent"] else None,
        status="requires_confirmation" if method is not None else "requires_payment_method",
    )
    world.put(intent)
    world.emit("payment_intent.created", intent)
    world.put(
        shapes_billing.invoice_payment(
            world.new_id("inpay"),
            world.now(),
            invoice["id"],
            intent["id"],
            amount_requested=invoice["amount_due"],
            currency=invoice["currency"],
        )
    )


def _send(world: World, invoice: Obj) -> None:
    if invoice["auto_advance"]:
        world.emit("invoice.sent", invoice)
        world.mailer.post(
            "invoice",
            customer=invoice["customer"],
            to=invoice["customer_email"],
            invoice=invoice["id"],
            delay=world.behaviour.mail_delay,
        )

    def overdue() -> None:
        subscription = world.subscription_of(invoice)
        if invoice["status"] != "open" or subscription is None:
            return
        if subscription["status"] == "active":
            world.edit(subscription, "customer.subscription.updated", {"status": "past_due"})

    if invoice["due_date"] is not None:
        world.at(invoice["due_date"], overdue)


def _announce_renewal(world: World, subscription: Obj) -> None:
    paused = subscription["pause_collection"] is not None
    if paused or subscription["status"] not in ("active", "past_due"):
        return
    period = current_period(world, subscription)
    customer = world.customer(subscription["customer"])
    preview = shapes_billing.invoice(
        f"upcoming_{subscription['id']}",
        world.now(),
        customer["id"],
        subscription["currency"],
        **money.bill(world, subscription, "upcoming", (period[1], period[1])),
        **customer_fields(customer),
        billing_reason="upcoming",
    )
    world.emit("invoice.upcoming", preview)
    world.mailer.post(
        "upcoming",
        customer=customer["id"],
        to=customer["email"],
        invoice=None,
        delay=timedelta(0),
    )


def first_invoice(world: World, subscription: Obj, *, charges: bool = True) -> Decline | None:
    """Bill the first period: finalized at once, attempted at once."""
    period = current_period(world, subscription)
    billed = (period[0], period[0])
    invoice = draft(
        world, subscription, "subscription_create", billed=billed, period=period, at_once=True
    )
    world.alter(subscription, {"latest_invoice": invoice["id"]})
    if invoice["status"] != "draft" or not invoice["auto_advance"]:
        return None
    return finalize(world, invoice, charges=charges)


def expire_if_incomplete(world: World, subscription: Obj) -> None:
    """After 23 hours without the first payment the subscription is over and its invoice void."""

    def step() -> None:
        if subscription["status"] != "incomplete":
            return
        world.rhythms[subscription["id"]].token += 1
        world.edit(
            subscription,
            "customer.subscription.updated",
            {"status": "incomplete_expired", "ended_at": world.now()},
        )
        invoice = world.find("invoice", subscription["latest_invoice"])
        if invoice is not None and invoice["status"] == "open":
            endings.void(world, invoice)

    world.after(INCOMPLETE_FOR, step)


def set_pause_collection(world: World, subscription: Obj, pause: Obj | None) -> Obj:
    """The change for `pause_collection`; at `resumes_at` it lifts itself, drafts stay parked."""
    if pause is not None and pause["resumes_at"] is not None:
        moment = pause["resumes_at"]

        def step() -> None:
            now = subscription["pause_collection"]
            if now is not None and now["resumes_at"] == moment:
                world.edit(
                    subscription, "customer.subscription.updated", {"pause_collection": None}
                )

        world.at(moment, step)
    return {"pause_collection": pause}
