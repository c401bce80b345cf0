"""One account's mapped fields, both sides at once: what each row wants written, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from domain.leaf import Known, Leaf
from domain.merge import ABSENT, Act, Base, Flow, Held, Merged, is_blank, is_same, merge
from domain.rows import Agreed, Question
from mappings.incoming import CrmSide, incoming
from mappings.mapping import FieldMapping, FieldRow
from mappings.outgoing import is_in_scope, outgoing_of

PROBLEM = "sync.problem"
"""Our value that tells the CRM what could not be understood or carried over."""


@dataclass(frozen=True, kw_only=True)
class Write:
    """One value that a row wants on one side, and what is agreed once it stands there.

    `present` is what stands there now, `replaces` the same if it is a value that loses. `agrees`
    is the pair to remember; on the side that is written it counts only if the value is read back
    as it was sent.
    """

    key: str
    row: FieldRow
    value: Any
    present: Any
    replaces: Any
    agrees: Base
    why: str
    note: str | None = None
    is_foreign: bool = False
    """Whether what stands there now is not what both had agreed on: somebody else's value."""

    @property
    def blanks(self) -> bool:
        """Whether it empties a value that is not ours."""
        return self.is_foreign and is_blank(self.value) and not is_blank(self.present)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One field over which a person is asked, for the first time with these two values."""

    key: str
    row: FieldRow
    ours: Any
    theirs: Any


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """One value that cannot be carried over as it is: it is held back, and `note` says why."""

    row: FieldRow
    note: str
    present: Any
    is_inward: bool

    @property
    def name(self) -> str:
        """The field that stays as it is: ours if the value would come in, else the CRM's."""
        return (self.row.ours or "") if self.is_inward else self.row.theirs


@dataclass(frozen=True, kw_only=True)
class Look:
    """What follows for one account. `remember` is to be kept at once, nothing being written."""

    to_theirs: tuple[Write, ...] = ()
    to_ours: tuple[Write, ...] = ()
    asked: tuple[Asked, ...] = ()
    unfit: tuple[Unfit, ...] = ()
    remember: Mapping[str, Agreed] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OurSide:
    """Our values by name; `details` are those that may be written on the customer, None if it
    cannot be written to. The times say when each side changed, if that is known."""

    values: Mapping[str, Leaf[object]]
    details: Mapping[str, str | None] | None


def key_of(row: FieldRow) -> str:
    """The name under which a row's agreement is kept: a field may be read by several rows."""
    return f"{row.theirs} <- {row.ours}" if row.flow is Flow.IN else row.theirs


def is_detail(ours: str | None) -> bool:
    """Whether it is the customer's own. Every other value is made by us, and so is its absence; the
    notes on a customer are ours alone."""
    return (ours or "").startswith("customer.")


def look(
    mapping: FieldMapping,
    ours: OurSide,
    crm: CrmSide,
    *,
    agreed: Mapping[str, Agreed],
    now: datetime,
    ours_changed_at: datetime | None = None,
) -> Look:
    """What the rows want of this account; nothing if the mapping's conditions leave it out.

    A second look, after everything was written and remembered, wants nothing more. What has to be
    held back is among the problems that the CRM is told.
    """
    if not is_in_scope(mapping, ours.values, crm.fields):
        return Look()
    found = _look(mapping, ours, crm, agreed, now, ours_changed_at)
    if not found.unfit:
        return found
    told = replace(ours, values=with_problems(ours.values, found.unfit))
    return _look(mapping, told, crm, agreed, now, ours_changed_at)


def with_problems(
    ours: Mapping[str, Leaf[object]], unfit: Sequence[Unfit]
) -> Mapping[str, Leaf[object]]:
    """Our values, with what is held back among the problems of the account."""
    known = ours.get(PROBLEM)
    said = [str(known.value)] if isinstance(known, Known) and known.value else []
    said += [one.note for one in unfit]
    return {**ours, PROBLEM: Known("; ".join(said) or None, "kidglove")}


def _look(
    mapping: FieldMapping,
    ours: OurSide,
    crm: CrmSide,
    agreed: Mapping[str, Agreed],
    now: datetime,
    ours_changed_at: datetime | None,
) -> Look:
    to_theirs: list[Write] = []
    to_ours: list[Write] = []
    asked: list[Asked] = []
    unfit: list[Unfit] = []
    remember: dict[str, Agreed] = {}
    for row in mapping.rows:
        one = _Row(row, mapping, ours, crm, agreed.get(key_of(row)))
        merged = merge(
            flow=row.flow,
            rule=row.rule,
            base=one.known.base if one.known else None,
            ours=Held(value=one.ours, changed_at=ours_changed_at),
            theirs=Held(value=one.theirs, changed_at=crm.since(row.theirs)),
            clears=not is_detail(row.ours),
        )
        if (held := one.unfit(merged)) is not None:
            unfit.append(held)
        match merged.act:
            case Act.WRITE_THEIRS:
                to_theirs.append(one.to_theirs(merged))
            case Act.WRITE_OURS:
                if (write := one.to_ours(merged)) is not None:
                    to_ours.append(write)
            case Act.ASK:
                if one.is_new_question():
                    asked.append(Asked(key=one.key, row=row, ours=one.ours, theirs=one.theirs))
                    remember[one.key] = one.remembered(
                        one.known.base if one.known else None,
                        now,
                        Question(ours=one.ours, theirs=one.theirs, asked_at=now),
                    )
            case Act.KEEP:
                if (kept := one.kept(merged, now)) is not None:
                    remember[one.key] = kept
    return Look(
        to_theirs=tuple(to_theirs),
        to_ours=tuple(to_ours),
        asked=tuple(asked),
        unfit=tuple(unfit),
        remember=remember,
    )


