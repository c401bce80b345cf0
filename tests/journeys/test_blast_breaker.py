"""More at once than the mapping allows stops, is told once, and waits for a person."""

from __future__ import annotations

from datetime import timedelta

from jobs.applying import carry_out
from jobs.plans import make_plan
from mappings.mapping_file import default_mapping_text
from sync.breaker import Breaker
from sync.configs import mapping_name
from tests.journeys.test_backfill import filler
from tests.world import World


def allow(world: World, limits: str) -> None:
    text = default_mapping_text("salesforce") + f"\nlimits: {{{limits}}}\n"
    with world.runtime.store.begin() as tx:
        tx.system.add_config(
            mapping_name("salesforce"), text, author="admin", note="a test", now=world.clock.now()
        )


def fail(world: World, count: int) -> list[str]:
    """So many VIPs whose renewals fail within the hour; their accounts."""
    accounts = [world.vip(f"Customer {number}", number=None)[1] for number in range(count)]
    world.hours(4)
    return accounts


def people_asked(world: World, accounts: list[str]) -> int:
    return sum(bool(world.tasks(account)) for account in accounts)


def stops_told(world: World) -> int:
    return sum("Stopped:" in text for text in world.alerts())


def test_tasks_beyond_the_limit_wait_until_a_person_lets_them_go(world: World) -> None:
    allow(world, "tasks_per_hour: 2")
    accounts = fail(world, 4)
    breaker = Breaker(world.runtime.store, world.clock)
    assert (people_asked(world, accounts), breaker.stopped(), stops_told(world)) == (2, 2, 1)

    assert breaker.release(by="Ann") == 2
    world.settle()

    assert (people_asked(world, accounts), breaker.stopped()) == (4, 0)


def test_what_is_dropped_is_not_sent(world: World) -> None:
    allow(world, "tasks_per_hour: 2")
    accounts = fail(world, 3)
    breaker = Breaker(world.runtime.store, world.clock)

    assert breaker.drop(by="Ann") == 1
    world.settle()

    assert (people_asked(world, accounts), breaker.stopped()) == (2, 0)


def test_at_the_limit_nothing_stops(world: World) -> None:
    allow(world, "tasks_per_hour: 3")
    accounts = fail(world, 3)

    assert (people_asked(world, accounts), stops_told(world)) == (3, 0)


def test_values_of_others_are_not_emptied_beyond_the_limit(world: World) -> None:
    allow(world, "blanked_fields: 0")
    _, account = world.vip(number=None, Dunning_Sync_Error__c="somebody else's note")

    world.hours(4)

    breaker = Breaker(world.runtime.store, world.clock)
    assert world.org.get(account)["Dunning_Sync_Error__c"] == "somebody else's note"
    assert (breaker.stopped(), stops_told(world)) == (1, 1)
    breaker.release(by="Ann")
    world.settle()
    assert world.org.get(account)["Dunning_Sync_Error__c"] is None


# ---------------------------------------------------------------- records changed unasked


PERCENT = "changed_percent: 40, changed_from: 5"


def known(world: World, count: int, *, limits: str = PERCENT) -> tuple[list[str], list[str]]:
    """So many healthy accounts that are in step, under a mapping applied days ago."""
    allow(world, limits)
    both = [
        world.vip(f"Customer {number}", card="good", renews_in=timedelta(days=25), number=None)
        for number in range(count)
    ]
    fill(world)
    world.days(4)
    return [customer for customer, _ in both], [account for _, account in both]


def fill(world: World) -> None:
    filler(world).run(again=True)
    world.settle()


def spoil(world: World, accounts: list[str]) -> None:
    """Somebody's import writes nonsense into a field that is ours, and nobody tells us."""
    for account in accounts:
        world.csm(account, Payment_Status__c="Lost")


def sweep(world: World) -> None:
    world.runtime.reconcile.sweep_everybody()
    world.settle()


def right(world: World, accounts: list[str]) -> int:
    return sum(world.org.get(account)["Payment_Status__c"] == "Current" for account in accounts)


def test_more_records_than_the_percentage_are_not_changed_unasked(world: World) -> None:
    _, accounts = known(world, 6)
    spoil(world, accounts)

    sweep(world)

    breaker = Breaker(world.runtime.store, world.clock)
    assert (right(world, accounts), breaker.stopped(), stops_told(world)) == (2, 4, 1)
    assert "of 6 linked records in salesforce changed within an hour" in world.alerts()[-1]


