"""Carrying out a write on a customer of the payment system."""

from __future__ import annotations

from domain.errors import Conflict, KidgloveError
from domain.ports import CustomerChange, WritesCustomer
from domain.rows import StoredEffect
from sync.checkpoints import Checkpoint, reached
from sync.receipts import Done


def write_customer(effect: StoredEffect, customers: WritesCustomer) -> Done:
    """Write what differs and say what stands there. Raises the error class that says what next.

    A second call finds everything as wanted and sends nothing. What only gives back yields to
    whatever somebody has written there since.
    """
    body = effect.body
    change = CustomerChange(
        customer=str(body["customer"]),
        values=dict(body["values"]),
        expected=dict(body["expected"]),
        key=effect.key,
    )
    reached(Checkpoint.EFFECT_STARTED)
    (answer,) = customers.write_customers([change])
    reached(Checkpoint.EFFECT_SENT)
    if isinstance(answer, Conflict) and body.get("yields"):
        note = f"{', '.join(change.values)} is left: somebody has changed it since"
        return Done(receipt={"id": change.customer, "now": {}, "fields": {}, "note": note})
    if isinstance(answer, KidgloveError):
        raise answer
    return Done(
        receipt={
            "id": change.customer,
            "now": dict(answer.now),
            "fields": dict(answer.fields),
            "note": "" if answer.was_written else "it stood there already",
        }
    )
