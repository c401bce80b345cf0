"""The guide for whoever adds a connector says exactly what the code asks."""

from __future__ import annotations

from connectors.kit.manifest import Capability, Trait
from ops.quality import EVIDENCE
from ops.scaffold import OFFERED, rendered
from tests.conformance.kinds import CrmConformance, PaymentsConformance
from tests.conformance.suite import checks, traits_of
from tests.docs.documents import documents

GUIDE = documents("docs/connector-guide.md")[0]


def test_the_guide_lists_every_check_and_of_whom_it_is_asked() -> None:
    asked = {
        (name.removeprefix("test_").replace("_", " "), _asked_of(check, capability))
        for suite in (CrmConformance, PaymentsConformance)
        for name, (check, capability) in checks(suite).items()
    }
    assert {(row[0], row[1]) for row in GUIDE.rows("The checks")} == asked


def test_the_guide_tells_what_each_port_promises() -> None:
    assert [row[0].strip("`") for row in GUIDE.rows("What each port promises")] == list(Capability)


def test_the_guide_tells_every_trait() -> None:
    rows = [(row[0].strip("`"), row[1]) for row in GUIDE.rows("What only some vendors do")]
    assert rows == [(f"Trait.{one.name}", one.value) for one in Trait]


def test_the_guide_repeats_the_quality_scale() -> None:
    rows = [(row[0], row[1]) for row in GUIDE.rows("The quality scale")]
    assert rows == [(one.level, one.title) for one in EVIDENCE]


def test_the_guide_names_every_file_that_is_written() -> None:
    written = {path for kind in OFFERED for path, _ in rendered("pipedrive", kind)}
    listed = [
        row[0].strip("`").replace("<name>", "pipedrive") for row in GUIDE.rows("What is written")
    ]
    assert [path for path in written if not any(path.startswith(one) for one in listed)] == []


def _asked_of(check: object, capability: Capability | None) -> str:
    who = "every connector" if capability is None else f"`{capability}`"
    traits = sorted(traits_of(check))  # type: ignore[arg-type]
    return f"{who} that {traits[0]}" if traits else who
