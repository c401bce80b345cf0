"""The world as comparable JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulators.stripe.front import Seen
from simulators.stripe.world import World, clone

_BOOKKEEPING_KINDS = {
    "event",
    "webhook_endpoint",
    "billing_portal.session",
    "billing_portal.configuration",
    "test_helpers.test_clock",
}
_BOOKKEEPING_FIELDS = {"webhooks_delivered_at", "updated"}


def canonical(world: World, seen: Sequence[Seen], *, volatile: bool) -> dict[str, Any]:
    """Objects by kind and id, plans, cards and mails, in an order that a diff can follow."""
    objects: dict[str, Any] = {}
    for kind in sorted(world.shelves):
        if not volatile and kind in _BOOKKEEPING_KINDS:
            continue
        items = world.shelves[kind].items
        objects[kind] = {key: _object(items[key], volatile) for key in sorted(items)}
    mails = [
        {"kind": mail.kind, "customer": mail.customer, "to": mail.to, "invoice": mail.invoice}
        for mail in world.mailer.sent
    ]
    state: dict[str, Any] = {
        "objects": objects,
        "planned_attempts": {
            key: world.lives[key].planned_for
            for key in sorted(world.lives)
            if world.lives[key].planned_for is not None
        },
        "cards": {key: world.cards[key].text for key in sorted(world.cards)},
        "mails": sorted(mails, key=lambda mail: tuple(str(value) for value in mail.values())),
    }
    if volatile:
        state["now"] = world.now()
        state["requests"] = [
            {
                "method": call.method,
                "path": call.path,
                "params": clone(call.params),
                "idempotency_key": call.idempotency_key,
                "status": call.status,
            }
            for call in seen
        ]
    return state


def _object(obj: Any, volatile: bool) -> Any:
    copy = clone(obj)
    if not volatile:
        for name in _BOOKKEEPING_FIELDS:
            copy.pop(name, None)
    return copy
