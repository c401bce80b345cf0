"""Which text a page is about: a person's own draft, or what is in force; and changing the draft."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.access import Session
from console.mapping_view import Reading, reading
from domain.errors import KidgloveError
from jobs.crms import CRMS, connected
from jobs.runtime import Runtime
from jobs.versions import Version, in_force
from mappings.canonical import difference
from store.drafts import Draft
from sync.configs import mapping_name


class NoSuchMapping(KidgloveError):
    """No CRM of this name is connected here."""

    code = "no_such_mapping"
    next_step = "The list of mappings names those that there are."


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The text that a page is about, and the version in force behind it."""

    system: str
    title: str
    force: Version
    draft: Draft | None
    reading: Reading
    changes: tuple[str, ...] | None
    """What the draft changes, as lines of a diff; None if it cannot be compared."""

    @property
    def text(self) -> str:
        """The draft's text, else that in force."""
        return self.reading.text

    @property
    def name(self) -> str:
        """What the text is called in messages."""
        return f"{self.system}.yaml"

    @property
    def is_outdated(self) -> bool:
        """Whether another version came into force since the draft was begun."""
        return self.draft is not None and self.draft.base != self.force.label

    @property
    def changed_lines(self) -> int:
        """How many lines the draft adds or takes away."""
        return sum(one[:1] in "+-" and one[:3] not in ("+++", "---") for one in self.changes or ())


def systems(runtime: Runtime) -> tuple[str, ...]:
    """The CRMs whose mappings can be edited here: those that are connected."""
    return connected(runtime.settings)


def shown(runtime: Runtime, system: str, session: Session) -> Shown:
    """What this person sees of a mapping. `NoSuchMapping` for a CRM that is not connected."""
    if system not in systems(runtime):
        raise NoSuchMapping(f"there is no mapping for {system!r} here")
    title = CRMS[system].title
    force = in_force(runtime, system)
    draft = None
    if session.is_admin:
        with runtime.store.begin() as tx:
            draft = tx.drafts.of(mapping_name(system), session.by)
    text = draft.text if draft is not None else force.text
    read = reading(system, title, text, f"{system}.yaml")
    changes: tuple[str, ...] | None = ()
    if draft is not None:
        changes = _changes(force, draft.text, f"{system}.yaml") if read.is_usable else None
    return Shown(
        system=system, title=title, force=force, draft=draft, reading=read, changes=changes
    )


def keep_draft(runtime: Runtime, seen: Shown, text: str, *, by: str) -> None:
    """Keep a person's text. One that says what is in force is no draft, and is dropped."""
    name = mapping_name(seen.system)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    with runtime.store.begin() as tx:
        if text == seen.force.text:
            tx.drafts.drop(name, by)
        else:
            tx.drafts.keep(name, by, text, base=seen.force.label, now=runtime.clock.now())


def drop_draft(runtime: Runtime, system: str, *, by: str) -> None:
    """Forget a person's draft; nothing else changes."""
    with runtime.store.begin() as tx:
        tx.drafts.drop(mapping_name(system), by)


def drop_carried_out(runtime: Runtime, system: str, text: str, *, people: Iterable[str]) -> None:
    """Forget the drafts that say what is in force now; one that was written on stays."""
    name = mapping_name(system)
    with runtime.store.begin() as tx:
        for one in people:
            draft = tx.drafts.of(name, one)
            if draft is not None and draft.text == text:
                tx.drafts.drop(name, one)


def _changes(force: Version, text: str, name: str) -> tuple[str, ...]:
    try:
        return tuple(difference(force.text, text, old_name=force.label, new_name=name))
    except ValueError:
        return ()
