"""Whether live fields take what a mapping writes, field by field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.described import DescribedField, FieldKind
from domain.ports import Health
from mappings.fit import fit_findings, fitting, refusal
from mappings.mapping import FieldMapping
from mappings.mapping_file import load_mapping

TEXT = DescribedField(name="Target", kind=FieldKind.TEXT, is_writable=True, length=255)
LINK = replace(TEXT, name="Customer", is_unique=True)


def mapped(row: str, more: str = "") -> FieldMapping:
    return load_mapping(
        "mapping: m\nversion: 1\nsystem: hubspot\nobject: companies\n"
        f"link: {{customer_id: Customer}}\n{more}rows:\n  - {{{row}}}\n"
        "people: {account_owner: Owner}\nhold: {field: Hold, words: {held: [Held]}}\n"
        "task: {key_field: Key}\n",
        name="m.yaml",
    )


def found(row: str, field: DescribedField | None, more: str = "") -> list[tuple[Health, str]]:
    fields = [LINK, replace(TEXT, name="Hold"), *([field] if field else [])]
    return [
        (one.health, one.detail)
        for one in fit_findings(mapped(row, more), {one.name: one for one in fields})
    ]


def kind(of: FieldKind, **more: Any) -> DescribedField:
    return replace(TEXT, kind=of, **more)


MRR = "ours: payment.mrr, flow: ->, theirs: Target, wins: stripe"
WHY = "ours: payment.last_failure, flow: ->, theirs: Target, wins: stripe"
SINCE = "ours: payment.failing_since, flow: ->, theirs: Target, wins: stripe"
CHECKED = "ours: quiet.checked_at, flow: ->, theirs: Target, wins: worker"
STATE = (
    "ours: quiet.state, flow: ->, theirs: Target, wins: worker, "
    'values: {quiet: Quiet, not_quiet: Loud, unknown: Unknown, "off": "Off"}'
)
URL = "ours: payment.customer_url, flow: ->, theirs: Target, wins: stripe"
LINE = "template: line, flow: ->, theirs: Target, wins: worker"
CONSTANT = "constant: Kidglove, flow: ->, theirs: Target, wins: worker"


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (MRR, kind(FieldKind.NUMBER, decimals=2)),
        (f"{MRR}, convert: minor_units", kind(FieldKind.NUMBER, decimals=0)),
        (f"{MRR}, convert: text", TEXT),
        (f"{WHY}, cut: 255", TEXT),
        (WHY, replace(TEXT, length=None)),
        (SINCE, kind(FieldKind.DAY)),
        (CHECKED, kind(FieldKind.MOMENT)),
        (STATE, kind(FieldKind.CHOICE, choices=("Quiet", "Loud", "Unknown", "Off"))),
        (STATE, TEXT),
        (URL, TEXT),
        (CONSTANT, TEXT),
        (MRR, kind(FieldKind.OTHER)),
    ],
)
def test_what_fits_has_no_line(row: str, field: DescribedField) -> None:
    assert found(row, field) == []


WRONG, DOUBTFUL = Health.WRONG, Health.UNKNOWN


@pytest.mark.parametrize(
    ("row", "field", "health", "detail"),
    [
        (MRR, None, WRONG, "the field does not exist, or is hidden from us"),
        (
            MRR,
            kind(FieldKind.NUMBER, is_writable=False, decimals=2),
            WRONG,
            "we may not write the field",
        ),
        (MRR, TEXT, WRONG, "the field takes a text, and payment.mrr is written as a number"),
        (
            SINCE,
            kind(FieldKind.MOMENT),
            WRONG,
            "the field takes a moment, and payment.failing_since is written as a day",
        ),
        (
            CHECKED,
            kind(FieldKind.FLAG),
            WRONG,
            "the field takes a flag, and quiet.checked_at is written as a moment",
        ),
        (
            MRR,
            kind(FieldKind.NUMBER, decimals=0),
            DOUBTFUL,
            "payment.mrr has cents, and the field keeps 0 decimals",
        ),
        (
            f"{SINCE}, convert: datetime",
            kind(FieldKind.MOMENT),
            DOUBTFUL,
            (
                "payment.failing_since is a day, and is written as its midnight in UTC: the "
                "evening before in America"
            ),
        ),
        (
            f"{CHECKED}, convert: date",
            kind(FieldKind.DAY),
            DOUBTFUL,
            "quiet.checked_at is a moment, and only its day in UTC is written",
        ),
        (
            "ours: account.promise, flow: <-, theirs: Target, wins: crm",
            kind(FieldKind.MOMENT),
            DOUBTFUL,
            "the field says a moment, and only its day in UTC is read",
        ),
        (WHY, TEXT, DOUBTFUL, "a text of more than 255 characters would be cut"),
        (
            f"{WHY}, cut: 300",
            TEXT,
            WRONG,
            "the row cuts to 300 characters, and the field takes 255",
        ),
        (
            URL,
            replace(TEXT, length=80),
            DOUBTFUL,
            "payment.customer_url can have 255 characters, and the field takes 80",
        ),
        (
            STATE,
            kind(FieldKind.CHOICE, choices=("Quiet", "Lowd", "Unknown", "Off"), is_strict=True),
            WRONG,
            "the choice has no value 'Loud'; did you mean 'Lowd'?",
        ),
        (
            STATE,
            kind(FieldKind.CHOICE, choices=("Quiet",)),
            DOUBTFUL,
            "the choice has no value 'Loud', 'Unknown' or 'Off'",
        ),
        (
            STATE,
            replace(TEXT, length=4),
            WRONG,
            "'Unknown' is longer than the 4 characters of the field",
        ),
        (
            CONSTANT,
            replace(TEXT, length=4),
            WRONG,
            "'Kidglove' is longer than the 4 characters of the field",
        ),
    ],
)
def test_what_does_not_fit_is_wrong_and_what_may_lose_something_is_doubtful(
    row: str, field: DescribedField | None, health: Health, detail: str
) -> None:
    assert found(row, field) == [(health, detail)]


def test_a_sentence_can_be_longer_than_its_field() -> None:
    assert found(LINE, TEXT, 'templates: {line: "{payment.status}"}\n') == [
        (DOUBTFUL, "a text of more than 255 characters would be cut")
    ]


def test_the_field_that_says_who_it_is_must_be_unique() -> None:
    fields = {"Customer": replace(LINK, is_unique=False), "Hold": TEXT, "Target": TEXT}
    (one,) = fit_findings(mapped(URL), fields)
    assert (one.check, one.health) == ("field.companies.Customer", WRONG)
    assert "two records could carry the same customer's id" in one.detail


def test_a_missing_right_comes_with_the_way_to_grant_it() -> None:
    hidden = replace(TEXT, is_writable=False, grant="Ask Ines.")
    fields = {"Customer": LINK, "Hold": TEXT, "Target": hidden}
    assert [one.remedy for one in fit_findings(mapped(URL), fields)] == ["Ask Ines."]


@pytest.mark.parametrize(
    ("value", "field", "why"),
    [
        ("x", None, "does not exist, or is hidden from us"),
        ("x", replace(TEXT, is_writable=False), "is not ours to write"),
        ("x" * 256, TEXT, None),
        ("B", kind(FieldKind.CHOICE, choices=("A",), is_strict=True), "has no value 'B'"),
        ("B", kind(FieldKind.CHOICE, choices=("A",)), None),
        (None, kind(FieldKind.CHOICE, choices=("A",), is_strict=True), None),
        ("x" * 255, TEXT, None),
        (14200.5, kind(FieldKind.NUMBER), None),
    ],
)
def test_a_value_is_refused_with_the_reason(
    value: object, field: DescribedField | None, why: str | None
) -> None:
    assert refusal(value, field) == why


@pytest.mark.parametrize(
    ("row", "more", "remedy"),
    [
        (WHY, "", "Write `cut: 255`."),
        (LINE, 'templates: {line: "{payment.status}"}\n', "Write `cut: 255`."),
        (LINE, 'templates: {line: "{payment.amount_due}"}\n', "Map a longer field."),
    ],
)
def test_a_cut_is_advised_only_where_it_may_stand(row: str, more: str, remedy: str) -> None:
    fields = {one.name: one for one in (LINK, replace(TEXT, name="Hold"), TEXT)}
    (one,) = fit_findings(mapped(row, more), fields)
    assert one.remedy == remedy


@pytest.mark.parametrize("more", ["promise: Target\n", "promise: Other\n"])
def test_a_day_that_people_write_into_a_moment_is_doubtful(more: str) -> None:
    fields = [LINK, *(replace(TEXT, name=name) for name in ("Hold", "Other", "Written"))]
    fields.append(kind(FieldKind.MOMENT))
    told = fit_findings(
        mapped("constant: x, flow: ->, theirs: Written, wins: worker", more),
        {one.name: one for one in fields},
    )
    assert [(one.health, one.check) for one in told] == (
        [(DOUBTFUL, "field.companies.Target")] if "Target" in more else []
    )


@pytest.mark.parametrize(
    ("value", "stands"),
    [("x" * 255, "x" * 255), ("x" * 256, "x" * 251 + " ..."), (7, 7), (None, None)],
)
def test_a_text_that_is_too_long_is_cut_as_the_connectors_cut_it(
    value: object, stands: object
) -> None:
    assert fitting(value, TEXT) == stands
    assert fitting(value, None) == value
