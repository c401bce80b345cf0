"""Broken files, one a folder entry, each with exactly what `check` says of it.

`NAME.yaml` is the file as an administrator might leave it; `NAME.txt` is every finding with its
line, column, weight, words and remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.findings import Finding, Severity
from mappings.mapping_file import check_mapping
from mappings.policy_file import check_policy
from mappings.yaml_source import MAX_BYTES, decoded
from tests.mappings.broken import damaged, right_file

CORPUS = Path(__file__).parent / "corpus"
CHECKS: dict[str, Callable[..., list[Finding]]] = {
    "mapping": check_mapping,
    "policy": check_policy,
}
FILES = sorted(CORPUS.glob("*/*.yaml"))
TEXTS = [(path.parent.name, path.read_text(encoding="utf-8")) for path in FILES]


def told(found: list[Finding]) -> str:
    return "".join(
        f"{one.line}:{one.column}: {one.severity}: {one.message}\n  {one.fix}\n" for one in found
    )


def test_the_corpus_is_large_and_every_file_has_its_findings() -> None:
    assert len(FILES) >= 60
    assert {path.with_suffix("") for path in FILES} == {
        path.with_suffix("") for path in CORPUS.glob("*/*.txt")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_broken_file_gets_exactly_its_findings(path: Path) -> None:
    found = CHECKS[path.parent.name](path.read_text(encoding="utf-8"), name=path.name)
    assert told(found) == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert found != []
    assert all(one.fix for one in found)


# ---------------------------------------------------------------- files too large to keep

RIGHT = {kind: right_file(f"{kind}.yaml") for kind in CHECKS}
ROW = "  - {{ours: payment.mrr, flow: ->, theirs: F{}__c, wins: stripe}}\n"


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("# " + "x" * MAX_BYTES + "\n", "the file is larger than 256 KiB"),
        ("a: &a 1\n" + "b: *a\n" * 300, "there are more than 100"),
        ("a: [" + "1," * 60_000 + "]\n", "'a'"),
        ("[" * 5_000, "nested too deeply"),
        ("{" * 5_000, "a name before the colon is a single word here"),
        ("a: " + "'" * 99_999 + "\n", "cannot be read as YAML"),
        ("k: v\n" * 9_000, "there are more than 100 names that stand twice"),
    ],
    ids=["bytes", "aliases", "one list", "brackets", "braces", "quotes", "names"],
)
def test_a_huge_file_is_refused_in_a_few_words(kind: str, text: str, finding: str) -> None:
    found = CHECKS[kind](text, name="huge.yaml")
    assert finding in told(found)
    assert 0 < len(found) <= 110


def test_more_rows_than_a_mapping_can_have_are_one_finding() -> None:
    text = RIGHT["mapping"].replace("rows:\n", "rows:\n" + "".join(map(ROW.format, range(500))))
    found = check_mapping(text, name="m.yaml")
    assert [one.message for one in found] == ["rows is too long"]


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ("policy: f\xfcr\n".encode("latin-1"), (1, 10)),
        ("# ok\npolicy: x\n".encode("utf-16"), (1, 1)),
        (b"a: 1\nb: \xff\xfe\n", (2, 4)),
    ],
)
@pytest.mark.parametrize("kind", CHECKS)
def test_a_file_in_another_encoding_is_refused_with_the_place(
    kind: str, raw: bytes, place: tuple[int, int]
) -> None:
    (found,) = CHECKS[kind](decoded(raw), name="latin.yaml")
    assert (found.line, found.column, found.fix) == (*place, "Save the file as UTF-8.")
    assert found.message == "a byte here is not UTF-8"


# ---------------------------------------------------------------- any text at all


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(TEXTS).flatmap(lambda one: st.tuples(st.just(one[0]), damaged(one[1]))))
def test_a_broken_file_that_is_broken_further_gets_findings_and_no_crash(
    case: tuple[str, str],
) -> None:
    kind, text = case
    found = CHECKS[kind](text, name="f.yaml")
    lines = text.count("\n") + 1
    assert all(1 <= one.line <= lines + 1 and one.column >= 1 for one in found)
    assert all(one.message and one.severity in Severity for one in found)
    assert found == sorted(found, key=lambda one: (one.line, one.column, one.message))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(sorted(CHECKS)), st.binary(max_size=300))
def test_no_bytes_are_too_odd(kind: str, raw: bytes) -> None:
    assert CHECKS[kind](decoded(raw), name="f.yaml") != []


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.sampled_from([one for _, text in TEXTS for one in text.splitlines()][:600])))
@pytest.mark.parametrize("kind", CHECKS)
def test_lines_of_all_files_in_any_order_are_not_too_odd(kind: str, lines: list[str]) -> None:
    assert CHECKS[kind]("\n".join(lines), name="f.yaml") != []


def rewrite() -> None:
    """Write what `check` says now beside every file: `python -m tests.mappings.test_corpus`.

    Read the difference before you keep it.
    """
    for path in FILES:
        found = CHECKS[path.parent.name](path.read_text(encoding="utf-8"), name=path.name)
        path.with_suffix(".txt").write_text(told(found), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
