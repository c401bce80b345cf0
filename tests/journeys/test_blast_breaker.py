"""More at once than the mapping allows stops, is told once, and waits for a person."""

from __future__ import annotations

from mappings.mapping_file import default_mapping_text
from sync.breaker import Breaker
from sync.configs import mapping_name
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
