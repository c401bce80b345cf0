"""A document that names what is not there sends somebody the wrong way at the worst moment."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest

from tests.docs import cli
from tests.docs.documents import (
    ROOT,
    Document,
    documents,
    everything,
    link_resolves,
    module_exists,
    path_exists,
    python_files,
    told,
    words_of,
)

DOCUMENTS = everything()
NAMES = [document.path for document in DOCUMENTS]


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_path_and_test_that_a_document_names_exists(document: Document) -> None:
    assert told(said for said in document.paths if not path_exists(said.text)) == ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_module_that_a_document_names_exists(document: Document) -> None:
    assert told(said for said in document.modules if not module_exists(said.text)) == ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_relative_link_leads_somewhere(document: Document) -> None:
    wrong = [said for said in document.links if not link_resolves(document, said.text)]
    assert told(wrong) == ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_kidglove_command_that_a_document_shows_is_taken(document: Document) -> None:
    answers = [(said, cli.complaint(said.text)) for said in document.commands("kidglove")]
    assert told(f"{said}: {complaint}" for said, complaint in answers if complaint) == ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_make_target_that_a_document_shows_exists(document: Document) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = [(said, words_of(said.text)[1:2]) for said in document.commands("make")]
    assert told(said for said, first in shown if first and first[0] not in targets) == ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_python_module_that_a_document_runs_exists(document: Document) -> None:
    shown = [(said, words_of(said.text)) for said in document.commands("python", "python3")]
    run = [(said, words[2]) for said, words in shown if words[1:2] == ["-m"] and len(words) > 2]
    assert told(said for said, name in run if not _can_run(name)) == ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_setting_that_a_document_names_exists(document: Document) -> None:
    known = _settings()
    assert told(said for said in document.settings if said.text not in known) == ""


def test_every_decision_that_the_code_points_to_has_its_page() -> None:
    pages = {int(document.path[9:13]) for document in documents("docs/adr/*.md")}
    marked = [
        (path.relative_to(ROOT), int(number))
        for path in python_files()
        for number in re.findall(r"DECISION: ADR-(\d+)", path.read_text(encoding="utf-8"))
    ]
    assert told(f"{path}: ADR-{number}" for path, number in marked if number not in pages) == ""


def _can_run(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _settings() -> set[str]:
    """The names of the settings in the environment, and of what a deployment fills in."""
    from pydantic import BaseModel

    from settings import Settings

    found: set[str] = set()
    for name, field in Settings.model_fields.items():
        found.add(f"KIDGLOVE_{name}".upper())
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= {f"KIDGLOVE_{name}__{one}".upper() for one in field.annotation.model_fields}
    project = json.loads((ROOT / "connectors/salesforce/package/sfdx-project.json").read_text())
    return found | {one["replaceWithEnv"] for one in project["replacements"]}
