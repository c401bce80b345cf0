"""Scenes that the journeys about silence begin with, and how they look at Stripe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mappings.policy_file import preset_text
from sync.configs import POLICY
from tests.sides import Side
from tests.world import START, World

Settings = dict[str, object]


def failed_vip(world: World, **fields: object) -> tuple[str, str]:
    """A VIP whose renewal was taken over and has failed: held by the policy, with a task."""
    customer, account = world.vip(**fields)  # type: ignore[arg-type]
    world.hours(4)
    return customer, account


def failed_high(world: World, name: str = "Northgate Capital", **fields: object) -> tuple[str, str]:
    """An account below the VIP line whose renewal Stripe tried itself: a task, and no hold."""
    customer, account = world.vip(name, amount=60_000, CSM__c=None, number=None, **fields)  # type: ignore[arg-type]
    world.hours(4)
    return customer, account


def failed_vip_in(world: World, crm: Side) -> tuple[str, str]:
    """`failed_vip`, in whichever CRM it is."""
    customer = world.customer()
    account = crm.add_account("Aurelius Partners", customer=customer)
    world.hours(4)
    return customer, account


def failed_high_in(world: World, crm: Side) -> tuple[str, str]:
    """`failed_high`, in whichever CRM it is."""
    customer = world.customer("Northgate Capital", amount=60_000)
    account = crm.add_account("Northgate Capital", customer=customer, csm=None)
    world.hours(4)
    return customer, account


def held_high(world: World, name: str = "Northgate Capital") -> tuple[str, str]:
    """The same, and a CSM has marked it in resolution."""
    customer, account = failed_high(world, name)
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    return customer, account


def settings_of(world: World, customer: str) -> Settings:
    """All that dunning depends on, of every open or draft invoice and every live subscription."""
    found: Settings = {
        invoice["id"]: (invoice["auto_advance"], dict(invoice["metadata"]))
        for invoice in world.stripe.invoices(customer)
        if invoice["status"] in ("open", "draft")
    }
    for one in world.stripe.state()["objects"]["subscription"].values():
        if one["customer"] == customer and one["status"] != "canceled":
            found[one["id"]] = (one["pause_collection"], dict(one["metadata"]))
    return found


def is_quiet_at_stripe(world: World, customer: str) -> bool:
    """Whether nothing could happen by itself, asked of the simulated account and not of us."""
    invoices = [
        one for one in world.stripe.invoices(customer) if one["status"] in ("open", "draft")
    ]
    live = [
        one
        for one in world.stripe.state()["objects"]["subscription"].values()
        if one["customer"] == customer and one["status"] in ("active", "past_due", "unpaid")
    ]
    return not any(one["auto_advance"] for one in invoices) and all(
        one["pause_collection"] for one in live
    )


def open_invoice(world: World, customer: str) -> str:
    """The id of the customer's one open invoice."""
    (one,) = world.stripe.invoices(customer, "open")
    return str(one["id"])


def subscription_of(world: World, customer: str) -> str:
    """The id of the customer's one subscription."""
    (found,) = [
        id
        for id, one in world.stripe.state()["objects"]["subscription"].items()
        if one["customer"] == customer
    ]
    return str(found)


def charges(world: World, customer: str, *, paid: bool | None = None) -> list[dict[str, Any]]:
    """The tries to collect from a customer, the two paid years before the story left out."""
    return [
        one
        for one in world.stripe.state()["objects"]["charge"].values()
        if one["customer"] == customer
        and one["created"] >= int(START.timestamp())
        and paid in (None, one["paid"])
    ]


def stripe_writes(world: World, *parts: str) -> list[str]:
    """The paths of our writes to Stripe so far that name one of the ids."""
    return [
        call.path
        for call in world.stripe.writes()
        if not parts or any(part in call.path for part in parts)
    ]


def put_policy(world: World, *changes: tuple[str, str]) -> None:
    """Store a new version of the default policy with these texts replaced."""
    text = preset_text("default")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    with world.runtime.store.begin() as tx:
        tx.system.add_config(POLICY, text, author="admin", note="a test", now=world.clock.now())


def glide(world: World, *, days: int, step: int = 6) -> None:
    """Let days go by while we only wake up every `step` days: cheap, and the harder case."""
    for start in range(0, days, step):
        world.advance(timedelta(days=min(step, days - start)), settle=False)
        world.settle()


def story(world: World, customer: str, kind: str) -> list[str]:
    """The audit lines of one kind."""
    with world.runtime.store.begin() as tx:
        lines = tx.audit.of_account(world.account(customer))
    return [line.text for line in lines if line.kind == kind]
