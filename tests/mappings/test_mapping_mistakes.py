"""Every mistake in a mapping file is named with its line and its remedy, and all in one run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.facts import Role
from mappings.findings import FileProblems, Severity
from mappings.mapping_file import check_mapping, load_mapping
from tests.mappings.broken import broken, damaged, right_file

RIGHT = right_file("mapping.yaml")


def lines(text: str) -> list[str]:
    return [str(one) for one in check_mapping(text, name="m.yaml")]


def test_the_file_of_these_tests_is_right() -> None:
    assert lines(RIGHT) == []


MISTAKES = [
    (
        "ours: payment.amount_due",
        "ours: payment.ammount_due",
        "24:12: we have no value called 'payment.ammount_due'; did you mean payment.amount_due?",
    ),
    ("flow: ->, theirs: Amount", "flow: =>, theirs: Amount", "24:38: flow cannot be '=>'"),
    (
        "flow: ->, theirs: Amount",
        "flow: <->, theirs: Amount",
        "24:38: payment.amount_due is a fact that the CRM cannot change; did you mean ->?",
    ),
    (
        "Amount_Past_Due__c, wins: stripe",
        "Amount_Past_Due__c, wins: newest",
        "24:76: payment.amount_due belongs to stripe, so 'newest' cannot win; did you mean stripe?",
    ),
    (
        "Amount_Past_Due__c, wins: stripe",
        "Amount_Past_Due__c, wins: strip",
        "24:76: wins cannot be 'strip'; did you mean stripe?",
    ),
    (
        "Dunning_Suppressed_At__c, wins: worker",
        "Dunning_Suppressed_At__c, wins: stripe",
        "42:80: quiet.checked_at belongs to worker, so 'stripe' cannot win; did you mean worker?",
    ),
    (
        "theirs: Amount_Past_Due__c",
        "theirs: Amount Past Due",
        "24:50: 'Amount Past Due' is not the name of a field",
    ),
    (
        "theirs: Amount_Past_Due__c",
        "theirs: Dunning_Status__c",
        "24:50: Dunning_Status__c is written by people, so no row may write it",
    ),
    (
        "theirs: Amount_Past_Due__c",
        "theirs: Stripe_Customer_Id__c",
        "24:50: Stripe_Customer_Id__c says which account it is, so no row may write it",
    ),
    (
        "theirs: Stripe_ARR__c",
        "theirs: Stripe_MRR__c",
        "31:43: Stripe_MRR__c is written by the row in line 30 already",
    ),
    (
        "      lost: Lost\n",
        "",
        "17:5: payment.status has no translation for lost",
    ),
    (
        "      lost: Lost\n",
        "      lost: Lost\n      losst: Lost\n",
        "23:7: payment.status never is 'losst'; did you mean lost?",
    ),
    (
        "Stripe_MRR__c, wins: stripe",
        "Stripe_MRR__c, wins: stripe, values: {a: b}",
        "30:81: payment.mrr never is 'a'",
    ),
    (
        "Stripe_MRR__c, wins: stripe",
        "Stripe_MRR__c, wins: stripe, convert: date",
        "30:81: payment.mrr is of the kind 'money' and cannot become 'date'",
    ),
    (
        "Stripe_Customer_URL__c, wins: stripe",
        "Stripe_Customer_URL__c, wins: stripe, cut: 80",
        "32:90: payment.customer_url is of the kind 'url', which cannot be cut without harm",
    ),
    ("cut: 255", "cut: 5", "28:93: cut cannot be 5"),
    (
        "system: salesforce",
        "system: salesforc",
        "5:9: system cannot be 'salesforc'; did you mean salesforce?",
    ),
    ("csm: CSM__c", "scm: CSM__c", "48:3: nothing here is called 'scm'; did you mean csm?"),
    (
        "csm: CSM__c",
        "fallback: CSM__c",
        "48:3: the fallback is one person or queue for all accounts, not a field",
    ),
    (
        "manager: Owner.ManagerId",
        "manager: Owner..ManagerId",
        "51:12: 'Owner..ManagerId' is not the name of a field, or of one behind a look-up",
    ),
    ("held: [In Resolution]", "held: []", "60:11: held is empty"),
    (
        "held: [In Resolution]",
        "held: In Resolution",
        "60:11: held is text where a list belongs",
    ),
    (
        "released: [Released]",
        "released: [in resolution]",
        "61:16: 'in resolution' cannot mean held and released",
    ),
    (
        "released: [Released]",
        'released: [" "]',
        "61:16: an empty word stands for nothing",
    ),
    (
        "never: [Never VIP]",
        "never: [always personal]",
        "68:11: 'always personal' cannot mean always and never",
    ),
    (
        "will pay: advances",
        "will pay: advance",
        "74:25: Reached - will pay cannot be 'advance'; did you mean advances?",
    ),
    (
        "  outcome_field: Dunning_Outcome__c\n",
        "",
        "72:3: the outcomes have no field to be read from",
    ),
    (
        "cs_tier: CS_Tier__c",
        "cstier: CS_Tier__c",
        "84:3: nothing here is called 'cstier'; did you mean cs_tier?",
    ),
    ("version: 1", "version:", "4:1: version is empty where a whole number belongs"),
    (
        "promise: Dunning_Promise_Date__c",
        "promise: [Dunning_Promise_Date__c]",
        "63:10: promise is a list where text belongs",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "finding"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_a_remedy(
    right: str, wrong: str, finding: str
) -> None:
    (found,) = check_mapping(broken(RIGHT, right, wrong), name="m.yaml")
    assert str(found) == f"m.yaml:{finding}"
    assert found.severity is Severity.ERROR
    assert found.fix


def test_without_an_owner_work_may_have_nobody_to_go_to() -> None:
    text = broken(RIGHT, "  account_owner: OwnerId\n", "")
    (found,) = check_mapping(text, name="m.yaml")
    assert found.severity is Severity.WARNING
    assert load_mapping(text, name="m.yaml").people[Role.CSM] == "CSM__c"


def test_all_mistakes_come_in_one_run_and_in_the_order_of_the_lines() -> None:
    text = broken(RIGHT, "system: salesforce", "sytem: salesforce")
    text = broken(text, "theirs: Stripe_ARR__c", "theirs: Stripe_MRR__c")
    text = broken(text, "released: [Released]", "released: [in resolution]")
    text = broken(text, "  key_field:", "  keyfield:")
    assert lines(text) == [
        "m.yaml:3:1: 'system' is missing",
        "m.yaml:5:1: nothing here is called 'sytem'; did you mean system?",
        "m.yaml:31:43: Stripe_MRR__c is written by the row in line 30 already",
        "m.yaml:61:16: 'in resolution' cannot mean held and released",
        "m.yaml:70:1: 'key_field' is missing",
        "m.yaml:71:3: nothing here is called 'keyfield'; did you mean key_field?",
    ]


def test_loading_a_broken_file_raises_with_every_finding() -> None:
    with pytest.raises(FileProblems) as raised:
        load_mapping(broken(RIGHT, "version: 1", "version: 0"), name="m.yaml")
    assert raised.value.message == "m.yaml has 1 mistake:\n  m.yaml:4:10: version cannot be 0"
    assert raised.value.row == "m.yaml"


# ---------------------------------------------------------------- any text at all


@given(st.text(max_size=400))
def test_no_text_is_too_odd(text: str) -> None:
    assert check_mapping(text, name="m.yaml") != []


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged(RIGHT))
def test_no_damage_to_a_real_file_is_too_odd(text: str) -> None:
    found = check_mapping(text, name="m.yaml")
    assert all(one.line >= 1 and one.column >= 1 and one.message for one in found)
