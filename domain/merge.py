"""Who wins where a field of ours and one of theirs differ: three-way, and the same on every look.

"Ours" is the side that the money is on, "theirs" the CRM's. What both sides held when they last
agreed tells which of them has changed since. It is kept as a pair, because a system may keep what
it was given in a way of its own (cut, rounded, spelt otherwise): that is no change, and answering
it would be one for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum
from typing import Final, assert_never


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
"""Not known: the field was not returned or may not be read. It neither fills nor empties a field;
None says that there surely is no value, "" that there is a text without a character."""


class Flow(StrEnum):
    """Who may write: the arrow points at the side that is written to."""

    OUT = "->"
    IN = "<-"
    BOTH = "<->"


class Rule(StrEnum):
    """Whose value stands. With an arrow that points one way, the owner is where it comes from."""

    OURS = "ours"
    THEIRS = "theirs"
    NEWEST = "newest"
    IF_BLANK = "if_blank"
    HUMAN = "human"
    ASK = "ask"


class Act(StrEnum):
    """What follows from one look at a field."""

    KEEP = "keep"
    WRITE_THEIRS = "write_theirs"
    WRITE_OURS = "write_ours"
    ASK = "ask"


@dataclass(frozen=True, kw_only=True)
class Base:
    """What each side held when they were last in agreement. `ABSENT` counts as changed since: so is
    the side that a person chose when asked."""

    ours: object
    theirs: object


@dataclass(frozen=True, kw_only=True)
class Held:
    """What one side holds now, in the other's shape, and since when if it tells."""

    value: object
    changed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The act; the value that loses (`ABSENT` if none does); whether the two agree from now on."""

    act: Act
    why: str
    loses: object = ABSENT
    settles: bool = False


def merge(
    *,
    flow: Flow,
    rule: Rule,
    base: Base | None,
    ours: Held,
    theirs: Held,
    clears: bool = False,
) -> Merged:
    """What to do about one field. A second call after the act was carried out does nothing.

    `base` None says that the two never agreed before; then an empty source takes nothing away,
    unless `clears` says that its emptiness is a fact of our own. What the arrow does not allow is
    never written: a rule that names the other side then leaves things as they are.
    """
    if ours.value is ABSENT or theirs.value is ABSENT:
        return Merged(act=Act.KEEP, why="one side cannot be read")
    if is_same(ours.value, theirs.value):
        return Merged(act=Act.KEEP, why="both agree", settles=True)
    ours_changed = base is None or not is_same(ours.value, base.ours)
    theirs_changed = base is None or not is_same(theirs.value, base.theirs)
    if not ours_changed and not theirs_changed:
        return Merged(act=Act.KEEP, why="nothing has changed since they agreed")
    match flow:
        case Flow.OUT:
            if base is not None and base.theirs is ABSENT and _keeps(rule, ours_changed):
                return _toward(_Say.KEPT, Act.WRITE_THEIRS, theirs.value)
            owner = _one_way(
                rule, base, Rule.OURS, ours, theirs, ours_changed, theirs_changed, clears
            )
            return _toward(owner, Act.WRITE_THEIRS, theirs.value)
        case Flow.IN:
            if base is not None and base.ours is ABSENT and _keeps(rule, theirs_changed):
                return _toward(_Say.KEPT, Act.WRITE_OURS, ours.value)
            owner = _one_way(
                rule, base, Rule.THEIRS, theirs, ours, theirs_changed, ours_changed, clears
            )
            return _toward(owner, Act.WRITE_OURS, ours.value)
        case Flow.BOTH:
            return _both_ways(rule, base, ours, theirs, ours_changed, theirs_changed)
        case _:
            assert_never(flow)


class _Say(Enum):
    """What a one-way row says about the side that it writes to."""

    WRITE = "the row's owner wins"
    FILL = "it is filled because it was blank"
    UPDATE = "only the value that it comes from has changed"
    NEWER = "the newer value wins"
    LEAVE = "it is not blank, so it is left"
    STANDS = "the newer value stands there already"
    HUMAN = "a person has written there, so it is left"
    FOREIGN = "the arrow does not point there"
    EMPTY = "nothing was agreed yet, and an empty value takes nothing away"
    KEPT = "a person said that it stands"
    ASK = "a person wrote another value, so a person is asked"


def _keeps(rule: Rule, source_changed: bool) -> bool:
    """Whether the answer of a person, who chose the side that the arrow points at, ends it: the
    two are left as they are until one of them changes."""
    return rule is Rule.ASK and not source_changed


def _one_way(
    rule: Rule,
    base: Base | None,
    owner: Rule,
    source: Held,
    target: Held,
    source_changed: bool,
    target_changed: bool,
    clears: bool,
) -> _Say:
    match rule:
        case Rule.OURS | Rule.THEIRS:
            if rule is not owner:
                return _Say.FOREIGN
            is_first = base is None and is_blank(source.value)
            return _Say.EMPTY if is_first and not clears else _Say.WRITE
        case Rule.IF_BLANK:
            return _Say.FILL if is_blank(target.value) else _Say.LEAVE
        case Rule.HUMAN | Rule.ASK:
            if base is None and is_blank(target.value):
                return _Say.FILL
            if not target_changed:
                return _Say.UPDATE
            return _Say.HUMAN if rule is Rule.HUMAN else _Say.ASK
        case Rule.NEWEST:
            if base is None and is_blank(target.value):
                return _Say.FILL
            if not target_changed:
                return _Say.UPDATE
            if not source_changed or (base is None and is_blank(source.value)):
                return _Say.STANDS
            return _Say.NEWER if _is_newer(source, target) else _Say.STANDS
        case _:
            assert_never(rule)


def _toward(say: _Say, write: Act, present: object) -> Merged:
    match say:
        case _Say.WRITE | _Say.FILL | _Say.UPDATE | _Say.NEWER:
            return _writes(write, say.value, present)
        case _Say.ASK:
            return Merged(act=Act.ASK, why=say.value)
        case _Say.STANDS | _Say.KEPT:
            return Merged(act=Act.KEEP, why=say.value, settles=True)
        case _Say.LEAVE | _Say.HUMAN | _Say.FOREIGN | _Say.EMPTY:
            return Merged(act=Act.KEEP, why=say.value)
        case _:
            assert_never(say)


def _both_ways(
    rule: Rule,
    base: Base | None,
    ours: Held,
    theirs: Held,
    ours_changed: bool,
    theirs_changed: bool,
) -> Merged:
    def theirs_is_written(why: str) -> Merged:
        return _writes(Act.WRITE_THEIRS, why, theirs.value)

    def ours_is_written(why: str) -> Merged:
        return _writes(Act.WRITE_OURS, why, ours.value)

    if base is None or rule is Rule.IF_BLANK:
        if is_blank(ours.value):
            return ours_is_written(_Say.FILL.value)
        if is_blank(theirs.value):
            return theirs_is_written(_Say.FILL.value)
    elif not theirs_changed:
        return theirs_is_written("only our side has changed")
    elif not ours_changed:
        return ours_is_written("only their side has changed")
    match rule:
        case Rule.OURS:
            return theirs_is_written("both have changed and our side wins")
        case Rule.THEIRS:
            return ours_is_written("both have changed and their side wins")
        case Rule.HUMAN:
            return ours_is_written("both have changed and the person's value wins")
        case Rule.NEWEST:
            why = "both have changed and the newer value wins"
            return theirs_is_written(why) if _is_newer(ours, theirs) else ours_is_written(why)
        case Rule.IF_BLANK:
            return Merged(act=Act.KEEP, why="neither is blank, so both are left")
        case Rule.ASK:
            return Merged(act=Act.ASK, why="both have changed, so a person is asked")
        case _:
            assert_never(rule)


def _writes(act: Act, why: str, present: object) -> Merged:
    return Merged(act=act, why=why, loses=ABSENT if is_blank(present) else present)


def _is_newer(one: Held, other: Held) -> bool:
    """Whether one surely changed later. A tie, or a time that nobody tells, leaves the other."""
    return one.changed_at is not None and (
        other.changed_at is None or one.changed_at > other.changed_at
    )


# ---------------------------------------------------------------- values


def is_blank(value: object) -> bool:
    """Whether there is nothing to see: null, or a text of spaces. Absent is not blank."""
    return value is None or (isinstance(value, str) and not value.strip())


def is_same(one: object, other: object) -> bool:
    """Whether two values mean the same: two blanks do, numbers by value, times by the moment.

    Systems spell them otherwise: 600 and "600.00", true and "true", two spellings of one time.
    Absent is like nothing, itself included.
    """
    if one is ABSENT or other is ABSENT:
        return False
    if is_blank(one) or is_blank(other):
        return is_blank(one) and is_blank(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return _word(one) == _word(other)
    if _is_number(one) or _is_number(other):
        left, right = _number(one), _number(other)
        return left is not None and right is not None and abs(left - right) < NEARLY
    return _moment(one) == _moment(other)


NEARLY = Decimal("0.0005")
"""Half of the smallest unit of any currency: less than that is how a machine writes a fraction."""


def loss(sent: object, kept: object) -> str | None:
    """How a system changed what it was given, as the end of a sentence; None if it did not."""
    if is_same(sent, kept):
        return None
    if isinstance(sent, str) and isinstance(kept, str) and len(kept) < len(sent):
        return f"was cut from {len(sent)} to {len(kept)} characters"
    if _is_number(sent) and _number(kept) is not None:
        return "was rounded"
    return "was not kept" if is_blank(kept) else "was changed into something else"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: object) -> Decimal | None:
    if not isinstance(value, int | float | Decimal | str):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _word(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip().casefold() if isinstance(value, str) else value


def _moment(value: object) -> object:
    """A time stamp in one spelling, whatever the vendor's; any other value as it is."""
    if isinstance(value, str) and len(value) >= 19 and value[10:11] == "T":
        try:
            return datetime.fromisoformat(value).astimezone(UTC).replace(microsecond=0)
        except (ValueError, OverflowError):
            return value
    return value
