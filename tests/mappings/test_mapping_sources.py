"""Constants, templates and conditions: what a row may carry besides one of our values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.leaf import Known, Leaf, Missing
from mappings.mapping import FieldMapping
from mappings.mapping_file import explain_mapping, load_mapping
from mappings.outgoing import is_in_scope, outgoing, outgoing_with_notes
from tests.mappings.broken import broken, right_file

RIGHT = right_file("mapping.yaml")
HEADLINE = """templates:
  headline: "{payment.status}{since}: {payment.last_failure}"
  since: " since {payment.failing_since}"
rows:
  - {constant: Kidglove, flow: ->, theirs: Source__c, wins: worker}
  - {template: headline, flow: ->, theirs: Headline__c, wins: worker, cut: 30}
"""


def known(**values: object) -> dict[str, Leaf[object]]:
    return {name.replace("__", "."): Known(value, "kidglove") for name, value in values.items()}


def mapped(text: str) -> FieldMapping:
    return load_mapping(text, name="m.yaml")


MAPPING = mapped(broken(RIGHT, "rows:\n", HEADLINE))


def test_a_constant_is_the_same_for_every_account() -> None:
    assert outgoing({}, MAPPING) == {"Source__c": "Kidglove"}


def test_a_sentence_has_our_values_in_it_also_those_of_templates_inside() -> None:
    ours = known(
        payment__status="past_due",
        payment__failing_since=datetime(2026, 11, 20, 6, 2, tzinfo=UTC),
        payment__last_failure="no funds",
    )
    found = outgoing_with_notes(ours, MAPPING)
    assert found.values["Headline__c"] == "past due since 2026-11-20 06:…"
    assert found.notes == ("Headline__c was cut from 45 to 30 characters",)


@pytest.mark.parametrize(
    ("value", "said"),
    [(date(2026, 11, 20), "2026-11-20"), (None, ""), ("not_quiet", "not quiet")],
)
def test_each_kind_of_value_is_said_as_people_write_it(value: object, said: str) -> None:
    text = broken(
        RIGHT,
        "rows:\n",
        HEADLINE.replace("{payment.status}{since}: ", "").replace(
            '  since: " since {payment.failing_since}"\n', ""
        ),
    )
    assert outgoing(known(payment__last_failure=value), mapped(text))["Headline__c"] == said


def test_a_sentence_with_a_gap_is_not_written_at_all() -> None:
    ours = known(payment__status="failed") | {"payment.last_failure": Missing("not read")}
    assert "Headline__c" not in outgoing(ours, MAPPING)


@pytest.mark.parametrize(
    ("condition", "fields", "is_written"),
    [
        ("{ours: payment.status, is: [failed, past_due]}", {}, True),
        ("{ours: payment.status, is: [current]}", {}, False),
        ("{ours: quiet.state, is: [quiet]}", {}, False),
        ("{theirs: Type, is: [Customer]}", {"Type": " customer "}, True),
        ("{theirs: Type, is: [Customer]}", {"Type": None}, False),
        ("{theirs: Type, is: [Customer]}", {}, False),
        ("{theirs: Is_Live__c, is: [true]}", {"Is_Live__c": True}, True),
    ],
)
def test_rows_are_written_where_every_condition_holds(
    condition: str, fields: dict[str, Any], is_written: bool
) -> None:
    mapping = mapped(broken(RIGHT, "rows:\n", f"only:\n  - {condition}\nrows:\n"))
    ours = known(payment__status="failed")
    assert is_in_scope(mapping, ours, fields) is is_written


def test_a_field_that_a_condition_asks_is_read() -> None:
    mapping = mapped(broken(RIGHT, "rows:\n", "only:\n  - {theirs: Type, is: [Customer]}\nrows:\n"))
    assert "Type" in mapping.account_fields


def test_without_conditions_every_account_is_in_scope() -> None:
    assert is_in_scope(mapped(RIGHT), {}, {})


def test_a_row_that_flows_in_is_read_and_never_written() -> None:
    row = "  - {ours: account.tier, flow: <-, theirs: Plan_Tier__c, wins: crm}\npeople:"
    mapping = mapped(broken(RIGHT, "people:", row))
    assert "Plan_Tier__c" in mapping.human_fields
    assert "Plan_Tier__c" not in mapping.machine_fields
    assert "Plan_Tier__c" not in outgoing(known(account__tier="gold"), mapping)


def test_the_sentences_tell_constants_templates_conditions_arrows_and_limits() -> None:
    text = broken(RIGHT, "rows:\n", "only:\n  - {theirs: Type, is: [Customer]}\n" + HEADLINE)
    rows = "  - {ours: customer.email, flow: <->, theirs: Billing_Email__c, wins: newest}\npeople:"
    text = broken(text, "people:", rows) + "limits: {tasks_per_hour: 7}\n"
    told = explain_mapping(mapped(text))
    assert "- Type says 'Customer'." in told
    assert "- Source__c: always 'Kidglove'; Kidglove keeps it" in told
    assert "- Headline__c: the sentence '{payment.status} since {payment.failing_since}: " in told
    assert "Kept equal on both sides:\n- Billing_Email__c: the address that invoices go to" in told
    assert "before more than 7 tasks within an hour" in told
