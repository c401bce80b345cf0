"""Mapping files: what ships is right, and every mistake is named with its line and its remedy."""

from __future__ import annotations

import pytest

from domain.facts import Role
from mappings.mapping_file import (
    check_mapping,
    default_mapping,
    default_mapping_text,
    explain_mapping,
    load_mapping,
)
from mappings.vocabulary import OURS, Convert, Flow, Meaning, System, Winner
from tests.mappings.broken import broken

SALESFORCE = default_mapping_text("salesforce")
SMALL = """\
mapping: small
version: 2
system: salesforce
object: Account
link: {customer_id: Stripe_Customer_Id__c}
rows:
  - {ours: payment.mrr, flow: ->, theirs: Stripe_MRR__c, wins: stripe}
people: {account_owner: OwnerId}
hold: {field: Dunning_Status__c, words: {held: [In Resolution]}}
task: {key_field: Dunning_Key__c}
"""


def lines(text: str) -> list[str]:
    return [str(one) for one in check_mapping(text, name="m.yaml")]


# ---------------------------------------------------------------- what ships


def test_the_salesforce_mapping_is_right_and_complete() -> None:
    mapping = default_mapping(System.SALESFORCE)
    assert check_mapping(SALESFORCE, name="salesforce.yaml") == []
    ours = {name for name, one in OURS.items() if Flow.OUT in one.flows}
    assert {row.ours for row in mapping.rows} == ours - {"payment.customer_id"}
    assert {row.flow for row in mapping.rows} == {Flow.OUT}
    assert (mapping.customer_field, mapping.object) == ("Stripe_Customer_Id__c", "Account")
    assert mapping.people == {
        Role.CSM: "CSM__c",
        Role.OWNER: "OwnerId",
        Role.ESCALATION: "Escalation_Owner__c",
        Role.MANAGER: "Owner.ManagerId",
    }
    assert (mapping.hold.held, mapping.hold.released) == (("In Resolution",), ("Released",))


def test_people_and_machine_write_different_fields() -> None:
    mapping = default_mapping("salesforce")
    assert not set(mapping.human_fields) & set(mapping.machine_fields)
    assert mapping.account_fields == (*mapping.human_fields, *mapping.machine_fields)
    assert len(mapping.account_fields) == 31


def test_there_is_no_mapping_for_a_system_that_we_do_not_know() -> None:
    with pytest.raises(
        KeyError, match="no mapping ships for 'pipedrive'; there is one for hubspot, sales"
    ):
        default_mapping("pipedrive")
    with pytest.raises(KeyError):
        default_mapping_text("policies/default")


def test_the_explanation_names_every_field_and_every_word() -> None:
    mapping = default_mapping("salesforce")
    told = explain_mapping(mapping)
    assert all(field in told for field in mapping.account_fields)
    assert all(word in told for row in mapping.rows for word in row.values.values())
    assert "Not mapped, and said so in every task: the number of seats, the number of enti" in told


def test_an_outcome_is_understood_whatever_its_case() -> None:
    task = default_mapping("salesforce").task
    assert task.meaning("wrong contact ") is Meaning.WRONG_CONTACT
    assert task.meaning("Fixed it") is None
    assert task.meaning(None) is None


def test_a_small_file_is_enough_and_every_knob_of_a_row_is_read() -> None:
    text = SMALL.replace(
        "wins: stripe}",
        "wins: stripe, convert: text}\n"
        "  - {ours: sync.problem, flow: ->, theirs: Problem__c, wins: worker, cut: 80}",
    )
    amount, problem = load_mapping(text, name="m.yaml").rows
    assert (amount.ours, amount.wins, amount.convert) == (
        "payment.mrr",
        Winner.STRIPE,
        Convert.TEXT,
    )
    assert (problem.ours, problem.wins, problem.cut) == ("sync.problem", Winner.WORKER, 80)


def test_a_picklist_word_that_looks_like_something_else_is_text() -> None:
    text = broken(SMALL, "[In Resolution]", "[true, 1, Off]")
    assert load_mapping(text, name="m.yaml").hold.held == ("true", "1", "Off")
