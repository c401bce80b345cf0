"""What people say in a CRM is noted on the customer, whichever CRM it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mappings.mapping_file import default_mapping, default_mapping_text
from sync.configs import mapping_name
from tests.world import World, build


@pytest.fixture(params=["salesforce", "hubspot"])
def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """A world with one CRM."""
    made = build(database_url, redis_url, crms=[request.param])
    yield made
    made.close()


@pytest.mark.req("R6")
@pytest.mark.req("R7", partly="the notes")
def test_the_owner_is_noted_once_and_an_empty_word_not_at_all(world: World) -> None:
    (crm,) = world.sides
    mapping = default_mapping(crm.system)
    owner = next(path for role, path in mapping.people.items() if role.value == "account_owner")
    rows = (
        "\nrows:\n"
        f"  - {{ours: account.owner, flow: <-, theirs: {owner}, wins: crm}}\n"
        f"  - {{ours: account.resolution, flow: <-, theirs: {mapping.hold.field}, wins: crm}}\n"
    )
    text = default_mapping_text(crm.system).replace("\nrows:\n", rows, 1)
    with world.runtime.store.begin() as tx:
        tx.system.add_config(
            mapping_name(crm.system), text, author="admin", note="a test", now=world.clock.now()
        )
    customer = world.customer()
    crm.add_account("Aurelius Partners", customer=customer)

    world.hours(4)
    written = len(world.stripe.writes())
    world.hours(1)

    assert world.stripe.world.customer(customer)["metadata"] == {
        "kidglove_owner": "Felix Nordstrom"
    }
    assert len(world.stripe.writes()) == written
