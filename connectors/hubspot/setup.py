"""Brings our property group and properties to a portal: only what is missing, read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.hubspot import ids
from connectors.hubspot.errors import MissingScope
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.portal import Portal
from connectors.hubspot.schema import GROUP, GROUP_LABEL, WANTED, Wanted
from connectors.hubspot.wire import Row
from domain.errors import Bug, Conflict, KidgloveError, Misconfigured, Rejected


class Did(StrEnum):
    """What was, or would be, done about one part of the schema."""

    THERE = "there"
    MADE = "made"
    EXTENDED = "extended"
    """Options were added to a list; none is ever taken away."""
    WOULD_MAKE = "would make"
    WOULD_EXTEND = "would extend"
    DIFFERS = "differs"
    """It exists in another form, which nobody but the portal's admin may change."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One part of the schema and what became of it."""

    what: str
    did: Did
    detail: str = ""
    form: str = ""
    """Of what would be made: label, type, kind of field, uniqueness and options."""

    @property
    def is_well(self) -> bool:
        """Whether nothing is left for a person to do."""
        return self.did not in (Did.DIFFERS, Did.FAILED)


class Setup:
    """Creates what is missing. Running it twice changes nothing; nothing is ever deleted."""

    def __init__(
        self,
        gateway: Gateway,
        wanted: Sequence[Wanted] = WANTED,
        *,
        portal: Portal | None = None,
    ) -> None:
        self._gateway = gateway
        self._wanted = wanted
        self._portal = portal

    def run(self, *, dry_run: bool = False) -> Iterator[Step]:
        """Each step as it is done. With `dry_run` nothing is written. Raises what concerns the
        whole connection, as that the token is another portal's; a refused property is a step that
        failed."""
        if self._portal is not None:
            self._portal.need_ours()
        for kind in dict.fromkeys(one.kind for one in self._wanted):
            present = {str(row["name"]): row for row in self._gateway.properties(kind)}
            wanted = [one for one in self._wanted if one.kind == kind]
            yield from self._group(kind, wanted, present, dry_run=dry_run)
            for one in wanted:
                yield self._property(one, present.get(one.name), dry_run=dry_run)

    def _group(
        self, kind: str, wanted: Sequence[Wanted], present: Mapping[str, Row], *, dry_run: bool
    ) -> Iterator[Step]:
        if all(one.name in present for one in wanted):
            return
        what = f"{kind}: group {GROUP}"
        if any(row.get("name") == GROUP for row in self._gateway.groups(kind)):
            yield Step(what=what, did=Did.THERE)
        elif dry_run:
            yield Step(what=what, did=Did.WOULD_MAKE, form=f"“{GROUP_LABEL}”")
        else:
            try:
                self._gateway.create_group(
                    kind, {"name": GROUP, "label": GROUP_LABEL, "displayOrder": -1}
                )
            except Conflict:
                yield Step(what=what, did=Did.THERE, detail="somebody made it at this moment")
            else:
                yield Step(what=what, did=Did.MADE)

    def _property(self, one: Wanted, row: Row | None, *, dry_run: bool) -> Step:
        what = f"{one.kind}: {one.name}"
        try:
            if row is None:
                if dry_run:
                    return Step(what=what, did=Did.WOULD_MAKE, form=one.form)
                return self._judged(one, self._made(one), Did.MADE)
            lacking = missing_options(one, row)
            if lacking and not _difference(one, row):
                if dry_run:
                    return Step(what=what, did=Did.WOULD_EXTEND, detail=", ".join(lacking))
                row = self._extended(one, row, lacking)
                return self._judged(one, row, Did.EXTENDED, ", ".join(lacking))
        except KidgloveError as problem:
            if not _is_refusal(problem):
                raise
            return Step(what=what, did=Did.FAILED, detail=f"{problem.message} {problem.remedy}")
        return self._judged(one, row, Did.THERE)

    def _made(self, one: Wanted) -> Row:
        """The property as read back after it was made.

        # VENDOR: whether tasks can have unique properties is not documented, nor is the form of a
        # refusal; whatever HubSpot says, a key that can be made without is made so, and tasks are
        # looked up by their company instead.
        """
        try:
            self._create(one, one.body)
        except KidgloveError as refusal:
            if not one.is_unique or one.kind == ids.COMPANIES or not _is_refusal(refusal):
                raise
            self._create_plain(one, refusal)
        rows = {str(row["name"]): row for row in self._gateway.properties(one.kind)}
        if one.name not in rows:
            raise Rejected(f"property {one.kind}.{one.name} was made and is not there")
        return rows[one.name]

    def _create_plain(self, one: Wanted, refusal: KidgloveError) -> None:
        """The property without uniqueness; if that is refused too, uniqueness was not the reason
        and the first refusal says more."""
        body = {name: value for name, value in one.body.items() if name != "hasUniqueValue"}
        try:
            self._create(one, body)
        except KidgloveError as problem:
            raise (refusal if _is_refusal(problem) else problem) from None

    def _create(self, one: Wanted, body: Row) -> None:
        try:
            self._gateway.create_property(one.kind, body)
        except Conflict:
            # Somebody made it since we looked: what counts is how it reads now.
            return

    def _extended(self, one: Wanted, row: Row, lacking: Sequence[str]) -> Row:
        added = [option for option in one.body["options"] if option["value"] in lacking]
        options = [*(row.get("options") or ()), *added]
        self._gateway.update_property(one.kind, one.name, {"options": options})
        rows = {str(found["name"]): found for found in self._gateway.properties(one.kind)}
        return rows.get(one.name, {})

    def _judged(self, one: Wanted, row: Row, did: Did, note: str = "") -> Step:
        what = f"{one.kind}: {one.name}"
        wrong = _difference(one, row)
        if wrong:
            return Step(what=what, did=Did.DIFFERS, detail=wrong)
        if missing_options(one, row):
            lacking = ", ".join(missing_options(one, row))
            return Step(what=what, did=Did.FAILED, detail=f"it still lacks {lacking}")
        if one.is_unique and not row.get("hasUniqueValue"):
            note = "not unique: HubSpot refuses that here, so tasks are looked up by their company"
        return Step(what=what, did=did, detail=note)


def _is_refusal(problem: KidgloveError) -> bool:
    """Whether HubSpot refuses this one property, and not the credential or every call."""
    return isinstance(problem, Conflict | Rejected | Misconfigured | Bug) and not isinstance(
        problem, MissingScope
    )


def missing_options(one: Wanted, row: Row) -> list[str]:
    """The values that the property's list lacks."""
    has = {str(option.get("value")) for option in row.get("options") or ()}
    return [value for value, _ in one.options if value not in has]


def _difference(one: Wanted, row: Row) -> str:
    """How the property that stands there cannot serve; empty if it can."""
    if str(row.get("type")) != one.type:
        return f"it is of type {row.get('type')}, and {one.type} is needed"
    if one.is_unique and one.kind == "companies" and not row.get("hasUniqueValue"):
        return (
            "it is not unique, and HubSpot cannot make it so later: make another one that is, and "
            "map that"
        )
    return ""
