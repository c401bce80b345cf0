"""Which checks a connector has to pass: picked by its manifest, each written once."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from connectors.kit import registry
from connectors.kit.manifest import Capability, Manifest, Trait
from tests.conformance.stage import Stage

Check = Callable[..., None]
NOT_YET = "not yet done"
_NEEDS = "__conformance_traits__"


def needs(*traits: Trait) -> Callable[[Check], Check]:
    """Ask this check only of vendors with these traits."""

    def mark(check: Check) -> Check:
        setattr(check, _NEEDS, frozenset(traits))
        return check

    return mark


class Conformance:
    """The base of every theme. A subclass that names a `stage` is collected for that vendor.

    A check is left out where the manifest does not state its capability or its traits. A check in
    `not_yet_done` is expected to fail, and turns red as soon as it passes.
    """

    stage: ClassVar[type[Stage]]
    capability: ClassVar[Capability | None] = None
    not_yet_done: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "stage" not in vars(cls):
            return
        stated = registry.manifest(cls.stage.vendor)
        every = checks(cls)
        asked = {name for name, check in every.items() if is_asked(check, stated)}
        for name in every.keys() - asked:
            setattr(cls, name, None)
        for name in cls.not_yet_done:
            if name not in asked:
                near = "".join(difflib.get_close_matches(name, asked, n=1))
                raise TypeError(f"{cls.__name__} is not asked {name!r}; nearest is {near!r}")
            setattr(cls, name, _expected_to_fail(every[name][0]))

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls) -> Iterator[Stage]:
        """The vendor's stage: one server for all checks of a class."""
        with cls.stage() as stage:
            yield stage

    @pytest.fixture
    def vendor(self, served: Stage) -> Stage:
        """The stage with a simulator of its own for this check."""
        served.renew()
        return served


def checks(suite: type[Conformance]) -> dict[str, tuple[Check, Capability | None]]:
    """Every check of a suite by name, with the capability that it is about."""
    found: dict[str, tuple[Check, Capability | None]] = {}
    for base in reversed(suite.__mro__):
        capability = vars(base).get("capability")
        for name, check in vars(base).items():
            if name.startswith("test_") and callable(check):
                found[name] = (check, capability)
    return found


def traits_of(check: Check) -> frozenset[Trait]:
    """The traits that a vendor must have to be asked this check."""
    found: frozenset[Trait] = getattr(check, _NEEDS, frozenset())
    return found


def is_asked(check: tuple[Check, Capability | None], stated: Manifest) -> bool:
    """Whether a vendor with this manifest is asked the check."""
    function, capability = check
    is_able = capability is None or capability in stated.capabilities
    return is_able and traits_of(function) <= stated.traits


def _expected_to_fail(check: Check) -> Check:
    @functools.wraps(check)
    def copy(*arguments: Any, **named: Any) -> None:
        check(*arguments, **named)

    # A copy, because a mark stays on the function that every vendor inherits.
    copy.pytestmark = list(getattr(check, "pytestmark", []))  # type: ignore[attr-defined]
    marked: Check = pytest.mark.xfail(strict=True, reason=NOT_YET)(copy)
    return marked
