"""`kidglove hubspot setup` as an admin sees it: what is made, what is left, which exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.hubspot.manifest import MANIFEST
from connectors.hubspot.names import DUE_DAY
from connectors.hubspot.schema import WANTED
from ops.cli.app import app
from simulators.clock import SimClock
from simulators.hubspot import HubspotSim
from tests.connectors.hubspot_stage import START


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubspotSim]:
    monkeypatch.chdir(tmp_path)
    with HubspotSim(SimClock(START)) as sim:
        monkeypatch.setenv("KIDGLOVE_HUBSPOT__TOKEN", sim.service_key)
        monkeypatch.setenv("KIDGLOVE_HUBSPOT__API_BASE", sim.url)
        yield sim


def setup(*words: str) -> Result:
    return CliRunner().invoke(app, ["hubspot", "setup", *words])


def did(result: Result) -> list[str]:
    return [str(one["did"]) for one in told(result)["steps"]]


def told(result: Result) -> dict[str, Any]:
    return dict(json.loads(result.stdout[result.stdout.index("{") :]))


def described(sim: HubspotSim) -> dict[str, str]:
    """What each property was made with, as people read it in the portal."""
    bodies = [one.body for one in sim.requests if one.method == "POST"]
    return {
        str(body["name"]): str(body["description"])
        for body in bodies
        if isinstance(body, dict) and "fieldType" in body
    }


def test_a_dry_run_says_how_many_and_makes_none(sim: HubspotSim) -> None:
    said = setup("--dry-run")
    assert said.exit_code == 0
    assert f"{len(WANTED)} properties of companies and tasks would be looked at." in said.stderr
    assert sim.writes() == []
    assert "would make" in said.stdout


def test_a_dry_run_says_all_that_somebody_needs_who_makes_them_by_hand(sim: HubspotSim) -> None:
    forms = {one["what"]: one["form"] for one in told(setup("--dry-run", "--json"))["steps"]}
    assert forms["companies: stripe_customer_id"] == (
        "“Stripe customer id”, string, text, unique values only"
    )
    assert forms["companies: kidglove_csm"] == (
        "“Customer success manager”, enumeration, select, a HubSpot user"
    )
    assert forms["companies: billing_resolution_status"] == (
        "“Billing resolution”, enumeration, select: "
        "in_resolution = In resolution; released = Released"
    )
    assert all(forms.values())
    assert "“Billing resolution until”, date, date" in setup("--dry-run").stdout


def test_the_scopes_of_the_key_are_listed(sim: HubspotSim, monkeypatch: pytest.MonkeyPatch) -> None:
    said = setup("--dry-run").stdout
    assert all(one.name in said and one.needed_for in said for one in MANIFEST.scopes)
    assert "developer.webhooks_journal.read" not in said
    monkeypatch.setenv("KIDGLOVE_HUBSPOT__USE_JOURNAL", "true")
    listed = [one["name"] for one in told(setup("--dry-run", "--json"))["scopes"]]
    assert "developer.webhooks_journal.read" in listed
    assert len(listed) == len(set(listed)) == len(MANIFEST.scopes) + 3


def test_a_set_up_that_is_stopped_half_way_says_what_was_done(sim: HubspotSim) -> None:
    sim.revoke_scope("crm.schemas.contacts.write")
    said = setup()
    assert said.exit_code == 1
    assert "companies: stripe_customer_id" in said.stdout
    assert "crm.schemas.contacts.write" in said.stderr
    again = told(setup("--json"))
    assert {one["did"] for one in again["steps"]} == {"there"}
    assert "crm.schemas.contacts.write" in again["problem"]["remedy"]


def test_the_second_run_finds_everything_there(sim: HubspotSim) -> None:
    first, second = setup("--json"), setup("--json")
    assert (first.exit_code, set(did(first))) == (0, {"made"})
    assert (second.exit_code, set(did(second))) == (0, {"there"})


@pytest.mark.req("E7")
def test_the_description_of_a_property_leads_to_its_row_in_the_console(
    sim: HubspotSim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIDGLOVE_CONSOLE_URL", "https://kidglove.acme.example/")
    setup()

    rows = "https://kidglove.acme.example/mappings/hubspot/rows"
    assert described(sim) == {
        one.name: f"{one.description} {rows}/{one.name}" if one.name != DUE_DAY else one.description
        for one in WANTED
    }


def test_without_an_address_of_the_console_descriptions_lead_nowhere(sim: HubspotSim) -> None:
    setup()

    assert described(sim) == {one.name: one.description for one in WANTED}


def test_what_is_left_for_a_person_ends_with_one(sim: HubspotSim) -> None:
    sim.add_property("companies", "stripe_customer_id")
    said = setup()
    assert said.exit_code == 1
    assert "1 of them need a person." in said.stdout


def test_no_run_tells_the_token(sim: HubspotSim) -> None:
    sim.revoke_scope("crm.schemas.companies.write")
    said = setup()
    assert said.exit_code != 0
    assert sim.service_key not in f"{said.output}{said.exception!r}"
