"""Properties are written a hundred companies a call, only what differs, and read back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.hubspot.wire import cut, typed, utf16, written
from domain.errors import (
    Bug,
    Conflict,
    Gone,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unauthorized,
)
from domain.ids import Ref
from domain.ports import FieldsChange, Receipt
from simulators.faults import Fault, Harm
from simulators.hubspot.troubles import whole
from tests.connectors.hubspot_stage import HASTY, Stage, staged

UPDATE = r".*/companies/batch/update"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def fields(stage: Stage, **values: Any) -> FieldsChange:
    return FieldsChange(account=stage.ref, values=values)


def crowd(stage: Stage, number: int) -> list[Ref]:
    return [Ref("hubspot", "account", stage.sim.add_company(f"C {n}")) for n in range(number)]


def reasons(refs: list[Ref], value: str = "declined") -> list[FieldsChange]:
    return [FieldsChange(account=ref, values={"kidglove_last_failure": value}) for ref in refs]


def test_a_receipt_tells_the_values_in_their_own_types(stage: Stage) -> None:
    values = {
        "kidglove_payment_status": "failed",
        "kidglove_amount_due": 14200.5,
        "kidglove_mrr": 900,
        "kidglove_failing_since": "2026-11-20",
        "kidglove_last_failure_at": "2026-11-20T13:00:00.000+0000",
        "kidglove_currency": None,
    }
    [answer] = stage.connector().write([fields(stage, **values)])
    assert isinstance(answer, Receipt)
    assert answer.now == {**values, "kidglove_last_failure_at": "2026-11-20T13:00:00Z"}


def test_nothing_empties_a_property(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([fields(stage, kidglove_last_failure="declined")])
    [answer] = connector.write([fields(stage, kidglove_last_failure=None)])
    assert isinstance(answer, Receipt)
    assert answer.now == {"kidglove_last_failure": None}


@pytest.mark.req("R24", partly="only the cost of properties on the HubSpot side")
def test_a_hundred_companies_cost_one_call(stage: Stage) -> None:
    refs = crowd(stage, 100)
    connector = stage.connector()
    connector.write(reasons(refs[:1]))
    connector.calls.clear()
    answers = connector.write(reasons(refs, "card expired"))
    assert connector.calls == {"companies.update": 1}
    assert all(isinstance(answer, Receipt) for answer in answers)


def test_only_what_differs_is_sent(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([fields(stage, kidglove_last_failure="x")])
    stage.sim.forget_requests()
    known = {stage.ref: {"kidglove_last_failure": "x"}}
    [answer] = connector.write([fields(stage, kidglove_last_failure="x")], known=known)
    assert isinstance(answer, Receipt)
    assert (answer.now, stage.sim.writes()) == ({"kidglove_last_failure": "x"}, [])


def test_two_changes_of_one_company_travel_as_one(stage: Stage) -> None:
    answers = stage.connector().write(
        [fields(stage, kidglove_mrr=1), fields(stage, kidglove_mrr=2, kidglove_arr=24)]
    )
    assert [answer.now for answer in answers if isinstance(answer, Receipt)] == [
        {"kidglove_mrr": 2},
        {"kidglove_mrr": 2, "kidglove_arr": 24},
    ]


# ---------------------------------------------------------------- one bad row


@pytest.mark.parametrize("partial", ["traced", "always", "never"])
@pytest.mark.parametrize("status", [200, 207])
def test_a_company_that_a_rule_refuses_does_not_sink_the_others(
    stage: Stage, partial: str, status: int
) -> None:
    stage.sim.set_batches(partial=partial, status=status)
    refs = crowd(stage, 9)
    stage.sim.add_rule(
        "companies", lambda after, before: "A CSM is missing" if after["name"] == "C 4" else None
    )
    answers = stage.connector().write(reasons(refs))
    assert [type(one) for one in answers] == [Receipt] * 4 + [Rejected] + [Receipt] * 4
    assert "A CSM is missing" in str(answers[4])


def test_a_company_that_is_gone_does_not_sink_the_others(stage: Stage) -> None:
    refs = crowd(stage, 3)
    stage.sim.human(stage.csm).delete("companies", refs[1].id)
    odd = [Ref("hubspot", "account", "x"), Ref("hubspot", "account", "404404")]
    answers = stage.connector().write(reasons([*refs, *odd]))
    assert [type(one) for one in answers] == [Receipt, Gone, Receipt, Gone, Gone]


def test_a_conflict_of_the_whole_batch_is_sent_again_in_halves(stage: Stage) -> None:
    refs = crowd(stage, 8)
    stage.sim.faults.arm(whole("conflict", path=UPDATE))
    connector = stage.connector()
    answers = connector.write(reasons(refs))
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert connector.calls["companies.update"] == 3


def test_a_company_that_conflicts_for_ever_is_found_by_halving(stage: Stage) -> None:
    stage.sim.faults.arm(whole("conflict", path=UPDATE, times=None))
    answers = stage.connector().write(reasons(crowd(stage, 3)))
    assert [type(one) for one in answers] == [Conflict] * 3


def test_what_the_portal_would_refuse_is_refused_before_it_is_sent(stage: Stage) -> None:
    connector = stage.connector()
    answers = connector.write(
        [
            fields(stage, no_such_property="x"),
            fields(stage, kidglove_payment_status="Brand new word"),
            fields(stage, notes_last_contacted="2026-11-20T13:00:00Z"),
            fields(stage),
            fields(stage, kidglove_mrr=1),
        ]
    )
    assert [type(one) for one in answers] == [Misconfigured] * 3 + [Bug, Receipt]
    assert connector.calls["companies.update"] == 1


def test_an_option_that_was_added_a_moment_ago_is_known_soon(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([fields(stage, kidglove_mrr=1)])
    stage.sim.set_options("companies", "kidglove_payment_status", ["failed", "disputed"])
    change = fields(stage, kidglove_payment_status="disputed")
    assert isinstance(connector.write([change])[0], Misconfigured)
    stage.clock.advance(timedelta(seconds=61))
    assert isinstance(connector.write([change])[0], Receipt)


def test_a_text_that_is_too_long_is_cut_and_said_so(stage: Stage) -> None:
    [answer] = stage.connector().write([fields(stage, kidglove_sync_problem="🦊" * 40_000)])
    assert isinstance(answer, Receipt)
    assert answer.note == "cut to fit: kidglove_sync_problem"


# ---------------------------------------------------------------- the connection


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_BEFORE, Harm.TIMEOUT_AFTER, Harm.RESET_AFTER])
def test_a_write_that_got_no_answer_is_simply_written_again(stage: Stage, harm: Harm) -> None:
    stage.sim.faults.arm(Fault(harm=harm, path=UPDATE, seconds=0.8))
    [answer] = stage.connector(timeouts=HASTY).write([fields(stage, kidglove_mrr=7)])
    assert isinstance(answer, Receipt)
    assert answer.now == {"kidglove_mrr": 7}


def test_a_write_that_never_gets_an_answer_stays_unknown(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.RESET_AFTER, path=UPDATE, times=None))
    [answer] = stage.connector().write([fields(stage, kidglove_mrr=7)])
    assert isinstance(answer, OutcomeUnknown)


def test_a_dead_token_is_raised_when_nothing_was_answered(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([fields(stage, kidglove_mrr=1)])
    stage.sim.revoke_key()
    with pytest.raises(Unauthorized):
        connector.write([fields(stage, kidglove_mrr=2)])


def test_a_limit_in_the_middle_leaves_what_was_written_and_answers_the_rest(
    stage: Stage,
) -> None:
    refs = crowd(stage, 150)
    connector = stage.connector()
    connector.write(reasons(refs[:1], "before"))
    stage.sim.faults.arm(whole("daily", path=UPDATE, skip=1, times=None))
    answers = connector.write(reasons(refs))
    assert [type(one) for one in answers] == [Receipt] * 100 + [RateLimited] * 50


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "string", ""),
        (True, "bool", "true"),
        (False, "bool", "false"),
        (125.0, "number", "125"),
        (1e15, "number", "1000000000000000"),
        (0.1, "number", "0.1"),
        ("2026-11-20T13:00:00.000+0000", "datetime", "2026-11-20T13:00:00.000Z"),
        ("2026-11-20T23:30:00.000-0500", "date", "2026-11-21"),
        (date(2026, 11, 20), "date", "2026-11-20"),
        (datetime(2026, 11, 20, 9, tzinfo=UTC), "datetime", "2026-11-20T09:00:00.000Z"),
        (";a;b", "enumeration", "a;b"),
        ("2026-11-20T13:00 or so", "string", "2026-11-20T13:00 or so"),
    ],
)
def test_a_value_becomes_the_text_that_hubspot_takes(value: object, kind: str, text: str) -> None:
    assert written("name", value, kind) == text


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("14200.50", "number", 14200.5),
        ("62", "number", 62),
        ("NaN", "number", "NaN"),
        ("abc", "number", "abc"),
        ("true", "bool", True),
        ("maybe", "bool", "maybe"),
        ("1795132800000", "date", "2026-11-20"),
        ("1795179600000", "datetime", "2026-11-20T13:00:00Z"),
        ("2026-11-20", "date", "2026-11-20"),
        ("a;b", "enumeration", "a;b"),
    ],
)
def test_a_text_of_hubspots_becomes_a_value(text: str, kind: str, value: object) -> None:
    assert typed(text, kind) == value


def test_a_cut_never_splits_a_sign_and_counts_as_hubspot_does() -> None:
    text = cut("🦊" * 100, 99)
    assert utf16(text) <= 99
    assert text == "🦊" * 47 + " ..."
