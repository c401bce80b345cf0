"""Writes a new connector: its folder, mapping, simulator and conformance class, all of it honest.

Nothing that is generated pretends to work: each port raises what is missing, no message is let in,
and every conformance check that does not pass yet is listed by its name.
"""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from connectors.kit.manifest import Kind

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
OFFERED = (Kind.CRM, Kind.PAYMENTS)
NAME = re.compile(r"[a-z][a-z0-9]{1,15}")
"""A folder, a module, a word in mappings: so short and plain that it fits all of them."""
TAKEN = frozenset({"kit", "connectors", "simulators", "stages", "test", "tests"})
MARK = "__name__"
"""Stands for the vendor's name in the paths of the templates."""
VOCABULARY = "mappings/vocabulary.py"
SCHEMA = "mapping.schema.json"


class Refused(Exception):
    """The connector is not written; nothing was changed. The text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """One file that was written or changed, by its path from the root."""

    path: str
    is_new: bool


def write(name: str, kind: str, *, root: Path) -> list[Written]:
    """Write the connector `name` into the checkout at `root`; every file that was touched.

    Raises `Refused` before anything is written: for a bad name, a kind that is not offered, and
    for files that are already there. A second call is therefore refused.
    """
    checked = _checked(name, kind)
    texts = dict(rendered(name, checked))
    places = (f"connectors/{name}", f"simulators/{name}", *sorted(texts))
    there = [place for place in places if (root / place).exists()]
    if there:
        raise Refused(f"{there[0]} is already there: choose another name, or remove the old one")
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    _formatted([path for path in texts if path.endswith(".py")], root)
    written = [Written(path=path, is_new=True) for path in texts]
    if checked is Kind.CRM:
        written += _known_as_system(name, root)
    return written


def _checked(name: str, kind: str) -> Kind:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise Refused(
            f"{name!r} is no name for a connector: 2 to 16 small letters and digits, a letter "
            "first, like `pipedrive`"
        )
    if name in TAKEN or name in sys.stdlib_module_names:
        raise Refused(f"{name!r} already means something else here: choose another name")
    offered = ", ".join(OFFERED)
    if kind not in list(Kind):
        raise Refused(f"{kind!r} is no kind of connector: one of {offered}")
    if Kind(kind) not in OFFERED:
        raise Refused(f"a connector of kind {kind!r} is not offered yet: one of {offered}")
    return Kind(kind)


def rendered(name: str, kind: Kind) -> Iterator[tuple[str, str]]:
    """Every file by its path from the root, the common ones first."""
    for folder in (TEMPLATES / "common", TEMPLATES / kind.value):
        environment = Environment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
        )
        for template in sorted(environment.list_templates(extensions=["j2"])):
            text = environment.get_template(template).render(
                name=name, Name=name.capitalize(), NAME=name.upper(), kind=kind.value
            )
            yield template.removesuffix(".j2").replace(MARK, name), text


def _formatted(paths: list[str], root: Path) -> None:
    """Break lines and sort imports as the names' lengths and letters ask for."""
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *paths], cwd=root, check=True)


def _known_as_system(name: str, root: Path) -> list[Written]:
    """Add the CRM to the systems that a mapping can be for, and publish the schema anew."""
    place = root / VOCABULARY
    lines = place.read_text(encoding="utf-8").splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith("class System("))
    member = re.compile(r"    [A-Z0-9]+ = \"(\w+)\"")
    number = start + 1
    last = start
    while number < len(lines) and not lines[number].startswith(("class ", "def ", "@")):
        if found := member.match(lines[number]):
            if found[1] == name:
                return []
            last = number
        number += 1
    lines.insert(last + 1, f'    {name.upper()} = "{name}"\n')
    place.write_text("".join(lines), encoding="utf-8")
    # A process of its own, because this one has the old vocabulary in its memory.
    made = subprocess.run(
        [sys.executable, "-m", "mappings.json_schema", SCHEMA],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    schema = f"mappings/schema/{SCHEMA}"
    (root / schema).write_text(made.stdout, encoding="utf-8")
    return [Written(path=path, is_new=False) for path in (VOCABULARY, schema)]
