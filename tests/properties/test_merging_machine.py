"""Any value in any row: conversion, cut and merge come to rest, and nothing is lost unsaid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.leaf import Known, Leaf
from domain.merge import ABSENT, Base, is_blank, is_same
from domain.money import KNOWN, Money
from domain.rows import Agreed
from mappings.incoming import DETAIL_LENGTH, LONGEST, NOTE_LENGTH, CrmSide, incoming
from mappings.mapping import FieldMapping
from mappings.mapping_file import default_mapping_text, load_mapping
from mappings.merging import Look, OurSide, key_of, look
from mappings.outgoing import outgoing_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROWS = """
rows:
  - {ours: customer.phone, flow: <-, theirs: Phone, wins: crm}
  - {ours: customer.email, flow: <-, theirs: Site, wins: ask}
  - {ours: customer.address.country, flow: <-, theirs: BillingCountry, wins: if_blank}
  - {ours: account.tier, flow: <-, theirs: CS_Tier__c, wins: crm, cut: 20}
  - {ours: account.promise, flow: <-, theirs: Dunning_Promise_Date__c, wins: crm}
  - {ours: customer.name, flow: <->, theirs: AccountNumber, wins: newest}
"""
READ = ("Phone", "Site", "BillingCountry", "CS_Tier__c", "Dunning_Promise_Date__c", "AccountNumber")
MAPPING = load_mapping(
    default_mapping_text("salesforce").replace("\nrows:\n", ROWS, 1), name="m.yaml"
)
SHIPPED = load_mapping(default_mapping_text("salesforce"), name="m.yaml")

texts = st.one_of(
    st.none(),
    st.sampled_from(["", "  ", "DE", "2026-12-09", "+1 212 555 0100 ext. 44017", "🎉" * 300]),
    st.text(max_size=40),
    st.integers(200, 40_000).map(lambda size: "ü" * size),
)
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.just(ABSENT),
)
fields = st.fixed_dictionaries(dict.fromkeys(READ, values)).map(
    lambda found: {name: value for name, value in found.items() if value is not ABSENT}
)
details = st.fixed_dictionaries(
    {
        "customer.phone": texts,
        "customer.email": texts,
        "customer.address.country": texts,
        "customer.name": texts,
        "account.tier": texts,
        "account.promise": texts,
    }
)
currencies = st.sampled_from(["usd", "jpy", "kwd", "mad", "ugx", "xts", "xau"])


class Two:
    """The two sides of one account, and what is remembered of them."""

    def __init__(self, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        self.theirs, self.ours = dict(theirs), dict(ours)
        self.agreed: dict[str, Agreed] = {}

    def look(self, mapping: FieldMapping = MAPPING) -> Look:
        """Look once and do what follows, each side keeping what it is given."""
        known = {name: Known(value, "payments") for name, value in self.ours.items()}
        found = look(
            mapping,
            OurSide(values=known, details=self.ours),
            CrmSide(fields=self.theirs, people={}),
            agreed=self.agreed,
            now=NOW,
        )
        self.agreed |= found.remember
        for write in found.to_theirs:
            self.theirs[write.row.theirs] = write.value
            self.agreed[write.key] = Agreed(base=write.agrees, at=NOW)
        for write in found.to_ours:
            self.ours[write.row.ours or ""] = write.value
            self.agreed[write.key] = Agreed(base=write.agrees, at=NOW)
        return found


@pytest.mark.req("R19")
@pytest.mark.req("R20")
@settings(max_examples=300, deadline=None)
@given(theirs=fields, ours=details)
def test_whatever_stands_on_both_sides_one_look_is_enough(
    theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    two = Two(theirs, ours)
    first = two.look()
    at_rest = dict(two.ours), dict(two.theirs)

    second = two.look()

    assert (two.ours, two.theirs) == at_rest
    assert (second.to_ours, second.asked) == ((), ())
    assert [one.note for one in second.unfit] == [one.note for one in first.unfit]


@settings(max_examples=300, deadline=None)
@given(theirs=fields, ours=details)
def test_what_comes_in_fits_whole_or_is_told_and_an_empty_field_takes_no_detail_away(
    theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    two = Two(theirs, ours)

    found = two.look()

    told = {one.name for one in found.unfit}
    for row in MAPPING.rows:
        name, said = row.ours or "", theirs.get(row.theirs, ABSENT)
        if name not in ours or said is ABSENT or name == "customer.name":
            continue
        if is_blank(said) and name.startswith("customer."):
            assert two.ours[name] == ours[name]
        text, note = incoming(row, CrmSide(fields=theirs, people={}), MAPPING)
        if text is ABSENT:
            assert (two.ours[name], name in told) == (ours[name], True), note
        elif text is not None:
            longest = LONGEST.get(name, DETAIL_LENGTH)
            longest = longest if name.startswith("customer.") else min(row.cut or 500, NOTE_LENGTH)
            assert len(text) <= longest
            assert len(text) == len(str(said).strip()) or note or not isinstance(said, str)


@settings(max_examples=200, deadline=None)
@given(
    minor=st.integers(0, 10**12),
    currency=currencies,
    stands=st.one_of(st.none(), st.floats(0, 10**9)),
    beside=st.sampled_from([None, "USD", "MAD"]),
)
def test_an_amount_and_its_currency_are_written_together_or_not_at_all(
    minor: int, currency: str, stands: float | None, beside: str | None
) -> None:
    ours: dict[str, Leaf[object]] = {
        "payment.amount_due": Known(Money(minor, currency), "payments"),
        "payment.currency": Known(currency, "payments"),
    }
    crm = CrmSide(fields={"Amount_Past_Due__c": stands, "Past_Due_Currency__c": beside}, people={})

    found = look(SHIPPED, OurSide(values=ours, details=None), crm, agreed={}, now=NOW)

    written = {one.row.theirs: one.value for one in found.to_theirs}
    if currency in KNOWN:
        assert is_same(
            written.get("Amount_Past_Due__c", stands), float(Money(minor, currency).major)
        )
        assert written.get("Past_Due_Currency__c", beside) == currency.upper()
        assert found.unfit == ()
    else:
        assert not written.keys() & {"Amount_Past_Due__c", "Past_Due_Currency__c"}
        assert {one.name for one in found.unfit} == {"Amount_Past_Due__c", "Past_Due_Currency__c"}


@settings(max_examples=200, deadline=None)
@given(theirs=fields, ours=details, keeps_ours=st.booleans())
def test_an_answer_ends_every_question_whatever_the_two_values(
    theirs: dict[str, Any], ours: dict[str, Any], keeps_ours: bool
) -> None:
    two = Two(theirs, ours)
    for one in two.look().asked:
        base = (
            Base(ours=ABSENT, theirs=one.theirs)
            if keeps_ours
            else Base(ours=one.ours, theirs=ABSENT)
        )
        two.agreed[one.key] = Agreed(base=base, at=NOW)

    assert two.look().asked == ()
    assert two.look().asked == ()


@given(text=st.text(max_size=60), cut=st.integers(2, 40))
def test_a_cut_keeps_the_beginning_and_says_so(text: str, cut: int) -> None:
    row = next(one for one in MAPPING.rows if key_of(one) == "AccountNumber")
    mapping_row = type(row)(**{**vars(row), "cut": cut})

    value, note = outgoing_of(mapping_row, {"customer.name": Known(text, "payments")}, MAPPING)

    assert len(value) <= cut
    assert (value == text) is (note is None)
    assert text.startswith(value.removesuffix("…").rstrip())
