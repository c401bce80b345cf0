"""A stored policy or mapping that cannot be read changes nothing, and somebody is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.case import CaseState
from mappings.mapping_file import default_mapping, default_mapping_text
from mappings.policy_file import preset, preset_text
from store.unit_of_work import UnitOfWork
from sync.configs import Config, Configs
from tests.world import World

NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
POLICY, MAPPING = "policy", "mapping:salesforce"
RELATIONSHIP = preset_text("relationship-first")
UNREADABLE = [
    "",
    "[]",
    "{",
    "just words",
    "a: &a [*a]",
    "\t- tabs",
    RELATIONSHIP + "\nno_such_line: 1\n",
    RELATIONSHIP + "\n---\nsecond: document\n",
    "x: " + "y" * 300_000,
]


@pytest.fixture
def configs() -> Configs:
    return Configs(default_preset="default", crms=["salesforce"])


def put(store: UnitOfWork, name: str, *texts: str) -> None:
    with store.begin() as tx:
        for text in texts:
            tx.system.add_config(name, text, author="admin", note="test", now=NOW)


def current(store: UnitOfWork, configs: Configs) -> Config:
    with store.begin() as tx:
        return configs.current(tx, NOW)


def alerts(store: UnitOfWork) -> list[str]:
    with store.begin() as tx:
        return [one.text for one in tx.audit.alerts()]


def test_with_nothing_stored_what_ships_is_in_force(store: UnitOfWork, configs: Configs) -> None:
    found = current(store, configs)

    assert found.policy == preset("default")
    assert found.mappings["salesforce"] == default_mapping("salesforce")
    assert found.label == "policy:default mapping:salesforce:shipped"
    assert alerts(store) == []


def test_a_new_version_is_in_force_at_once(store: UnitOfWork, configs: Configs) -> None:
    current(store, configs)
    put(store, POLICY, RELATIONSHIP)

    assert current(store, configs).policy == preset("relationship-first")


@pytest.mark.parametrize("text", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_policy_that_cannot_be_read_leaves_the_one_before_in_force(
    text: str, store: UnitOfWork, configs: Configs
) -> None:
    put(store, POLICY, RELATIONSHIP, text)

    found = current(store, configs)

    assert found.policy == preset("relationship-first")
    assert found.label == "policy@1 mapping:salesforce:shipped"
    (alert,) = alerts(store)
    assert alert.startswith("policy@2 cannot be used, and policy@1 stays in force.")


def test_the_alert_names_the_mistake_and_comes_once(store: UnitOfWork, configs: Configs) -> None:
    put(store, POLICY, RELATIONSHIP, RELATIONSHIP + "\nno_such_line: 1\n")

    for _ in range(3):
        current(store, configs)
    current(store, Configs(default_preset="default", crms=["salesforce"]))

    (alert,) = alerts(store)
    assert "no_such_line" in alert


def test_several_versions_that_cannot_be_read_are_all_passed_over(
    store: UnitOfWork, configs: Configs
) -> None:
    put(store, POLICY, RELATIONSHIP, "{", "[]", "just words")

    assert current(store, configs).label.startswith("policy@1 ")
    assert len(alerts(store)) == 3


def test_with_no_version_that_can_be_read_what_ships_is_in_force_and_the_alert_says_so(
    store: UnitOfWork, configs: Configs
) -> None:
    put(store, POLICY, "{")

    found = current(store, configs)

    assert found.policy == preset("default")
    (alert,) = alerts(store)
    assert alert.startswith("policy@1 cannot be used, and policy:default stays in force.")


def test_a_mapping_that_cannot_be_read_leaves_the_one_before_in_force(
    store: UnitOfWork, configs: Configs
) -> None:
    put(store, MAPPING, default_mapping_text("salesforce"), "object: 7")

    found = current(store, configs)

    assert found.mappings["salesforce"] == default_mapping("salesforce")
    assert found.label == "policy:default mapping:salesforce@1"
    assert alerts(store)[0].startswith("mapping:salesforce@2 cannot be used")


def test_a_corrected_version_is_in_force_at_once(store: UnitOfWork, configs: Configs) -> None:
    put(store, POLICY, "{")
    current(store, configs)

    put(store, POLICY, RELATIONSHIP)

    assert current(store, configs).label.startswith("policy@2 ")


def test_a_version_that_is_taken_back_by_storing_the_old_text_again_is_a_new_version(
    store: UnitOfWork, configs: Configs
) -> None:
    put(store, POLICY, preset_text("default"), RELATIONSHIP, preset_text("default"))

    found = current(store, configs)

    assert found.policy == preset("default")
    assert found.label.startswith("policy@3 ")


def test_work_goes_on_while_a_stored_policy_and_mapping_cannot_be_read(world: World) -> None:
    put(world.runtime.store, POLICY, "{")
    put(world.runtime.store, MAPPING, "{")
    customer, account = world.vip()

    world.hours(4)

    assert world.open_case(customer).state is CaseState.WITH_PERSON
    assert world.task(account)["OwnerId"] == world.people["csm"]
    assert len([one for one in world.alerts() if "cannot be used" in one]) == 2
