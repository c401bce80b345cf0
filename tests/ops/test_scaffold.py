"""A new connector begins green, pretends nothing, and never writes over what is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.kit.manifest import Kind
from mappings.mapping_file import check_mapping
from ops import scaffold
from ops.quality import EXPECTED
from ops.scaffold import Refused, write
from tests.conformance.kinds import CrmConformance, PaymentsConformance
from tests.conformance.suite import Conformance, checks, traits_of
from tests.docs.documents import ROOT

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "data")
TYPES_SEEN = ".mypy_cache"
"""What the type checker knows of the checkout already: minutes of its work."""
PASSES_AT_ONCE = {
    "test_a_connector_with_its_credential_is_never_pickled",
    "test_a_failed_check_is_a_finding_with_a_remedy",
    "test_an_odd_stored_body_is_a_value_error_or_hints_at_nothing",
    "test_every_stated_capability_is_there_in_the_words_of_its_port",
    "test_examining_changes_nothing",
    "test_the_stated_limits_keep_a_reserve_for_urgent_work",
}
"""What is true of a connector that does nothing; every other check is listed as not yet done."""
NEW = (("pipedrive", "crm"), ("paddle", "payments"))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the checkout with one new connector of each kind."""
    root = tmp_path_factory.mktemp("scratch") / "checkout"
    shutil.copytree(ROOT, root, ignore=LEFT_OUT)
    if (ROOT / TYPES_SEEN).is_dir():
        shutil.copytree(ROOT / TYPES_SEEN, root / TYPES_SEEN)
    for name, kind in NEW:
        run(root, "-m", "ops.scaffold", name, "--kind", kind)
    yield root
    shutil.rmtree(root)


def run(root: Path, *command: str) -> str:
    """What a Python command says in the copy; it must end well."""
    return run_program(root, sys.executable, *command)


def run_program(root: Path, *command: str) -> str:
    """The same for any program."""
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_the_whole_tree_passes_make_check_with_new_connectors(scratch: Path) -> None:
    venv = Path(sys.prefix)
    # The copy has no environment of its own; the one that runs this test is not to be remade.
    run_program(scratch, "make", "check", f"VENV={venv}", "-o", f"{venv}/.installed")


def test_what_is_not_yet_done_is_listed_by_name_and_nothing_else_fails(scratch: Path) -> None:
    test = "tests/conformance/test_pipedrive.py"
    said = run(scratch, "-m", "pytest", "-q", "-rx", "--tb=no", "-p", "no:cacheprovider", test)
    one = "TestPipedrive::test_a_missing_permission_is_named - not yet done"
    assert f"XFAIL {test}::{one}" in said


def test_the_generated_mapping_is_one_that_can_be_used(scratch: Path) -> None:
    check = "from mappings.mapping_file import default_mapping as f; print(f('pipedrive').system)"
    assert run(scratch, "-c", check) == "pipedrive\n"


def test_the_new_system_is_in_the_published_schema(scratch: Path) -> None:
    published = (scratch / "mappings/schema/mapping.schema.json").read_text(encoding="utf-8")
    made = run(scratch, "-m", "mappings.json_schema", "mapping.schema.json")
    assert published == made
    assert '"pipedrive"' in published


def test_a_second_time_is_refused_and_changes_nothing(scratch: Path) -> None:
    before = {path: path.read_bytes() for path in scratch.rglob("*") if path.is_file()}
    with pytest.raises(Refused, match="connectors/pipedrive is already there"):
        write("pipedrive", "crm", root=scratch)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "Pipedrive",
        "pipe-drive",
        "pipe_drive",
        "1st",
        "../up",
        "a" * 17,
        "é1",
        "pipe drive",
    ],
)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="is no name for a connector"):
        write(name, "crm", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["kit", "json", "stages"])
def test_a_name_that_means_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="already means something else"):
        write(name, "crm", root=tmp_path)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("erp", "'erp' is not offered yet: one of crm, payments"),
        ("blog", "'blog' is no kind of connector: one of crm, payments"),
        ("", "'' is no kind of connector: one of crm, payments"),
    ],
)
def test_a_kind_that_is_not_offered_is_refused(tmp_path: Path, kind: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        write("pipedrive", kind, root=tmp_path)


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "simulators/pipedrive").mkdir(parents=True)
    with pytest.raises(Refused, match="simulators/pipedrive is already there"):
        write("pipedrive", "crm", root=tmp_path)


def test_every_generated_line_fits_for_the_longest_name() -> None:
    longest = "a" * 16
    texts = [
        text
        for kind in scaffold.OFFERED
        for path, text in scaffold.rendered(longest, kind)
        if path.endswith(".py")
    ]
    long = [line for text in texts for line in text.splitlines() if len(line) > 100]
    # Code is broken by the formatter; a text is not.
    assert [line for line in long if '"' in line] == []


@pytest.mark.parametrize("kind", scaffold.OFFERED)
def test_a_new_connector_begins_with_every_port_of_its_kind(kind: Kind) -> None:
    manifest = dict(scaffold.rendered("pipedrive", kind))["connectors/pipedrive/manifest.py"]
    missing = [one for one in EXPECTED[kind] if f"Capability.{one.name}," not in manifest]
    assert missing == []


@pytest.mark.parametrize(
    ("kind", "suite"), [(Kind.CRM, CrmConformance), (Kind.PAYMENTS, PaymentsConformance)]
)
def test_every_check_is_listed_or_passes_at_once(kind: Kind, suite: type[Conformance]) -> None:
    text = dict(scaffold.rendered("pipedrive", kind))["tests/conformance/test_pipedrive.py"]
    listed = set(re.findall(r'"(test_\w+)"', text))
    asked = {
        name
        for name, (check, capability) in checks(suite).items()
        if not traits_of(check) and (capability is None or capability in EXPECTED[kind])
    }
    assert (asked - listed, listed - asked) == (PASSES_AT_ONCE, set())


def test_the_command_says_what_is_wrong_and_ends_with_2(scratch: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops.scaffold", "Bad", "--kind", "crm"],
        cwd=scratch,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "nothing was written: 'Bad' is no name" in done.stderr


def test_the_mapping_template_has_no_findings() -> None:
    text = dict(scaffold.rendered("hubspot", Kind.CRM))["mappings/hubspot.yaml"]
    # The template is for a system whose kinds of records nobody knows yet.
    text = text.replace("object: organization", "object: companies")
    assert check_mapping(text, name="hubspot.yaml") == []