def test_a_person_lets_the_rest_of_the_records_go(world: World) -> None:
    _, accounts = known(world, 6)
    spoil(world, accounts)
    sweep(world)

    assert Breaker(world.runtime.store, world.clock).release(by="Ann") == 4
    world.settle()

    assert right(world, accounts) == 6


def test_what_is_stopped_is_neither_doubled_nor_let_go_by_another_look(world: World) -> None:
    _, accounts = known(world, 6)
    spoil(world, accounts)
    sweep(world)
    world.hours(3)

    sweep(world)

    breaker = Breaker(world.runtime.store, world.clock)
    assert (right(world, accounts), breaker.stopped(), stops_told(world)) == (2, 4, 1)


def test_a_percentage_of_few_records_stops_nothing(world: World) -> None:
    _, accounts = known(world, 4)
    spoil(world, accounts)

    sweep(world)

    assert (right(world, accounts), stops_told(world)) == (4, 0)


def test_up_to_the_percentage_nothing_stops(world: World) -> None:
    _, accounts = known(world, 6, limits="changed_percent: 50, changed_from: 5")
    spoil(world, accounts[:3])

    sweep(world)

    assert (right(world, accounts), stops_told(world)) == (6, 0)


def test_changes_of_another_hour_count_no_more(world: World) -> None:
    _, accounts = known(world, 6)
    spoil(world, accounts[:2])
    sweep(world)
    world.hours(2)
    spoil(world, accounts[2:4])

    sweep(world)

    assert (right(world, accounts), stops_told(world)) == (6, 0)


def test_a_fill_that_a_person_asked_for_is_not_stopped(world: World) -> None:
    _, accounts = known(world, 6)
    spoil(world, accounts)

    fill(world)

    assert (right(world, accounts), stops_told(world)) == (6, 0)


def test_what_a_mapping_that_was_just_applied_changes_is_not_stopped(world: World) -> None:
    _, accounts = known(world, 6)
    text = default_mapping_text("salesforce").replace("current: Current", "current: Paid")
    with world.runtime.store.begin() as tx:
        tx.system.add_config(
            mapping_name("salesforce"),
            f"{text}\nlimits: {{{PERCENT}}}\n",
            author="admin",
            note="a test",
            now=world.clock.now(),
        )

    world.days(1)
    sweep(world)

    assert [world.org.get(one)["Payment_Status__c"] for one in accounts] == ["Paid"] * 6
    assert stops_told(world) == 0


def apply_plan(world: World) -> None:
    """Somebody looks at the plan of another word for healthy accounts, and applies it."""
    text = default_mapping_text("salesforce").replace("current: Current", "current: Paid")
    plan = make_plan(world.runtime, "salesforce", f"{text}\nlimits: {{{PERCENT}}}\n")
    assert plan.written == 6
    carry_out(world.runtime, plan, note="a test", by="Ann", fill=False)


def test_what_an_applied_plan_showed_is_not_stopped(world: World) -> None:
    _, accounts = known(world, 6)
    apply_plan(world)

    world.days(1)
    sweep(world)

    assert [world.org.get(one)["Payment_Status__c"] for one in accounts] == ["Paid"] * 6
    assert stops_told(world) == 0


def test_what_no_plan_showed_is_stopped_in_the_days_after_one_too(world: World) -> None:
    _, accounts = known(world, 6)
    apply_plan(world)
    sweep(world)
    world.hours(2)
    before = [world.org.get(one)["Stripe_ARR__c"] for one in accounts]
    for account in accounts:
        world.csm(account, Stripe_ARR__c=1)

    sweep(world)

    now = [world.org.get(one)["Stripe_ARR__c"] for one in accounts]
    assert sum(one == was for one, was in zip(now, before, strict=True)) == 2
    assert stops_told(world) == 1


def test_a_vips_task_and_fields_go_out_while_bulk_changes_are_stopped(world: World) -> None:
    _, accounts = known(world, 6)
    spoil(world, accounts)
    sweep(world)
    customer, account = world.vip("Aurelius Partners")

    world.hours(4)

    assert world.open_case(customer).account == world.account(customer)
    assert world.org.get(account)["Payment_Status__c"] == "Payment failed"
    assert people_asked(world, [account]) == 1
    assert Breaker(world.runtime.store, world.clock).stopped() == 4
