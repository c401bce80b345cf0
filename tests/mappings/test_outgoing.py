"""What is sent to the CRM: in the right shape, only what is known, and nothing cut in silence."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from domain.leaf import Known, Missing
from domain.money import Money
from mappings.mapping import FieldMapping
from mappings.mapping_file import default_mapping, default_mapping_text, load_mapping
from mappings.outgoing import Outgoing, outgoing, outgoing_with_notes
from mappings.vocabulary import OURS, OurType
from tests.mappings.broken import broken

MAPPING = default_mapping("salesforce")
MOMENT = datetime(2026, 11, 20, 6, 2, 5, 999, tzinfo=UTC)


def sent(ours: str, value: object, mapping: FieldMapping = MAPPING) -> Outgoing:
    return outgoing_with_notes({ours: Known(value, "kidglove")}, mapping)


def converted(theirs: str, convert: str) -> FieldMapping:
    """The shipped mapping with one conversion."""
    text = default_mapping_text("salesforce")
    return load_mapping(
        broken(text, f"theirs: {theirs},", f"theirs: {theirs}, convert: {convert},"), name="m.yaml"
    )


@pytest.mark.parametrize(
    ("ours", "value", "field", "json_value"),
    [
        ("payment.status", "past_due", "Payment_Status__c", "Past due"),
        ("payment.amount_due", Money(1_420_000, "usd"), "Amount_Past_Due__c", 14200),
        ("payment.amount_due", Money(1_420_050, "usd"), "Amount_Past_Due__c", 14200.5),
        ("payment.amount_due", Money(14_200, "jpy"), "Amount_Past_Due__c", 14200),
        ("payment.mrr", Money(12_345, "kwd"), "Stripe_MRR__c", 12.345),
        ("payment.currency", "usd", "Past_Due_Currency__c", "USD"),
        ("payment.failing_since", MOMENT, "Past_Due_Since__c", "2026-11-20"),
        ("payment.failing_since", date(2026, 11, 20), "Past_Due_Since__c", "2026-11-20"),
        (
            "payment.last_failure_at",
            MOMENT,
            "Last_Payment_Failure_At__c",
            "2026-11-20T06:02:05.000+0000",
        ),
        (
            "quiet.until",
            datetime(2026, 11, 20, 8, tzinfo=timezone(timedelta(hours=9))),
            "Dunning_Quiet_Until__c",
            "2026-11-19T23:00:00.000+0000",
        ),
        ("payment.last_failure", "declined", "Last_Failure_Code__c", "declined"),
        ("quiet.state", "off", "Dunning_Quiet_State__c", "Off"),
    ],
)
def test_each_kind_of_value_has_the_shape_of_its_field(
    ours: str, value: object, field: str, json_value: Any
) -> None:
    found = sent(ours, value)
    assert found == Outgoing(values={field: json_value})
    assert json.loads(json.dumps(dict(found.values))) == {field: json_value}


def test_a_known_nothing_empties_the_field() -> None:
    assert outgoing({"quiet.until": Known(None, "kidglove")}, MAPPING) == {
        "Dunning_Quiet_Until__c": None
    }


def test_a_missing_value_is_not_sent_at_all() -> None:
    assert outgoing({"payment.mrr": Missing("Stripe was not reached")}, MAPPING) == {}


def test_a_value_that_no_row_names_goes_nowhere() -> None:
    assert outgoing({"payment.customer_id": Known("cus_RvUprq", "stripe")}, MAPPING) == {}


def test_a_text_that_is_too_long_is_cut_and_that_is_said() -> None:
    found = sent("payment.last_failure", "x" * 300)
    assert found.values == {"Last_Failure_Code__c": "x" * 254 + "…"}
    assert found.notes == ("Last_Failure_Code__c was cut from 300 to 255 characters",)


@pytest.mark.parametrize(
    ("ours", "value", "note"),
    [
        (
            "payment.status",
            "idle",
            "Payment_Status__c was not sent: payment.status is 'idle', which has no translation",
        ),
        (
            "payment.mrr",
            Money(5, "xyz"),
            "Stripe_MRR__c was not sent: payment.mrr is in XYZ, whose decimals are not known",
        ),
        (
            "payment.mrr",
            5000,
            "Stripe_MRR__c was not sent: payment.mrr is int, which is no money",
        ),
        (
            "quiet.until",
            MOMENT.replace(tzinfo=None),
            "Dunning_Quiet_Until__c was not sent: quiet.until is a time without a zone",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_held_back_and_that_is_said(
    ours: str, value: object, note: str
) -> None:
    assert sent(ours, value) == Outgoing(values={}, notes=(note,))


@pytest.mark.parametrize(
    ("ours", "value", "theirs", "convert", "json_value"),
    [
        ("payment.mrr", Money(500_050, "usd"), "Stripe_MRR__c", "minor_units", 500050),
        ("payment.mrr", Money(500_050, "usd"), "Stripe_MRR__c", "major_units", 5000.5),
        ("payment.mrr", Money(500_050, "usd"), "Stripe_MRR__c", "text", "$5,000.50"),
        ("quiet.until", MOMENT, "Dunning_Quiet_Until__c", "date", "2026-11-20"),
        (
            "payment.failing_since",
            MOMENT,
            "Past_Due_Since__c",
            "datetime",
            "2026-11-20T06:02:05.000+0000",
        ),
    ],
)
def test_each_conversion(
    ours: str, value: object, theirs: str, convert: str, json_value: Any
) -> None:
    assert sent(ours, value, converted(theirs, convert)).values == {theirs: json_value}


def test_every_word_of_ours_has_a_translation() -> None:
    words = [
        (name, word)
        for name, field in OURS.items()
        if field.type is OurType.WORD
        for word in field.words
    ]
    assert all(sent(name, word).notes == () for name, word in words)
