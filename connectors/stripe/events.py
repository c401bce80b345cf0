"""The events that say "look at this customer again", and which endpoint they must be sent to."""

from __future__ import annotations

INVOICE = (
    "invoice.created",
    "invoice.finalized",
    "invoice.finalization_failed",
    "invoice.updated",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.payment_attempt_required",
    "invoice.marked_uncollectible",
    "invoice.voided",
    "invoice.overdue",
    "invoice.will_be_due",
)
SUBSCRIPTION = (
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
)
CUSTOMER = ("customer.created", "customer.updated", "customer.deleted")
PAYMENT_METHOD = (
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
)
CHARGE = ("charge.failed",)

EVENTS = (*INVOICE, *SUBSCRIPTION, *CUSTOMER, *PAYMENT_METHOD, *CHARGE)
"""The endpoint's subscription. Others are stored and ignored.

Left out on purpose: `invoice_payment.paid` and `charge.dispute.created` name no customer, and
`invoice.payment_succeeded` is `invoice.paid` without payments made outside Stripe.
"""
