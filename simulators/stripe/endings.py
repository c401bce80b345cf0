"""How subscriptions and invoices end or stand still: cancel, pause, void, uncollectible."""

from __future__ import annotations

from simulators.stripe.errors import refused
from simulators.stripe.world import Obj, World


def cancel(
    world: World, subscription: Obj, *, reason: str = "cancellation_requested", **why: str | None
) -> None:
    """Cancel now; open and draft invoices stop advancing but stay payable."""
    now = world.now()
    if subscription["id"] in world.rhythms:
        world.rhythms[subscription["id"]].token += 1
    world.alter(
        subscription,
        {
            "status": "canceled",
            "canceled_at": subscription["canceled_at"] or now,
            "ended_at": now,
            "cancellation_details": {
                **subscription["cancellation_details"],
                **why,
                "reason": reason,
            },
        },
    )
    world.emit("customer.subscription.deleted", subscription)
    for invoice in list(world.newest_first("invoice", subscription["customer"])):
        mine = world.subscription_of(invoice) is subscription
        if mine and invoice["status"] in ("draft", "open") and invoice["auto_advance"]:
            life = world.life(invoice)
            life.token += 1
            life.planned_for = None
            world.edit(
                invoice,
                "invoice.updated",
                {
                    "auto_advance": False,
                    "automatically_finalizes_at": None,
                    "next_payment_attempt": None,
                },
            )


def pause(world: World, subscription: Obj, cause: str) -> None:
    """Real `status=paused`: no invoices come until someone resumes it."""
    world.rhythms[subscription["id"]].token += 1
    previous = world.alter(
        subscription,
        {
            "status": "paused",
            "status_details": {
                "paused": {
                    "subscription": {"type": cause},
                    "transitioned_at": world.now(),
                    "type": "subscription",
                }
            },
        },
    )
    world.emit("customer.subscription.paused", subscription)
    world.emit("customer.subscription.updated", subscription, previous)


def void(world: World, invoice: Obj) -> None:
    """Final: the invoice was a mistake."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise refused(f"You can't void an invoice with a status of {invoice['status']}.")
    _close(world, invoice)
    previous = world.alter(
        invoice,
        {
            "status": "void",
            "auto_advance": False,
            "next_payment_attempt": None,
            "status_details": None,
            "status_transitions.voided_at": world.now(),
        },
    )
    world.emit("invoice.voided", invoice)
    world.emit("invoice.updated", invoice, previous)


def mark_uncollectible(world: World, invoice: Obj, reason: str) -> None:
    """Bad debt; it may still be paid or voided later."""
    if invoice["status"] != "open":
        raise refused(
            f"You can only mark an open invoice as uncollectible; this one is {invoice['status']}."
        )
    life = world.life(invoice)
    life.token += 1
    life.planned_for = None
    previous = world.alter(
        invoice,
        {
            "status": "uncollectible",
            "auto_advance": False,
            "next_payment_attempt": None,
            "status_details": {"uncollectible": {"reason": reason}},
            "status_transitions.marked_uncollectible_at": world.now(),
        },
    )
    world.emit("invoice.marked_uncollectible", invoice)
    world.emit("invoice.updated", invoice, previous)


def _close(world: World, invoice: Obj) -> None:
    life = world.life(invoice)
    life.token += 1
    life.planned_for = None
    now = world.now()
    payment, intent = world.payment_of(invoice), world.intent_of(invoice)
    if payment is not None:
        world.alter(payment, {"status": "canceled", "status_transitions.canceled_at": now})
    if intent is not None and intent["status"] != "succeeded":
        world.alter(intent, {"status": "canceled", "canceled_at": now})
        world.emit("payment_intent.canceled", intent)
