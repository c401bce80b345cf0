"""One attempt to collect an invoice: which card, what the bank says, who is told."""

from __future__ import annotations

from typing import Any

from simulators.stripe import shapes_billing
from simulators.stripe.cards import Decline
from simulators.stripe.world import Obj, World, clone

NO_METHOD = Decline(
    code="missing",
    decline_code=None,
    message="There is no default payment method set on this customer, subscription or invoice.",
)
"""Nothing to charge: an attempt without a Charge."""


def method_for(world: World, invoice: Obj) -> Obj | None:
    """The card Stripe would use: the invoice's, else the subscription's, else the customer's."""
    subscription = world.subscription_of(invoice)
    customer = world.customer(invoice["customer"])
    for chosen in (
        invoice["default_payment_method"],
        subscription["default_payment_method"] if subscription else None,
        customer["invoice_settings"]["default_payment_method"],
    ):
        method = world.find("payment_method", chosen)
        if method is not None and method["customer"] == invoice["customer"]:
            return method
    return None


def charge(
    world: World, invoice: Obj, method: Obj | None, *, on_session: bool = False
) -> Decline | None:
    """Send the open amount to the bank once; None means that the money came.

    Touches the payment intent, the charge and, on success, the invoice payment; not the invoice.
    """
    if method is None:
        return NO_METHOD
    intent = world.intent_of(invoice)
    if intent is None:
        raise LookupError(f"{invoice['id']} has no payment intent: it is not finalized")
    spec = world.cards[method["id"]]
    decline = spec.decline()
    if on_session and spec.kind == "authenticate":
        decline = None
    made = _charge_object(world, invoice, intent, method, decline)
    world.put(made)
    if decline is None:
        world.emit("charge.succeeded", made)
        world.alter(
            intent,
            {
                "status": "succeeded",
                "amount_received": intent["amount"],
                "latest_charge": made["id"],
                "last_payment_error": None,
                "next_action": None,
                "payment_method": method["id"],
            },
        )
        world.emit("payment_intent.succeeded", intent)
        return None
    asks = spec.kind == "authenticate"
    world.emit("charge.failed", made)
    world.alter(
        intent,
        {
            "status": "requires_action" if asks else "requires_payment_method",
            "latest_charge": made["id"],
            "last_payment_error": {
                **decline.error(),
                "charge": made["id"],
                "payment_method": clone(method),
            },
            "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": {}} if asks else None,
            "payment_method": method["id"] if asks else None,
        },
    )
    world.emit("payment_intent.payment_failed", intent)
    if asks:
        world.emit("payment_intent.requires_action", intent)
    return decline


def _charge_object(
    world: World, invoice: Obj, intent: Obj, method: Obj, decline: Decline | None
) -> Obj:
    outcome: Obj = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 11,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    good = decline is None
    new = world.new_id("ch")
    receipt = f"https://pay.stripe.com/receipts/invoices/{new}"
    return shapes_billing.charge(
        new,
        world.now(),
        intent["amount"],
        intent["currency"],
        amount_captured=intent["amount"] if good else 0,
        billing_details=clone(method["billing_details"]),
        captured=good,
        customer=invoice["customer"],
        description="Subscription update" if invoice["parent"] else None,
        failure_code=decline.code if decline else None,
        failure_message=decline.message if decline else None,
        outcome=decline.outcome() if decline else outcome,
        paid=good,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=card_details(method, intent["amount"]),
        receipt_email=invoice["customer_email"] if good else None,
        receipt_url=receipt if good else None,
        status="succeeded" if good else "failed",
    )


def card_details(method: Obj, amount: int) -> Obj:
    """`charge.payment_method_details`: the card as it was when it was charged."""
    card = method["card"]
    shown: dict[str, Any] = {
        name: clone(card[name])
        for name in "brand checks country exp_month exp_year fingerprint funding last4".split()
    }
    shown.update(
        {
            "amount_authorized": amount,
            "authorization_code": None,
            "installments": None,
            "mandate": None,
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": None,
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "wallet": None,
        }
    )
    return {"card": shown, "type": "card"}


def settle(world: World, invoice: Obj, *, counts: bool, off_stripe: bool = False) -> None:
    """The invoice is paid: close it, lift the subscription, thank the customer.

    `counts` raises `attempt_count`: true for automatic attempts and for the very first one.
    """
    now, due = world.now(), invoice["amount_due"]
    payment = world.payment_of(invoice)
    if payment is not None and not off_stripe:
        world.alter(
            payment,
            {"status": "paid", "amount_paid": due, "status_transitions.paid_at": now},
        )
        world.emit("invoice_payment.paid", payment)
    if payment is not None and off_stripe:
        world.alter(payment, {"status": "canceled", "status_transitions.canceled_at": now})
        intent = world.intent_of(invoice)
        if intent is not None and intent["status"] != "succeeded":
            world.alter(intent, {"status": "canceled", "canceled_at": now})
            world.emit("payment_intent.canceled", intent)
    life = world.life(invoice)
    life.token += 1
    life.planned_for = None
    previous = world.alter(
        invoice,
        {
            "status": "paid",
            "status_details": None,
            "amount_paid": due,
            "amount_paid_off_stripe": due if off_stripe else 0,
            "amount_remaining": 0,
            "attempted": True,
            "attempt_count": invoice["attempt_count"] + (1 if counts else 0),
            "auto_advance": False,
            "next_payment_attempt": None,
            "status_transitions.paid_at": now,
        },
    )
    world.emit("invoice.updated", invoice, previous)
    world.emit("invoice.paid", invoice)
    if not off_stripe:
        world.emit("invoice.payment_succeeded", invoice)
    world.edit(world.customer(invoice["customer"]), "customer.updated", {"delinquent": False})
    subscription = world.subscription_of(invoice)
    if (
        subscription is not None
        and subscription["latest_invoice"] == invoice["id"]
        and subscription["status"] in ("past_due", "incomplete", "unpaid")
    ):
        world.edit(subscription, "customer.subscription.updated", {"status": "active"})
    if world.behaviour.receipts and not off_stripe and due > 0 and not world.is_history:
        world.mailer.post(
            "receipt",
            customer=invoice["customer"],
            to=invoice["customer_email"],
            invoice=invoice["id"],
            delay=world.behaviour.mail_delay,
        )


def mail_about_failure(world: World, invoice: Obj, decline: Decline) -> None:
    """The robotic mail: "your payment failed", or "please confirm your payment"."""
    behaviour = world.behaviour
    asks = decline.code == "authentication_required"
    if not (behaviour.action_mails if asks else behaviour.failure_mails):
        return
    world.mailer.post(
        "action_required" if asks else "payment_failed",
        customer=invoice["customer"],
        to=invoice["customer_email"],
        invoice=invoice["id"],
        delay=behaviour.mail_delay,
        unless=lambda: not behaviour.queued_mail_survives_hold and not invoice["auto_advance"],
    )
