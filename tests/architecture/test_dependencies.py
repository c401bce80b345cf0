"""What the product imports is declared, so that no other package's upgrade drops it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.docs.documents import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROOMS = (
    "domain mappings sync store connectors jobs ingress console ops settings worker simulators"
).split()
BROUGHT = {"cryptography", "pydantic_core"}
"""Parts of declared packages under names of their own: of `pyjwt[crypto]` and of pydantic."""
DECLARED = [
    Requirement(text)
    for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["embedded"])
]


def imported() -> set[str]:
    """The top-level modules that the product's files import, ours left out."""
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    files += [ROOT / "settings.py", ROOT / "worker.py"]
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - BROUGHT - set(ROOMS) - set(sys.stdlib_module_names)


def test_every_package_that_the_product_imports_is_declared() -> None:
    brought = packages_distributions()
    declared = {canonicalize_name(one.name) for one in DECLARED}
    undeclared = {
        module
        for module in imported()
        if not {canonicalize_name(name) for name in brought.get(module, ())} & declared
    }
    assert sorted(undeclared) == []


def test_the_lock_holds_what_is_declared() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {
        canonicalize_name(name): Version(version)
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)
    }
    wrong = [
        str(one)
        for one in DECLARED
        if not one.specifier.contains(locked[canonicalize_name(one.name)], prereleases=True)
    ]
    assert wrong == []
