"""What people do in the CRM, and what they find there: for journeys of the task."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.effects import EffectKind
from domain.rows import EffectState, StoredEffect
from tests.sides import Side, living
from tests.world import World


def polled(world: World) -> None:
    """The next poll of each CRM takes place, and everything that follows from it.

    Changes of tasks are found by it; accounts also announce theirs. Moments pass before it, because
    a list of changes ends before the present.
    """
    world.advance(timedelta(seconds=5))
    for side in world.sides:
        world.runtime.upkeep(f"poll:{side.system}")
    world.settle()


def completes(world: World, crm: Side, account: str, outcome: str | None = None) -> None:
    """The CSM completes the living task, and the next poll finds it."""
    crm.complete(living(crm, account), outcome)
    polled(world)


def text(crm: Side, account: str) -> str:
    """The text of the living task."""
    return living(crm, account).text


def line(crm: Side, account: str, label: str) -> str:
    """One line of its first screen."""
    return next(one for one in text(crm, account).splitlines() if one.startswith(f"{label}: "))


def vip(world: World, **details: Any) -> tuple[str, str]:
    """A VIP with two years of paid history, in both systems; returns customer and account."""
    made = world.customer()
    return made, world.sides[0].add_account("Aurelius Partners", customer=made, **details)


def customer(world: World, name: str, *, mrr: int, **parts: Any) -> tuple[str, str]:
    """A customer with so much a month (in minor units) and a card that will be declined, in both
    systems; returns customer and account. `card`, `metadata`, `months`, `details` may be given."""
    made = world.stripe.add_customer(
        name,
        f"ap@{name.lower().replace(' ', '-')}.example",
        card=parts.get("card", "declines:insufficient_funds"),
        metadata=parts.get("metadata"),
    )
    world.stripe.add_subscription(
        made,
        amount=mrr,
        started_months_ago=parts.get("months", 12),
        next_renewal_in=parts.get("renews_in", timedelta(hours=2)),
        history=parts.get("history", ()),
        quantity=parts.get("quantity", 1),
        product=parts.get("product", "Plan"),
    )
    details = {"csm": None, "health": None, **parts.get("details", {})}
    return made, world.sides[0].add_account(name, customer=made, **details)


def kept(world: World, customer: str, *, rule: str | None = None) -> list[StoredEffect]:
    """Every write of a task that was carried out for this customer, oldest first."""
    with world.runtime.store.begin() as tx:
        found = tx.effects.of_account(world.account(customer))
    return [
        one
        for one in reversed(found)
        if one.kind is EffectKind.KEEP_TASK
        and one.state is EffectState.DONE
        and rule in (None, one.rule)
    ]


def full_account(
    world: World, *, card: str = "declines:insufficient_funds"
) -> tuple[str, str, str]:
    """A VIP of whom everything is on record; returns customer, account and contact."""
    crm = world.sides[0]
    made, account = customer(
        world,
        "Aurelius Partners",
        mrr=1_420_000,
        card=card,
        months=24,
        history=[("failed_then_paid", 5, 3), ("failed_then_paid", 10, 5)],
        details={
            "csm": crm.people["csm"],
            "health": 62,
            "health_at": datetime(2026, 11, 18, 9, tzinfo=UTC),
            "cs_tier": "Gold",
            "expansion": 30_000,
            "renewal_call": date(2026, 12, 9),
            "contract": "Annual",
            "contract_end": date(2027, 4, 30),
        },
    )
    contact = crm.add_payer(account, "Dana", "Ruiz", "dana@aurelius.example")
    crm.add_ticket(account, "Single sign-on fails")
    crm.add_meeting(account, "Planned the winter rollout", datetime(2026, 11, 12, 15, tzinfo=UTC))
    return made, account, contact
