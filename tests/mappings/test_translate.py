"""What the CRM's own fields say, and what we make of words and values that we do not know."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Misconfigured
from domain.facts import HoldSignal, HoldWord, VipOverride
from domain.leaf import Known, Missing
from domain.money import Money
from domain.ports import ReadPlan
from domain.workdays import local_date
from mappings.mapping_file import default_mapping
from mappings.translate import CrmParts, crm_parts, read_plan

READ_AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
MAPPING = default_mapping("salesforce")


def parts(**fields: Any) -> CrmParts:
    """An account on which nobody has written anything but these fields."""
    record = dict.fromkeys(MAPPING.account_fields) | fields
    return crm_parts(
        record,
        MAPPING,
        source="salesforce",
        read_at=READ_AT,
        currency="usd",
        changed_by="Dana Ruiz",
    )


# ---------------------------------------------------------------- the hold


@pytest.mark.parametrize("raw", ["In Resolution", "in resolution", " IN RESOLUTION "])
def test_the_mapped_word_holds_whatever_its_case(raw: str) -> None:
    found = parts(
        Dunning_Status__c=raw,
        Dunning_Hold_Until__c="2026-12-04",
        Dunning_Hold_Reason__c="new card is on its way",
    )
    assert found.hold == HoldSignal(
        word=HoldWord.HELD,
        raw=raw.strip(),
        until=date(2026, 12, 4),
        reason="new card is on its way",
        by="Dana Ruiz",
        seen_at=READ_AT,
        system="salesforce",
    )
    assert found.problems == ()


def test_the_mapped_word_releases() -> None:
    assert parts(Dunning_Status__c="Released").hold.word is HoldWord.RELEASED


@pytest.mark.parametrize("raw", [None, "", "   "])
def test_an_empty_field_is_silent(raw: str | None) -> None:
    found = parts(Dunning_Status__c=raw)
    assert found.hold == HoldSignal(word=HoldWord.SILENT, seen_at=READ_AT)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("raw", "said"), [("Paused by Bob", "Paused by Bob"), (True, "true"), (3.0, "3")]
)
def test_a_word_that_nobody_mapped_is_unknown_and_kept(raw: Any, said: str) -> None:
    found = parts(Dunning_Status__c=raw)
    assert (found.hold.word, found.hold.raw) == (HoldWord.UNKNOWN, said)
    assert found.problems == (
        f"the field Dunning_Status__c says {said!r}, which no row translates",
    )


def test_a_day_that_cannot_be_read_is_said_and_the_hold_stays() -> None:
    found = parts(Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="next week")
    assert (found.hold.word, found.hold.until) == (HoldWord.HELD, None)
    assert found.problems == ("the field Dunning_Hold_Until__c holds 'next week', which is no day",)


def test_for_ever_is_a_day_that_can_be_counted_with() -> None:
    found = parts(Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="9999-12-31")
    assert found.hold.until == date(2999, 12, 31)


def test_a_record_without_the_hold_field_neither_holds_nor_releases() -> None:
    with pytest.raises(Misconfigured, match="did not return the field Dunning_Status__c") as raised:
        crm_parts({}, MAPPING, source="salesforce", read_at=READ_AT, currency="usd")
    assert raised.value.row == "Dunning_Status__c"


# ---------------------------------------------------------------- promise and override


@pytest.mark.parametrize(
    ("raw", "day"),
    [("2026-12-01", date(2026, 12, 1)), ("2026-12-01T10:00:00.000+0000", date(2026, 12, 1))],
)
def test_the_promised_day(raw: str, day: date) -> None:
    assert parts(Dunning_Promise_Date__c=raw).promise == day


def test_a_promise_that_is_no_day_is_said() -> None:
    found = parts(Dunning_Promise_Date__c="soon")
    assert found.promise is None
    assert found.problems == ("the field Dunning_Promise_Date__c holds 'soon', which is no day",)


@pytest.mark.parametrize(
    ("raw", "override"),
    [
        ("Always personal", VipOverride.ALWAYS),
        ("never vip", VipOverride.NEVER),
        (None, None),
        ("", None),
    ],
)
def test_a_persons_word_on_vip(raw: str | None, override: VipOverride | None) -> None:
    found = parts(VIP_Override__c=raw)
    assert found.override is override
    assert found.problems == ()


def test_an_override_that_nobody_mapped_changes_nothing_and_is_said() -> None:
    found = parts(VIP_Override__c="Platinum")
    assert found.override is None
    assert found.problems == ("the field VIP_Override__c says 'Platinum', which no row translates",)


def test_a_field_that_we_may_not_read_is_said() -> None:
    record = {"Dunning_Status__c": None}
    found = crm_parts(record, MAPPING, source="salesforce", read_at=READ_AT, currency="usd")
    assert found.problems == (
        "no access to the field Dunning_Promise_Date__c",
        "no access to the field VIP_Override__c",
    )
    assert found.cs_tier == Missing("no access to the field CS_Tier__c")


# ---------------------------------------------------------------- context


def test_context_values_come_with_their_source_and_age() -> None:
    found = parts(
        Health_Score__c=62.0,
        Health_Score_At__c="2026-11-18T07:25:37.000+0000",
        CS_Tier__c=" Gold ",
        Expansion_ARR__c=12000.5,
        Renewal_Call__c="2026-12-09",
        Contract_Type__c="Annual",
        Contract_End__c="2027-04-30",
    )
    scored_at = datetime(2026, 11, 18, 7, 25, 37, tzinfo=UTC)
    assert found.health == Known("62", "salesforce", scored_at)
    assert found.cs_tier == Known("Gold", "salesforce")
    assert found.expansion == Known(Money(1_200_050, "usd"), "salesforce")
    assert found.renewal_call == Known(date(2026, 12, 9), "salesforce")
    assert found.contract == Known("Annual", "salesforce")
    assert found.contract_end == Known(date(2027, 4, 30), "salesforce")


@pytest.mark.parametrize(
    ("score", "shown"), [("62.0", "62"), ("62", "62"), ("62.50", "62.50"), ("0E+1", "0")]
)
def test_an_exact_number_reads_as_people_write_it(score: str, shown: str) -> None:
    health = parts(Health_Score__c=Decimal(score)).health
    assert isinstance(health, Known)
    assert health.value == shown


def test_a_day_without_an_hour_is_that_day_for_readers_west_of_greenwich() -> None:
    health = parts(Health_Score__c=62, Health_Score_At__c="2026-11-18").health
    assert isinstance(health, Known)
    assert health.as_of is not None
    assert local_date(health.as_of, "America/Los_Angeles") == date(2026, 11, 18)
    assert local_date(health.as_of, "Asia/Tokyo") == date(2026, 11, 18)


def test_what_is_missing_says_why() -> None:
    found = parts(Renewal_Call__c="Q4", Expansion_ARR__c="a lot")
    assert found.health == Missing("the field Health_Score__c is empty")
    assert found.seats == Missing("field not mapped")
    assert found.renewal_call == Missing("the field Renewal_Call__c holds 'Q4', which is no day")
    assert found.expansion == Missing(
        "the field Expansion_ARR__c holds 'a lot', which is no number"
    )


def test_a_health_score_of_unknown_age_has_none() -> None:
    assert parts(Health_Score__c="Green").health == Known("Green", "salesforce", None)


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "1e99", True, [], {}])
def test_numbers_that_are_none_are_missing(raw: Any) -> None:
    assert isinstance(parts(Expansion_ARR__c=raw).expansion, Missing)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.fixed_dictionaries(dict.fromkeys(MAPPING.human_fields, json_values)))
def test_no_value_in_any_field_is_too_odd(record: dict[str, Any]) -> None:
    found = crm_parts(record, MAPPING, source="salesforce", read_at=READ_AT, currency="kwd")
    assert found.hold.word in set(HoldWord)


def test_the_read_plan_asks_for_everything_that_is_mapped() -> None:
    assert read_plan(MAPPING) == ReadPlan(
        account_fields=MAPPING.account_fields,
        people_fields=MAPPING.people,
        contact_field="AP_Contact__c",
        task_outcome_field="Dunning_Outcome__c",
        task_key_field="Dunning_Key__c",
        customer_field="Stripe_Customer_Id__c",
    )
