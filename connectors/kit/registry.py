"""Which vendors there are: every folder of `connectors` that has a manifest."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import connectors
from connectors.kit.manifest import Manifest
from domain.errors import Misconfigured


def vendors() -> tuple[str, ...]:
    """The names of all vendors, in order. Imports nothing of theirs."""
    folders = (Path(path) for path in connectors.__path__)
    found = {stated.parent.name for folder in folders for stated in folder.glob("*/manifest.py")}
    return tuple(sorted(found - {"kit"}))


def manifest(vendor: str) -> Manifest:
    """The vendor's manifest. `Misconfigured` for a name that no folder has."""
    known = vendors()
    if vendor not in known:
        near = difflib.get_close_matches(vendor, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(known)}."
        raise Misconfigured(f"there is no connector {vendor!r}", row="vendor", remedy=hint)
    stated = importlib.import_module(f"connectors.{vendor}.manifest").MANIFEST
    if not isinstance(stated, Manifest):
        raise Misconfigured(f"connectors/{vendor}/manifest.py has no MANIFEST", row=vendor)
    return stated


def factory(vendor: str) -> Callable[..., Any]:
    """The vendor's connector class. This is what loads its SDK, so ask only when it is needed."""
    module, _, name = manifest(vendor).factory.partition(":")
    made: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return made
