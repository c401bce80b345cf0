"""Rows suggested by the live fields of each CRM are rows that the check and the doctor accept."""

from __future__ import annotations

import pytest

from domain.ports import Health
from jobs.mapping_doctor import examine_mapping, suggest_rows
from mappings.mapping_file import (
    check_mapping,
    default_mapping,
    default_mapping_text,
    load_mapping,
)
from mappings.row_edit import with_new_row
from tests.world import World


@pytest.fixture
def world(world_on_each_crm: World) -> World:
    """A world with one CRM, each in turn."""
    return world_on_each_crm


def test_all_first_suggestions_make_a_mapping_that_fits(world: World) -> None:
    side = world.sides[0]
    text = default_mapping_text(side.system)

    found = suggest_rows(world.runtime, side.system, default_mapping(side.system))
    for one in found.rows:
        text = with_new_row(text, one.said) if one.is_first else text

    mapping = load_mapping(text, name=side.system)
    assert {"customer.name", "customer.phone", "account.health"} <= {one.ours for one in found.rows}
    assert check_mapping(text, name=side.system) == []
    assert [
        one.check
        for one in examine_mapping(world.runtime, side.system, mapping)
        if one.health is Health.WRONG
    ] == []


def test_a_look_for_suggestions_is_one_call_and_writes_nothing(world: World) -> None:
    side = world.sides[0]
    side.add_account("Aurelius Partners", customer=None)
    calls, writes = side.calls(), side.writes()

    suggest_rows(world.runtime, side.system, default_mapping(side.system))

    assert (side.calls() - calls, side.writes() - writes) == (1, 0)
