"""What people are to write is held against the live fields too: their words, and their days."""

from __future__ import annotations

import pytest

from domain.ports import Health
from jobs.mapping_doctor import examine_mapping
from mappings.mapping_file import default_mapping, default_mapping_text, load_mapping
from tests.world import World

TEXT_FIELDS = {"salesforce": "Dunning_Hold_Reason__c", "hubspot": "billing_resolution_reason"}
"""A field of each shipped mapping that takes any text."""


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def told(world: World, text: str) -> dict[str, str]:
    """What is wrong with a mapping in the live CRM, by the name of the field."""
    system = world.sides[0].system
    found = examine_mapping(world.runtime, system, load_mapping(text, name=system))
    return {one.check.rsplit(".", 1)[-1]: one.detail for one in found if one.health is Health.WRONG}


def test_the_shipped_words_and_days_are_those_of_the_crm(world: World) -> None:
    assert told(world, default_mapping_text(world.sides[0].system)) == {}


@pytest.mark.parametrize("which", ["held", "released", "always", "never", "outcome"])
def test_a_word_that_nobody_can_choose_is_named(world: World, which: str) -> None:
    mapping = default_mapping(world.sides[0].system)
    override, outcome = mapping.override, mapping.task.outcome_field
    assert override is not None
    assert outcome is not None
    field, word = {
        "held": (mapping.hold.field, mapping.hold.held[0]),
        "released": (mapping.hold.field, mapping.hold.released[0]),
        "always": (override.field, override.always[0]),
        "never": (override.field, override.never[0]),
        "outcome": (outcome, next(iter(mapping.task.outcomes))),
    }[which]
    text = default_mapping_text(mapping.system)
    said = f"    {word}:" if which == "outcome" else f"[{word}]"
    assert said in text

    found = told(world, text.replace(said, said.replace(word, "Nobody says it"), 1))

    assert list(found) == [field]
    assert "'Nobody says it'" in found[field]


@pytest.mark.parametrize("which", ["promise", "until"])
def test_a_day_is_read_from_a_field_for_days(world: World, which: str) -> None:
    mapping = default_mapping(world.sides[0].system)
    field = mapping.promise if which == "promise" else mapping.hold.until
    text = default_mapping_text(mapping.system)
    reason = TEXT_FIELDS[mapping.system]
    text = text.replace(f"  reason: {reason}\n", "").replace(f": {field}\n", f": {reason}\n")

    found = told(world, text)

    assert list(found) == [reason]
    assert "the mapping expects date" in found[reason]


def test_a_text_takes_any_word(world: World) -> None:
    mapping = default_mapping(world.sides[0].system)
    assert mapping.override is not None
    text = default_mapping_text(mapping.system)
    reason = TEXT_FIELDS[mapping.system]
    text = text.replace(f"  reason: {reason}\n", "")

    assert told(world, text.replace(f"field: {mapping.override.field}", f"field: {reason}")) == {}