def may_have_changed(mapping: FieldMapping, ours: OurSide, agreed: Mapping[str, Agreed]) -> bool:
    """Whether our side of a field that was agreed on differs from then; the CRM is not asked."""
    for row in mapping.rows:
        known = agreed.get(key_of(row))
        if known is None or known.base is None:
            continue
        value = (
            outgoing_of(row, ours.values, mapping)[0]
            if row.flow is not Flow.IN
            else ABSENT
            if ours.details is None
            else ours.details.get(row.ours or "")
        )
        if value is not ABSENT and not is_same(value, known.base.ours):
            return True
    return False


def still_stands(
    mapping: FieldMapping,
    fields: Mapping[str, Any],
    *,
    agreed: Mapping[str, Agreed],
    last_read: Mapping[str, Any],
    read_at: datetime,
) -> bool:
    """Whether the CRM's fields are as they were last read, or as both sides agreed on since then.

    An older agreement does not count: a row may leave alone what a person wrote, and the two differ
    for good. A field that was never read and never agreed on does not stand.
    """
    known: dict[str, Any] = dict(last_read)
    for row in mapping.rows:
        one = agreed.get(key_of(row))
        if row.flow is not Flow.IN and one is not None and one.base and one.at >= read_at:
            known[row.theirs] = one.base.theirs
    return all(
        is_same(fields.get(name, ABSENT), known.get(name, ABSENT))
        for name in mapping.account_fields
    )


class _Row:
    """One row with the two values that are compared: in the CRM's shape if it is written there."""

    def __init__(
        self,
        row: FieldRow,
        mapping: FieldMapping,
        ours: OurSide,
        crm: CrmSide,
        known: Agreed | None,
    ) -> None:
        self.row = row
        self._mapping = mapping
        self.key = key_of(row)
        self.known = known
        self._note: str | None = None
        self._out_note: str | None = None
        self._text: Any = ABSENT
        self._present = ABSENT if ours.details is None else ours.details.get(row.ours or "")
        if row.flow is not Flow.OUT:
            self._text, self._note = incoming(row, crm, mapping)
        if row.flow is Flow.IN:
            self.ours, self.theirs = self._present, self._text
        else:
            self.ours, self._out_note = outgoing_of(row, ours.values, mapping)
            self.theirs = crm.fields.get(row.theirs, ABSENT)

    def to_theirs(self, merged: Merged) -> Write:
        base = self.known.base if self.known else None
        return Write(
            key=self.key,
            row=self.row,
            value=self.ours,
            present=self.theirs,
            replaces=None if merged.loses is ABSENT else merged.loses,
            agrees=Base(ours=self.ours, theirs=self.ours),
            why=merged.why,
            note=self._out_note,
            is_foreign=base is None or not is_same(self.theirs, base.theirs),
        )

    def to_ours(self, merged: Merged) -> Write | None:
        if self._text is ABSENT or self._present is ABSENT:
            return None
        base = self.known.base if self.known else None
        return Write(
            key=self.key,
            row=self.row,
            value=self._text,
            present=self._present,
            replaces=None if merged.loses is ABSENT else self._present,
            agrees=Base(ours=self._once_written(), theirs=self.theirs),
            why=merged.why,
            note=self._note,
            is_foreign=base is None or not is_same(self.ours, base.ours),
        )

    def _once_written(self) -> Any:
        """Our side in the shape of the comparison, once the text stands there."""
        if self.row.flow is Flow.IN:
            return self._text
        said = {self.row.ours or "": Known(self._text, "kidglove")}
        return outgoing_of(self.row, said, self._mapping)[0]

    def unfit(self, merged: Merged) -> Unfit | None:
        """What the row would carry over if it could, or None."""
        if self.row.flow is not Flow.IN and self._out_note and self.ours is ABSENT:
            return Unfit(row=self.row, note=self._out_note, present=self.theirs, is_inward=False)
        is_wanted = self.row.flow is Flow.IN or merged.act is Act.WRITE_OURS
        if self._note and self._text is ABSENT and self._present is not ABSENT and is_wanted:
            return Unfit(row=self.row, note=self._note, present=self._present, is_inward=True)
        return None

    def is_new_question(self) -> bool:
        question = self.known.question if self.known else None
        return question is None or not (
            is_same(question.ours, self.ours) and is_same(question.theirs, self.theirs)
        )

    def kept(self, merged: Merged, now: datetime) -> Agreed | None:
        """What to remember where nothing is written; None if that is known already."""
        base = self.known.base if self.known else None
        if merged.settles:
            is_known = (
                base is not None
                and is_same(base.ours, self.ours)
                and is_same(base.theirs, self.theirs)
            )
            base = Base(ours=self.ours, theirs=self.theirs)
        else:
            is_known = True
        had_question = self.known is not None and self.known.question is not None
        return None if is_known and not had_question else self.remembered(base, now)

    def remembered(
        self, base: Base | None, now: datetime, question: Question | None = None
    ) -> Agreed:
        effect = self.known.effect_id if self.known else None
        return Agreed(base=base, at=now, effect_id=effect, question=question)
