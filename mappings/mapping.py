"""A field mapping, read and checked: which CRM field means what, and which value goes where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields

from domain.facts import Role
from domain.merge import Rule
from mappings.vocabulary import Convert, Flow, Meaning, System, Winner

RULES: Mapping[Winner, Rule] = {
    Winner.STRIPE: Rule.OURS,
    Winner.ERP: Rule.OURS,
    Winner.WORKER: Rule.OURS,
    Winner.CRM: Rule.THEIRS,
    Winner.NEWEST: Rule.NEWEST,
    Winner.IF_BLANK: Rule.IF_BLANK,
    Winner.HUMAN: Rule.HUMAN,
    Winner.ASK: Rule.ASK,
}
"""Who wins, in the words of the merge: our side is where the money is."""


@dataclass(frozen=True, kw_only=True)
class FieldRow:
    """What goes into (or comes from) one CRM field.

    It is one of our values by its name, the same text everywhere (`constant`), or a sentence with
    our values in it (`template`, the templates inside it written out): exactly one of the three.
    """

    ours: str | None
    flow: Flow
    theirs: str
    wins: Winner
    values: Mapping[str, str] = field(default_factory=dict)
    convert: Convert | None = None
    cut: int | None = None
    constant: str | None = None
    template: str | None = None

    @property
    def source(self) -> str:
        """What the row carries, for a sentence."""
        if self.ours is not None:
            return self.ours
        return "the constant" if self.constant is not None else "the template"

    @property
    def rule(self) -> Rule:
        """Who wins, in the words of the merge."""
        return RULES[self.wins]


@dataclass(frozen=True, kw_only=True)
class Only:
    """A condition on the accounts whose rows are written: our value, or a field of theirs, is one
    of these words."""

    ours: str | None = None
    theirs: str | None = None
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BlastLimits:
    """Beyond which number of changes a person is asked first."""

    tasks_per_hour: int = 100
    blanked_fields: int = 50
    changed_percent: int = 50
    changed_from: int = 20


@dataclass(frozen=True, kw_only=True)
class HoldFields:
    """Where a person says "in resolution", and which of the field's words mean it."""

    field: str
    held: tuple[str, ...]
    released: tuple[str, ...] = ()
    until: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class OverrideFields:
    """Where a person says "always personal" or "never VIP"."""

    field: str
    always: tuple[str, ...]
    never: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TaskFields:
    """How our tasks are found again, and what their outcomes mean."""

    key_field: str
    outcome_field: str | None = None
    outcomes: Mapping[str, Meaning] = field(default_factory=dict)

    def meaning(self, outcome: str | None) -> Meaning | None:
        """What an outcome says; None for none and for a word that the mapping does not know."""
        wanted = (outcome or "").strip().casefold()
        return next(
            (means for word, means in self.outcomes.items() if word.strip().casefold() == wanted),
            None,
        )


@dataclass(frozen=True, kw_only=True)
class ContextFields:
    """The CRM fields that the context package shows; None is not mapped."""

    health: str | None = None
    health_at: str | None = None
    cs_tier: str | None = None
    expansion: str | None = None
    renewal_call: str | None = None
    contract: str | None = None
    contract_end: str | None = None
    seats: str | None = None
    entities: str | None = None
    ap_contact: str | None = None

    def mapped(self) -> Iterator[tuple[str, str]]:
        """Our name and the CRM field of everything that is mapped."""
        for one in fields(self):
            theirs = getattr(self, one.name)
            if theirs is not None:
                yield one.name, theirs


@dataclass(frozen=True, kw_only=True)
class FieldMapping:
    """One version of one CRM's mapping."""

    name: str
    version: int
    system: System
    object: str
    customer_field: str
    rows: tuple[FieldRow, ...]
    people: Mapping[Role, str]
    hold: HoldFields
    task: TaskFields
    promise: str | None = None
    override: OverrideFields | None = None
    context: ContextFields = ContextFields()
    only: tuple[Only, ...] = ()
    limits: BlastLimits = BlastLimits()

    @property
    def human_fields(self) -> tuple[str, ...]:
        """The fields of the account that people write and we have to read, each once."""
        named = [self.hold.field, self.hold.until, self.hold.reason, self.promise]
        named.append(self.override.field if self.override else None)
        named += [theirs for ours, theirs in self.context.mapped() if ours != "ap_contact"]
        named += [row.theirs for row in self.rows if row.flow is not Flow.OUT]
        named += [one.theirs for one in self.only]
        return tuple(dict.fromkeys(one for one in named if one))

    @property
    def watched_fields(self) -> tuple[str, ...]:
        """The fields of the account whose change is news: what people write, who they are, and
        whose customer it is. A field of another record, such as the owner's manager, is not one.
        """
        people = [theirs for theirs in self.people.values() if "." not in theirs]
        return tuple(dict.fromkeys([*self.human_fields, *people, self.customer_field]))

    @property
    def day_fields(self) -> tuple[str, ...]:
        """The fields of the account in which people write a day."""
        return tuple(one for one in (self.hold.until, self.promise) if one)

    def words_of(self, name: str) -> tuple[str, ...]:
        """The words of people that mean something in a field of the account; none elsewhere."""
        words = (*self.hold.held, *self.hold.released) if name == self.hold.field else ()
        if self.override is not None and name == self.override.field:
            words += (*self.override.always, *self.override.never)
        return words

    @property
    def timed_fields(self) -> tuple[str, ...]:
        """The fields of the account where the newer value wins, each once."""
        named = [row.theirs for row in self.rows if row.wins is Winner.NEWEST]
        return tuple(dict.fromkeys(named))

    @property
    def machine_fields(self) -> tuple[str, ...]:
        """The fields of the account that we write, each once."""
        return tuple(dict.fromkeys(row.theirs for row in self.rows if row.flow is not Flow.IN))

    @property
    def account_fields(self) -> tuple[str, ...]:
        """Every field of the account to read: people's to understand, ours to compare."""
        return tuple(dict.fromkeys([*self.human_fields, *self.machine_fields]))
