"""The past of a subscription: its paid invoices, and the failures that the audit should find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulators.stripe import collect, dunning, endings, life, people
from simulators.stripe.cards import parse_card
from simulators.stripe.world import Obj, World

Entry = tuple[Any, ...]
"""("failed_then_paid", periods_ago, days[, decline code]) or ("lost", periods_ago[, code])."""


def write_history(world: World, subscription: Obj, periods: int, entries: Sequence[Entry]) -> None:
    """Create the invoices of the last `periods` periods, oldest first, without any event.

    `periods_ago` counts from the next renewal: 1 is the period that runs now.
    """
    told = {entry[1]: entry for entry in entries}
    unknown = [ago for ago in told if not 1 <= ago <= periods]
    if unknown:
        raise ValueError(f"no invoice {unknown[0]} periods ago: the past holds {periods}")
    customer = world.customer(subscription["customer"])
    rhythm = world.rhythms[subscription["id"]]
    chosen = customer["invoice_settings"]["default_payment_method"]
    present = int(world.clock.seconds())
    with world.pretending(present):
        method = world.find("payment_method", chosen) or people.new_method(
            world, parse_card("good")
        )
    spec = world.cards[method["id"]]
    for ago in range(periods, 0, -1):
        rhythm.step = -ago
        period = life.current_period(world, subscription)
        first = ago == periods
        with world.pretending(period[0]):
            invoice = life.draft(
                world,
                subscription,
                "subscription_create" if first else "subscription_cycle",
                billed=(period[0], period[0]) if first else _before(world, subscription),
                period=period,
                at_once=True,
            )
        subscription["latest_invoice"] = invoice["id"]
        charged = min(present, period[0] + (0 if first else 3600))
        with world.pretending(charged):
            life.finalize(world, invoice, charges=False)
        _collect(world, invoice, method, told.get(ago), charged, present)
        subscription["status"] = "active"
    world.cards[method["id"]] = spec


def _before(world: World, subscription: Obj) -> tuple[int, int]:
    rhythm = world.rhythms[subscription["id"]]
    rhythm.step -= 1
    period = life.current_period(world, subscription)
    rhythm.step += 1
    return period


def _collect(
    world: World, invoice: Obj, method: Obj, entry: Entry | None, start: int, present: int
) -> None:
    def charge(moment: float, card: str) -> None:
        world.cards[method["id"]] = parse_card(card)
        with world.pretending(min(present, moment)):
            decline = collect.charge(world, invoice, method)
            if decline is None:
                collect.settle(world, invoice, counts=True)
            else:
                dunning.fail(world, invoice, decline, counts=True, next_at=None)

    if invoice["status"] == "paid":
        return
    if entry is None:
        charge(start, "good")
        return
    lost = entry[0] == "lost"
    rest = entry[2:] if lost else entry[3:]
    bad = f"declines:{rest[0] if rest else 'insufficient_funds'}"
    limit = max(world.behaviour.retry_days, default=0) if lost else float(entry[2])
    slots = [day for day in world.behaviour.retry_days if day < limit or lost]
    for day in [0.0, *slots]:
        charge(start + day * 86400, bad)
    if not lost:
        charge(start + limit * 86400, "good")
        return
    with world.pretending(min(present, start + limit * 86400)):
        endings.mark_uncollectible(world, invoice, "max_payment_attempts")
