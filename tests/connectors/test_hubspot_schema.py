"""What `kidglove hubspot setup` creates is what the simulated account plays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.hubspot.schema import GROUP, GROUP_LABEL, WANTED
from simulators.clock import SimClock
from simulators.hubspot import HubspotSim, custom
from tests.simulators.hubspot_stage import START


def plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """A definition without its description, its options as pairs."""
    options = [(one["value"], one["label"]) for one in body.get("options", ())]
    kept = {name: value for name, value in body.items() if name not in ("description", "options")}
    return {**kept, "options": options}


def test_the_simulator_plays_the_properties_that_setup_creates() -> None:
    wanted = {(one.kind, one.name): plain(one.body) for one in WANTED}
    played = {
        (kind, str(one["name"])): plain(one)
        for kind in ("companies", "tasks")
        for one in custom.custom_properties(kind)
    }
    assert played == wanted
    assert (custom.GROUP["name"], custom.GROUP["label"]) == (GROUP, GROUP_LABEL)


def test_setting_up_twice_changes_nothing() -> None:
    sim = HubspotSim(SimClock(START))
    sim.set_up()
    company = sim.add_company("Acme", stripe_customer_id="cus_1")
    sim.set_up()

    assert sim.get("companies", company)["stripe_customer_id"] == "cus_1"
