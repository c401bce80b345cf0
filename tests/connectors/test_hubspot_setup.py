"""The set-up makes what is missing, once, reads it back, and never deletes anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from connectors.hubspot.client import Client
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.schema import WANTED
from connectors.hubspot.setup import Did, Setup
from domain.errors import Misconfigured
from domain.facts import Role
from jobs.hubspot_wiring import build_setup
from mappings.mapping_file import default_mapping
from settings import HubspotSettings, Settings
from simulators.clock import SimClock
from simulators.faults import Fault, Harm
from simulators.hubspot import HubspotSim
from tests.connectors.hubspot_stage import START

UNIQUE = {"stripe_customer_id", "kidglove_key"}


@pytest.fixture
def sim() -> Iterator[HubspotSim]:
    with HubspotSim(SimClock(START)) as sim:
        yield sim


def gateway(sim: HubspotSim) -> Gateway:
    return Gateway(Client(sim.service_key, base_url=sim.url))


def ran(sim: HubspotSim, *, dry_run: bool = False) -> Counter[Did]:
    return Counter(one.did for one in Setup(gateway(sim)).run(dry_run=dry_run))


def definitions(sim: HubspotSim, kind: str) -> Definitions:
    return Definitions(gateway(sim), kind, now=sim.clock.now)


def test_a_bare_portal_gets_everything_that_the_mapping_names(sim: HubspotSim) -> None:
    assert ran(sim) == {Did.MADE: len(WANTED) + 2}
    mapping = default_mapping("hubspot")
    definitions(sim, "companies").need(
        *mapping.account_fields, mapping.customer_field, mapping.people[Role.CSM]
    )
    definitions(sim, "tasks").need(mapping.task.key_field, mapping.task.outcome_field or "")


def test_the_words_of_the_mapping_are_options_of_the_properties() -> None:
    mapping = default_mapping("hubspot")
    options = {one.name: {value for value, _ in one.options} for one in WANTED}
    for row in mapping.rows:
        assert set(row.values.values()) <= options[row.theirs]
    assert {*mapping.hold.held, *mapping.hold.released} == options[mapping.hold.field]
    assert set(mapping.task.outcomes) == options[mapping.task.outcome_field or ""]


def test_the_two_keys_are_unique(sim: HubspotSim) -> None:
    ran(sim)
    found = {
        name
        for kind in ("companies", "tasks")
        for name, one in definitions(sim, kind).current().items()
        if one.is_unique
    }
    assert found == UNIQUE


def test_a_second_run_changes_nothing(sim: HubspotSim) -> None:
    ran(sim)
    before = sim.state()
    assert ran(sim) == {Did.THERE: len(WANTED)}
    assert sim.state() == before


def test_a_dry_run_changes_nothing_and_says_what_it_would(sim: HubspotSim) -> None:
    before = sim.state()
    assert ran(sim, dry_run=True) == {Did.WOULD_MAKE: len(WANTED) + 2}
    assert sim.state() == before


def test_options_that_a_list_lacks_are_added_and_others_stay(sim: HubspotSim) -> None:
    ran(sim)
    sim.set_options("companies", "billing_resolution_status", ["in_resolution", "disputed"])
    assert ran(sim, dry_run=True)[Did.WOULD_EXTEND] == 1
    assert ran(sim)[Did.EXTENDED] == 1
    found = definitions(sim, "companies").current()["billing_resolution_status"]
    assert found.options == ("in_resolution", "disputed", "released")


@pytest.mark.parametrize(
    ("name", "of_type"), [("kidglove_mrr", "string"), ("stripe_customer_id", "string")]
)
def test_a_property_that_exists_in_another_form_is_left_and_told(
    sim: HubspotSim, name: str, of_type: str
) -> None:
    sim.add_property("companies", name, type=of_type)
    [step] = [one for one in Setup(gateway(sim)).run() if one.did is Did.DIFFERS]
    assert step.what == f"companies: {name}"
    assert not step.is_well


def test_where_tasks_cannot_be_unique_the_key_is_made_all_the_same(sim: HubspotSim) -> None:
    sim.set_unique_on("tasks", False)
    [step] = [one for one in Setup(gateway(sim)).run() if one.what == "tasks: kidglove_key"]
    assert (step.did, step.is_well) == (Did.MADE, True)
    assert step.detail.startswith("not unique")
    assert not definitions(sim, "tasks").is_unique("kidglove_key")


@pytest.mark.parametrize("category", ["UNIQUENESS_NOT_SUPPORTED", "VALIDATION_ERROR"])
def test_however_uniqueness_of_tasks_is_refused_the_key_is_made(
    sim: HubspotSim, category: str
) -> None:
    sim.set_unique_on("tasks", False, refusal=category)
    [step] = [one for one in Setup(gateway(sim)).run() if one.what == "tasks: kidglove_key"]
    assert (step.did, step.detail[:10]) == (Did.MADE, "not unique")


def test_a_key_that_is_refused_without_uniqueness_too_is_a_step_that_failed(
    sim: HubspotSim,
) -> None:
    refused = {"status": "error", "category": "NO_MORE_PROPERTIES", "message": "no"}
    path = r".*/properties/.*/tasks"
    sim.faults.arm(
        Fault(harm=Harm.STATUS, status=400, method="POST", path=path, body=refused, times=2)
    )
    steps = {one.what: one for one in Setup(gateway(sim)).run()}
    assert steps["tasks: kidglove_key"].did is Did.FAILED
    assert "NO_MORE_PROPERTIES" in steps["tasks: kidglove_key"].detail
    assert steps["tasks: kidglove_outcome"].did is Did.MADE


def test_the_set_up_makes_nothing_in_another_portal(sim: HubspotSim) -> None:
    ours = HubspotSettings(token=sim.service_key, api_base=sim.url, portal_id="999")
    with pytest.raises(Misconfigured, match="portal"):
        list(build_setup(Settings(_env_file=None, hubspot=ours)).run())
    assert {one.method for one in sim.requests} == {"GET"}


def test_without_the_scope_the_set_up_says_which(sim: HubspotSim) -> None:
    sim.revoke_scope("crm.schemas.companies.write")
    with pytest.raises(Misconfigured) as refused:
        ran(sim)
    assert "crm.schemas.companies.write" in refused.value.remedy
