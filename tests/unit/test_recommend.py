"""The rule table of approaches, and how raw words become its classes."""

from __future__ import annotations

import itertools
import re

import pytest

from domain.decline_table import DeclineClass
from domain.facts import PaymentHistory
from domain.leaf import Known, Leaf, Missing
from domain.recommend import (
    RULES,
    ContractKind,
    Mood,
    Record,
    contract_kind,
    mood_of,
    recommend,
    record_of,
)
from tests.unit.packages import NOW, case, crm, known, package, policy

MIXES = list(itertools.product(DeclineClass, Mood, Record, ContractKind))
NOT_NICE = re.compile(
    r"overdue|past due|urgent|final|warning|required|immediately|suspend|terminat|collection|"
    r"delinquen|debt|failed to pay|outstanding|last chance|[A-Z]{2,}|_|!",
)


@pytest.mark.req("R49")
def test_every_mix_of_classes_has_exactly_one_rule() -> None:
    numbers = {mix: sum(rule.applies(*mix) for rule in RULES) for mix in MIXES}
    assert {mix: number for mix, number in numbers.items() if number != 1} == {}


@pytest.mark.req("R49")
def test_every_approach_is_said_with_its_reason_and_the_id_of_its_rule() -> None:
    told = [
        recommend(kind=kind, mood=mood, record=record, contract=contract)
        for kind, mood, record, contract in MIXES
    ]
    assert all(one.approach and one.why for one in told)
    assert {one.rule_id for one in told} == {rule.id for rule in RULES}


def test_every_rule_has_an_id_of_its_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_no_approach_blames_hurries_or_uses_raw_words() -> None:
    assert [rule.id for rule in RULES if NOT_NICE.search(rule.approach + rule.why)] == []


@pytest.mark.req("R49")
def test_the_package_records_the_rule_that_was_chosen() -> None:
    chosen = package().recommend
    assert chosen.rule_id == Known("bank.solved", "policy default 3", NOW)
    assert isinstance(chosen.why, Known)
    assert chosen.why.value.startswith("earlier hiccups were all solved")


def test_a_stale_score_is_not_relied_on() -> None:
    old = package(keeps=crm(health=known("12")), rules=policy(health_stale_days=-1)).recommend
    fresh = package(keeps=crm(health=known("12"))).recommend
    assert old.rule_id == Known("bank.solved", "policy default 3", NOW)
    assert fresh.rule_id == Known("bank.solved-low", "policy default 3", NOW)


def test_nothing_known_still_gives_an_approach() -> None:
    nothing = package(of=case(), pays=Missing("no answer"), keeps=Missing("no CRM is connected"))
    assert nothing.recommend.rule_id == Known("unknown.unknown", "policy default 3", NOW)


@pytest.mark.parametrize(
    ("score", "mood"),
    [
        ("62", Mood.GOOD),
        ("59.9", Mood.LOW),
        ("60", Mood.GOOD),
        ("8", Mood.UNKNOWN),
        ("8/10", Mood.GOOD),
        ("3 of 10", Mood.LOW),
        ("5%", Mood.LOW),
        ("120", Mood.UNKNOWN),
        ("1/0", Mood.UNKNOWN),
        ("Green", Mood.GOOD),
        ("Yellow", Mood.LOW),
        ("At Risk", Mood.LOW),
        ("high risk", Mood.LOW),
        ("not healthy", Mood.UNKNOWN),
        ("B-", Mood.UNKNOWN),
        ("", Mood.UNKNOWN),
        ("٦٢", Mood.GOOD),
        ("9" * 400, Mood.UNKNOWN),
    ],
)
def test_the_mood_behind_a_score(score: str, mood: Mood) -> None:
    assert mood_of(known(score), is_stale=False) is mood


def test_no_score_is_an_unknown_mood() -> None:
    assert mood_of(Missing("field not mapped"), is_stale=False) is Mood.UNKNOWN


@pytest.mark.parametrize(
    ("contract", "kind"),
    [
        (known("Annual"), ContractKind.ANNUAL),
        (known("Annual, billed monthly"), ContractKind.ANNUAL),
        (known("24 months"), ContractKind.ANNUAL),
        (known("multi-year"), ContractKind.ANNUAL),
        (known("Monthly"), ContractKind.MONTHLY),
        (known("month-to-month"), ContractKind.MONTHLY),
        (known("1 month"), ContractKind.MONTHLY),
        (known("3 months"), ContractKind.UNKNOWN),
        (known("Quarterly"), ContractKind.UNKNOWN),
        (known("Semi-annual"), ContractKind.UNKNOWN),
        (Missing("field not mapped"), ContractKind.UNKNOWN),
    ],
)
def test_the_kind_of_a_contract(contract: Leaf[str], kind: ContractKind) -> None:
    assert contract_kind(contract) is kind


@pytest.mark.parametrize(
    ("past", "record"),
    [
        (None, Record.UNKNOWN),
        (PaymentHistory(), Record.NEW),
        (PaymentHistory(first_paid_at=NOW), Record.CLEAN),
        (PaymentHistory(first_paid_at=NOW, earlier_failures=2, resolved=2), Record.SOLVED),
        (PaymentHistory(first_paid_at=NOW, earlier_failures=2, resolved=1), Record.UNKNOWN),
        (PaymentHistory(first_paid_at=NOW, earlier_failures=2, resolved=1, lost=1), Record.LOST),
    ],
)
def test_the_record_of_earlier_payments(past: PaymentHistory | None, record: Record) -> None:
    assert record_of(past) is record
