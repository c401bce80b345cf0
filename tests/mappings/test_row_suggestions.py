"""Rows are suggested by near names and fitting types; each is one that every check accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from domain.described import DescribedField, FieldKind
from domain.ports import Health
from mappings.findings import errors
from mappings.fit import fit_findings
from mappings.mapping_file import check_mapping, default_mapping_text, load_mapping
from mappings.near_names import CALLED, near, phrases
from mappings.row_edit import with_new_row
from mappings.row_suggestions import MOST_OF_A_VALUE, Impossible, suggestions
from mappings.vocabulary import OURS, Flow, OurType

MAPPING = """\
mapping: m
version: 1
system: hubspot
object: companies
link: {customer_id: Customer}
rows:
  - {ours: payment.mrr, flow: ->, theirs: Taken, wins: stripe}
people: {account_owner: Owner}
hold: {field: Hold, words: {held: [Held]}}
task: {key_field: Key}
"""
READ = load_mapping(MAPPING, name="m.yaml")
TEXT = DescribedField(name="Target", kind=FieldKind.TEXT, is_writable=True, length=255)
USUAL = (
    replace(TEXT, name="Customer", is_unique=True),
    replace(TEXT, name="Taken", kind=FieldKind.NUMBER, length=None, decimals=2),
)
QUIET = ("Quiet", "Not quiet", "Unknown", "Off")


def field(name: str, kind: FieldKind = FieldKind.TEXT, **more: Any) -> DescribedField:
    length = 255 if kind is FieldKind.TEXT else None
    return DescribedField(
        **{"name": name, "kind": kind, "is_writable": True, "length": length, **more}
    )


def described(*fields: DescribedField) -> Mapping[str, DescribedField]:
    return {one.name: one for one in (*USUAL, *fields)}


def rows(*fields: DescribedField, ours: str | None = None) -> list[str]:
    """The suggested rows as they would be pasted; of one value, if it is named."""
    found = suggestions(READ, described(*fields)).rows
    return [one.text for one in found if ours in (None, one.ours)]


def impossible(*fields: DescribedField) -> list[Impossible]:
    """What is near by its name alone; the link field, which always is, left out."""
    found = suggestions(READ, described(*fields)).impossible
    return [one for one in found if one.field != "Customer"]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("ours", "name", "label"),
    [
        ("payment.arr", "Stripe_ARR__c", ""),
        ("payment.arr", "annual_recurring_revenue", ""),
        ("payment.amount_due", "AmountDue", ""),
        ("payment.amount_due", "Amount_Past_Due__c", ""),
        ("payment.card_expires", "kidglove_card_expires", ""),
        ("payment.status", "F12__c", "Payment status"),
        ("quiet.state", "Dunning_Quiet_State__c", ""),
        ("customer.phone", "Phone", ""),
        ("customer.phone", "Phones", ""),
        ("customer.address.postal_code", "zip", ""),
        ("customer.address.line2", "address2", ""),
        ("customer.address.line1", "BillingStreet", ""),
        ("account.csm", "x", "Customer Success Manager"),
    ],
)
def test_names_and_labels_that_say_nearly_the_same_are_near(
    ours: str, name: str, label: str
) -> None:
    assert near(ours, field(name, label=label)) is not None


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        ("payment.status", "Status__c"),
        ("payment.status", "Order_Status__c"),
        ("payment.arr", "Array_Size__c"),
        ("payment.amount_due", "Amount__c"),
        ("payment.arr", "AnnualRevenue"),
        ("customer.name", "Company_Domain_Name__c"),
        ("customer.address.city", "Capacity__c"),
        ("customer.phone", "Stripe__c"),
        ("customer.phone", "\u7535\u8bdd"),
        ("customer.name", "_"),
    ],
)
def test_names_that_share_a_word_or_some_letters_are_not(ours: str, name: str) -> None:
    assert near(ours, field(name)) is None


def test_every_value_of_ours_has_a_name_to_be_found_by() -> None:
    assert set(CALLED) == set(OURS)
    assert [one for one in OURS if near(one, field("x", label=phrases(one)[0])) is None] == []


def test_no_two_values_are_called_the_same() -> None:
    said = [phrase for one in OURS for phrase in phrases(one)]
    assert sorted(said) == sorted(set(said))


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("one", "row"),
    [
        (
            field("ARR__c", FieldKind.NUMBER, decimals=2),
            "{ours: payment.arr, flow: ->, theirs: ARR__c, wins: stripe}",
        ),
        (
            field("ARR__c"),
            "{ours: payment.arr, flow: ->, theirs: ARR__c, wins: stripe, convert: text}",
        ),
        (
            field("Failing_Since__c", FieldKind.MOMENT),
            (
                "{ours: payment.failing_since, flow: ->, theirs: Failing_Since__c, wins: stripe, "
                "convert: datetime}"
            ),
        ),
        (
            field("Last_Failure__c", length=80),
            (
                "{ours: payment.last_failure, flow: ->, theirs: Last_Failure__c, wins: stripe, "
                "cut: 80}"
            ),
        ),
        (
            field("Quiet_State__c", FieldKind.CHOICE, choices=QUIET, is_strict=True),
            (
                "{ours: quiet.state, flow: ->, theirs: Quiet_State__c, wins: worker, values: "
                '{quiet: Quiet, not_quiet: Not quiet, unknown: Unknown, "off": "Off"}}'
            ),
        ),
        (
            field("Quiet_State__c"),
            (
                "{ours: quiet.state, flow: ->, theirs: Quiet_State__c, wins: worker, values: "
                '{quiet: Quiet, not_quiet: Not quiet, unknown: Unknown, "off": "Off"}}'
            ),
        ),
        (field("phone"), "{ours: customer.phone, flow: <-, theirs: phone, wins: crm}"),
        (
            field("health_score", FieldKind.NUMBER),
            "{ours: account.health, flow: <-, theirs: health_score, wins: crm}",
        ),
    ],
)
def test_a_row_has_the_shape_that_the_field_takes_and_the_usual_winner(
    one: DescribedField, row: str
) -> None:
    assert rows(one) == [row]


def test_a_choice_that_has_the_word_among_others_is_that_word() -> None:
    choices = ("Current", "Payment failed", "Past due", "Paid", "Lost", "Unknown")
    (row,) = rows(field("Payment_Status__c", FieldKind.CHOICE, choices=choices))
    assert "{current: Current, failed: Payment failed, past_due: Past due, paid: Paid" in row


def test_what_the_mapping_reads_already_is_suggested_whatever_its_name_is() -> None:
    (row,) = suggestions(READ, described(field("Hold"))).rows
    assert (row.ours, row.field) == ("account.resolution", "Hold")
    assert row.reason == "the mapping reads this from it already, and it holds a text"


def test_a_person_in_a_look_up_is_read_where_the_mapping_says_who_that_is() -> None:
    owner = field("Owner", FieldKind.RECORD)
    assert rows(owner, ours="account.owner") == [
        "{ours: account.owner, flow: <-, theirs: Owner, wins: crm}"
    ]
    assert [(one.field, one.why) for one in impossible(field("csm", FieldKind.RECORD))] == [
        ("csm", "the field says a record, and account.csm is read from a text")
    ]


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (
            field("ARR__c", FieldKind.FLAG),
            "the field takes a flag, and payment.arr is written as a number",
        ),
        (field("ARR__c", FieldKind.NUMBER, is_writable=False), "we may not write the field"),
        (
            field("Quiet_State__c", FieldKind.CHOICE, choices=("Yes", "No")),
            "none of its choices says what each of our words means",
        ),
        (
            field("Quiet_State__c", length=4),
            "'Not quiet' is longer than the 4 characters of the field",
        ),
        (
            field("phone", FieldKind.NUMBER),
            "the field says a number, and customer.phone is read from a text",
        ),
        (
            field("Promise_Date", FieldKind.FLAG),
            "the field says a flag, and account.promise is read from a day",
        ),
    ],
)
def test_a_pair_that_is_impossible_is_not_suggested_and_says_why(
    one: DescribedField, why: str
) -> None:
    assert rows(one) == []
    assert [each.why for each in impossible(one)] == [why]


def test_a_field_that_is_somebodys_is_nobody_elses() -> None:
    text = MAPPING.replace("Taken", "ARR__c").replace("account_owner", "manager")
    text = text.replace(": Owner", ": Next_Retry__c.ManagerId").replace("Customer", "customer_id")
    text = text.replace("field: Hold", "field: Hold, until: Card_Expiry__c")
    fields = described(
        field("ARR__c", FieldKind.NUMBER),
        field("Next_Retry__c", FieldKind.MOMENT),
        field("Card_Expiry__c", FieldKind.DAY),
        field("customer_id"),
    )
    found = suggestions(load_mapping(text, name="m.yaml"), fields)
    assert {one.field: one.why for one in found.impossible if one.ours.startswith("payment.")} == {
        "ARR__c": "a row writes it already",
        "Next_Retry__c": "it is written by people",
        "Card_Expiry__c": "it is written by people",
        "customer_id": "it says which account a record is",
    }


def test_of_several_fields_the_likeliest_comes_first_and_each_is_there_once() -> None:
    found = suggestions(
        READ,
        described(
            *(field(f"Amount_Past_Due_{n}__c", FieldKind.NUMBER, decimals=2) for n in "DCBA"),
        ),
    ).rows
    due = [one for one in found if one.ours == "payment.amount_due"]
    assert [one.is_first for one in due] == [True, False, False]
    assert len(due) == MOST_OF_A_VALUE
    assert due[0].field == "Amount_Past_Due_A__c"
    names = [one.field for one in found]
    assert sorted(names) == sorted(set(names))


def test_where_a_field_says_the_very_words_what_is_only_near_is_left_out() -> None:
    old, plain = (
        field(name, FieldKind.NUMBER, decimals=2)
        for name in ("Amount_Past_Due_Old__c", "amount_due")
    )
    words = "{ours: payment.amount_due, flow: ->, theirs: amount_due, wins: stripe}"
    assert rows(old, plain) == [words]
    assert len(rows(old)) == 1


def test_what_a_value_may_lose_on_the_way_is_said() -> None:
    (phone,) = suggestions(READ, described(field("phone", length=40))).rows
    (arr,) = suggestions(READ, described(field("ARR__c", FieldKind.NUMBER, decimals=0))).rows
    assert phone.doubts == ("what has more than 20 characters is not written",)
    assert [one.partition(":")[0] for one in arr.doubts] == [
        "payment.arr has cents, and the field keeps 0 decimals"
    ]


@pytest.mark.parametrize("length", [5, 10, 500_000])
def test_a_text_is_cut_to_what_both_the_field_and_a_mapping_take(length: int) -> None:
    (row,) = suggestions(READ, described(field("Last_Failure__c", length=length))).rows
    assert row.said.get("cut") == {5: None, 10: 10, 500_000: 131_072}[length]


@pytest.mark.parametrize("name", ["9_arr", "ARR", "A" * 200])
def test_a_field_whose_name_no_mapping_can_say_is_not_suggested(name: str) -> None:
    one = field(name, FieldKind.NUMBER, label="ARR")
    assert len(rows(one)) == (name == "ARR")


# ---------------------------------------------------------------- accepted


def everything() -> list[DescribedField]:
    """A fitting field for each of our values, by its own name."""
    kinds = {
        OurType.MONEY: FieldKind.NUMBER,
        OurType.DAY: FieldKind.DAY,
        OurType.MOMENT: FieldKind.MOMENT,
    }
    return [
        field(
            name.replace(".", "_"),
            kinds.get(ours.type, FieldKind.TEXT),
            decimals=2 if ours.type is OurType.MONEY else None,
        )
        for name, ours in OURS.items()
        if name != "payment.mrr"
    ]


def test_each_row_alone_and_all_first_rows_together_pass_the_check_and_the_doctor() -> None:
    fields = described(*everything())
    found = suggestions(READ, fields)
    together = MAPPING
    for one in found.rows:
        assert problems(with_new_row(MAPPING, one.said), fields) == []
        together = with_new_row(together, one.said) if one.is_first else together
    assert problems(together, fields) == []
    assert [one.ours for one in found.rows if one.is_first] == [
        name for name in OURS if name != "payment.mrr"
    ]
    assert found.without == ()


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
def test_a_shipped_mapping_lacks_no_fact_about_payments_but_the_id_that_links(system: str) -> None:
    mapping = load_mapping(default_mapping_text(system), name="x")
    free = suggestions(mapping, {}).without
    assert [one for one in free if OURS[one].flows == (Flow.OUT,)] == ["payment.customer_id"]


def problems(text: str, fields: Mapping[str, DescribedField]) -> list[str]:
    """What the check or the doctor would stop."""
    found = [one.message for one in errors(check_mapping(text, name="m.yaml"))]
    if found:
        return found
    live = {**fields, "Hold": field("Hold")}
    fits = fit_findings(load_mapping(text, name="m.yaml"), live)
    return [one.detail for one in fits if one.health is Health.WRONG]


def test_nothing_live_suggests_nothing_and_says_what_is_left() -> None:
    found = suggestions(READ, {})
    assert (found.rows, found.impossible) == ((), ())
    assert found.without == tuple(name for name in OURS if name != "payment.mrr")


def test_the_text_of_a_row_is_the_row() -> None:
    (row,) = suggestions(READ, described(field("phone"))).rows
    assert row.text in with_new_row(MAPPING, row.said)
