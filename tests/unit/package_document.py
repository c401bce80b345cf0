"""Writes the generated files of the context package: `python -m tests.unit.package_document`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from domain.package import json_schema
from domain.render_text import body, subject
from tests.unit.packages import package

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "domain" / "package.schema.json"
DOCUMENT = ROOT / "docs" / "context-package.md"
SAMPLE = re.compile(r"(?<=<!-- sample -->\n).*?(?=<!-- end -->)", re.DOTALL)


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2) + "\n"


def sample_text() -> str:
    shown = package()
    return f"```text\n{subject(shown)}\n\n{body(shown)}\n```\n"


def with_sample(document: str) -> str:
    return SAMPLE.sub(lambda _: sample_text(), document)


if __name__ == "__main__":
    SCHEMA.write_text(schema_text())
    DOCUMENT.write_text(with_sample(DOCUMENT.read_text()))
