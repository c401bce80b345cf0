"""A policy is held against what is connected: CRMs, people, fields, currencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.mapping_file import default_mapping_text
from mappings.policy_file import preset_names, preset_text
from tests.ops.desk import Desk, Said
from tests.ops.test_cli_configuration import desk as desk  # the fixture


def examined(desk: Desk, tmp_path: Path, *changes: tuple[str, str]) -> Said:
    """What the doctor says of the default policy with these changes."""
    text = preset_text("default")
    for right, wrong in changes:
        assert right in text
        text = text.replace(right, wrong, 1)
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return desk.type("policy", "doctor", str(path), "--json")


def found(said: Said) -> dict[str, tuple[str, str]]:
    """Everything that is not fine, by its id."""
    return {one["id"]: (one["health"], one["detail"]) for one in said.json if one["health"] != "ok"}


def without(desk: Desk, tmp_path: Path, *lines: str) -> None:
    """The shipped mapping without these lines is in force."""
    text = default_mapping_text("salesforce")
    for line in lines:
        assert line in text
        text = text.replace(line, "", 1)
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    said = desk.type("mapping", "apply", str(path), "-m", "less", "--yes", "--no-fill")
    assert said.code == 0, said.err


def test_a_policy_that_fits_says_what_it_was_held_against(desk: Desk) -> None:
    desk.world.vip()
    desk.world.settle()

    said = desk.type("policy", "doctor", "--json")

    assert said.code == 0
    assert {one["id"]: (one["health"], one["detail"]) for one in said.json} == {
        "policy/crm.primary": ("ok", "Salesforce has the tasks, as the first that is connected"),
        "policy/escalation.salesforce": (
            "ok",
            "Salesforce knows csm, account_owner, escalation_owner, manager",
        ),
        "policy/rates": ("ok", "the customers pay in USD, which can be compared with the lines"),
    }


def test_a_primary_crm_that_is_not_connected_is_wrong(desk: Desk, tmp_path: Path) -> None:
    said = examined(desk, tmp_path, ("package:", "crm: {primary: hubspot}\npackage:"))

    assert said.code == 1
    assert found(said) == {
        "policy/crm.primary": ("wrong", "HubSpot has the tasks, and it is not connected")
    }


def test_somebody_in_the_chain_whom_no_field_names_is_wrong(desk: Desk, tmp_path: Path) -> None:
    without(desk, tmp_path, "  csm: CSM__c\n")

    said = examined(desk, tmp_path)

    assert said.code == 1
    assert found(said) == {
        "policy/escalation.salesforce": (
            "wrong",
            "the mapping of Salesforce says nowhere who is csm",
        ),
        "policy/tier.vip.named_csm.salesforce": (
            "wrong",
            "the mapping of Salesforce has no csm, so this never holds",
        ),
    }


def test_what_a_tier_counts_has_to_be_mapped(desk: Desk, tmp_path: Path) -> None:
    counted = "{signal: seats, at_least: 9}\n      - {signal: entities, at_least: 2}\n"

    said = examined(desk, tmp_path, ("{signal: flag}\n", counted))

    assert said.code == 1
    assert {id: health for id, (health, _) in found(said).items()} == {
        "policy/tier.vip.seats.salesforce": "unknown",
        "policy/tier.vip.entities.salesforce": "wrong",
    }


def test_a_currency_that_customers_pay_in_needs_a_rate(desk: Desk, tmp_path: Path) -> None:
    stripe = desk.world.stripe
    customer = stripe.add_customer("Cedar Hall", "ap@cedar.example")
    stripe.add_subscription(customer, amount=90_000, currency="eur", started_months_ago=3)
    desk.world.settle()

    said = examined(desk, tmp_path)
    rated = examined(
        desk, tmp_path, ("package:", "rates: {eur: {rate: 1.08, as_of: 2026-11-01}}\npackage:")
    )

    assert (said.code, rated.code) == (1, 0)
    assert found(said) == {
        "policy/rates.eur": (
            "wrong",
            "1 customers pay in EUR, for which there is no rate: each counts as above every line",
        )
    }


def test_an_attribute_that_nobody_has_is_asked_about(desk: Desk, tmp_path: Path) -> None:
    said = examined(desk, tmp_path, ("{signal: flag}\n", "{attribute: segmnt, is: enterprise}\n"))

    assert said.code == 0
    assert found(said) == {
        "policy/attribute.segmnt": (
            "unknown",
            "no customer that was read has the attribute 'segmnt'",
        )
    }


def test_a_broken_policy_is_not_held_against_anything(desk: Desk, tmp_path: Path) -> None:
    said = examined(desk, tmp_path, ("automation: held", "automation: hold"))

    assert (said.code, said.out) == (1, "")


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_policy_fits_the_shipped_mapping(desk: Desk, name: str) -> None:
    said = desk.type("policy", "doctor", name, "--json")

    assert [one for one in said.json if one["health"] == "wrong"] == []
