"""What people do in the simulated org, and what they find there: for journeys of the task."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.effects import EffectKind
from domain.rows import EffectState, StoredEffect
from tests.world import World

POLL = "poll:salesforce"
"""Changes of tasks are found by the poll; accounts also announce theirs."""


def polled(world: World) -> None:
    """The next poll of the CRM takes place, and everything that follows from it."""
    world.runtime.upkeep(POLL)
    world.settle()


def edits(world: World, account: str, *, by: str = "csm", **fields: object) -> None:
    """Somebody edits the living task, and the next poll finds it."""
    world.org.human(world.people[by]).update("Task", world.task(account)["Id"], fields)
    polled(world)


def completes(world: World, account: str, outcome: str | None = None) -> None:
    """The CSM completes the living task, and the next poll finds it."""
    world.org.human(world.people["csm"]).complete_task(world.task(account)["Id"], outcome)
    polled(world)


def logs_a_call(world: World, account: str, *, by: str = "csm") -> None:
    """Somebody logs a finished call of their own on the account."""
    made = world.org.human(world.people[by]).create(
        "Task",
        {"Subject": "Spoke with Dana", "WhatId": account, "TaskSubtype": "Call"},
    )
    world.org.human(world.people[by]).complete_task(made)
    polled(world)


def text(world: World, account: str) -> str:
    """The text of the living task."""
    return str(world.task(account)["Description"])


def line(world: World, account: str, label: str) -> str:
    """One line of its first screen."""
    return next(one for one in text(world, account).splitlines() if one.startswith(f"{label}: "))


def customer(world: World, name: str, *, mrr: int, **parts: Any) -> tuple[str, str]:
    """A customer with so much a month (in minor units) and a card that will be declined, in both
    systems; returns customer and account. `card`, `metadata`, `months`, `fields` may be given."""
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
    fields = {"Stripe_Customer_Id__c": made, **parts.get("fields", {})}
    account = world.org.add_account(name, owner=world.people["owner"], **fields)
    return made, account


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
    made, account = customer(
        world,
        "Aurelius Partners",
        mrr=1_420_000,
        card=card,
        months=24,
        history=[("failed_then_paid", 5, 3), ("failed_then_paid", 10, 5)],
        fields={
            "CSM__c": world.people["csm"],
            "Health_Score__c": 62,
            "Health_Score_At__c": datetime(2026, 11, 18, 9, tzinfo=UTC),
            "CS_Tier__c": "Gold",
            "Expansion_ARR__c": 30_000,
            "Renewal_Call__c": date(2026, 12, 9),
            "Contract_Type__c": "Annual",
            "Contract_End__c": date(2027, 4, 30),
        },
    )
    contact = world.org.add_contact(account, "Dana", "Ruiz", "dana@aurelius.example")
    world.csm(account, AP_Contact__c=contact)
    world.org.add_case(account, "Single sign-on fails", priority="High")
    world.org.add_event(
        account,
        "Planned the winter rollout",
        start=datetime(2026, 11, 12, 15, tzinfo=UTC),
        owner=world.people["csm"],
    )
    return made, account, contact
