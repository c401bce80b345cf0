"""The package's JSON form: published, current, complete, and the same when read back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import domain
from domain.case import CaseState, Hop, Outcome
from domain.facts import CrmPicture, Role
from domain.holds import HeldByPromise, HeldByWord, Quiet, QuietCertificate
from domain.ids import Ref
from domain.leaf import Known, Missing
from domain.package import GROUPS, ContextPackage, json_schema
from domain.wording import clean
from tests.unit.packages import NOW, case, crm, known, package, payments, usd, with_invoice

PUBLISHED = Path(domain.__file__).with_name("package.schema.json")
BARE = CrmPicture(account=Ref("salesforce", "account", "001A"), read_at=NOW, name=" ")
HELD = HeldByWord(raw="", by=None, since=NOW, until=NOW, fingerprint="held||", is_understood=False)
PROMISED = HeldByPromise(promised=NOW.date(), since=NOW, until=NOW)
HOP = Hop(role=Role.OWNER, person_id="005F", person_name="", at=NOW)
UNKNOWN = QuietCertificate(state=Quiet.UNKNOWN)
PACKAGES: dict[str, ContextPackage] = {
    "full": package(),
    "nothing mapped": package(keeps=BARE, erp=Missing("no ERP is connected")),
    "no payments": package(pays=Missing("no answer"), certificate=UNKNOWN),
    "no CRM": package(keeps=Missing("two accounts claim this customer"), next_owner=None),
    "nothing at all": package(pays=Missing(""), keeps=Missing("\n"), erp=Missing(" ")),
    "no invoices": package(of=case(invoices=())),
    "invoice gone": package(of=case(invoices=("in_9",))),
    "held by a word": package(of=case(state=CaseState.IN_RESOLUTION, word=HELD)),
    "promised and escalated": package(
        of=case(state=CaseState.PROMISED, promise=PROMISED, hops=(HOP,), assignee_name="")
    ),
    "empty texts": package(
        keeps=crm(health=known(""), cs_tier=known("\t"), contract=known(" "), name="")
    ),
    "closed": package(
        of=case(state=CaseState.CLOSED, outcome=Outcome.PAID, closed_at=NOW, last_outcome="")
    ),
    "no texts of the vendor": package(
        pays=replace(with_invoice(number=" ", paid_by=""), name="", country="")
    ),
    "an amount without known decimals": package(
        pays=replace(payments(), mrr_now=replace(usd("1"), currency="xyz"))
    ),
}
every_package = pytest.mark.parametrize("one", PACKAGES.values(), ids=PACKAGES.keys())


@pytest.mark.req("R10")
def test_the_published_schema_is_the_one_that_the_code_makes() -> None:
    written = json.loads(PUBLISHED.read_text())
    assert written == json_schema(), "run: python -m tests.unit.package_document"


def test_the_published_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.req("R10")
@every_package
def test_every_package_is_valid_against_the_published_schema(one: ContextPackage) -> None:
    validator = jsonschema.Draft202012Validator(
        json.loads(PUBLISHED.read_text()),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    document = json.loads(json.dumps(one.to_json()))
    assert [error.message for error in validator.iter_errors(document)] == []


def test_what_no_database_can_store_never_reaches_the_package() -> None:
    odd = package(keeps=crm(cs_tier=known("Go\x00ld\ud800"), health=known("x" * 32_000)))
    stored = json.dumps(odd.to_json(), ensure_ascii=False).encode()
    assert b"\\u0000" not in stored
    assert len(stored) < 32_000


@every_package
def test_a_package_reads_back_as_itself(one: ContextPackage) -> None:
    assert ContextPackage.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.req("R10")
@every_package
def test_no_leaf_is_ever_blank(one: ContextPackage) -> None:
    said = {
        path: clean(leaf.because if isinstance(leaf, Missing) else str(leaf.value))
        for path, leaf in one.leaves()
    }
    assert [path for path, text in said.items() if not text] == []
    assert [
        path for path, leaf in one.leaves() if isinstance(leaf, Known) and not leaf.source
    ] == []


def test_every_group_of_the_package_is_listed_with_its_leaves() -> None:
    others = {"as_of", "zone", "read_limit", "names", "standing"}
    assert {one.name for one in fields(ContextPackage)} == {*GROUPS, *others}


def test_the_python_word_class_is_published_under_its_own_name() -> None:
    assert "class" in package().to_json()["failure"]


@pytest.mark.parametrize(
    "document", [{}, {"as_of": "yesterday"}, None, [], {"as_of": NOW.isoformat(), "zone": "UTC"}]
)
def test_a_document_that_is_no_package_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"ContextPackage|isoformat"):
        ContextPackage.from_json(document)


def test_reading_an_hour_later_changes_nothing_but_the_times_of_reading() -> None:
    later = datetime(2026, 11, 20, 16, 58, tzinfo=UTC)
    assert timeless(package(now=later).to_json()) == timeless(package().to_json())


def timeless(document: Any) -> Any:
    """The document without the times at which its parts were read."""
    if isinstance(document, dict):
        return {name: timeless(one) for name, one in document.items() if name != "as_of"}
    if isinstance(document, list):
        return [timeless(one) for one in document]
    return document
