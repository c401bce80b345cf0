"""What a mapping would change if it came into force: read from the live systems, nothing written.

A plan names every record that would change, each field before and after, and a fingerprint of all
of that. The same plan made again while nothing changed has the same fingerprint: whoever applies
it applies what was looked at, or nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.decide import decide
from domain.described import DescribedField
from domain.effects import EffectKind
from domain.facts import CrmPicture
from domain.ids import AccountId
from domain.leaf import Known, Missing
from domain.merge import is_same
from domain.situation import Decision, Names, Situation
from mappings.canonical import canonical
from mappings.fit import refusal
from mappings.mapping import BlastLimits, FieldMapping
from mappings.mapping_file import load_mapping
from mappings.outgoing import is_in_scope, outgoing_with_notes
from sync.clock import Clock
from sync.configs import Config, Configs
from sync.durable import Store, TransactionPort
from sync.evaluate import task_place, was_intercepting
from sync.field_effects import field_effects, writable
from sync.refresh import Refresh, Refreshed, Remembered

BATCH = 100
"""Accounts read at once: what the CRMs answer in one call."""
CAUSE = "mapping:plan"
"""Any cause but the payment system's own makes `Refresh` read the CRM for every account."""


class Change(StrEnum):
    """What would become of one field of one record."""

    CREATE = "create"
    """It is empty and gets a value."""
    OVERWRITE = "overwrite"
    BLANK = "blank"
    """It has a value and becomes empty."""
    NO_OP = "no_op"
    REJECTED = "rejected"
    """The CRM would refuse the value, or it cannot be put into the field's shape."""


WRITES = (Change.CREATE, Change.OVERWRITE, Change.BLANK)


@dataclass(frozen=True, kw_only=True)
class PlannedField:
    """One field of one record: what stands there, what would, and why not."""

    name: str
    change: Change
    before: Any = None
    after: Any = None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedRecord:
    """One record that would change, or refuse to."""

    account: int
    record: str
    name: str
    fields: tuple[PlannedField, ...]

    @property
    def is_written(self) -> bool:
        """Whether at least one field of it would be written."""
        return any(one.change in WRITES for one in self.fields)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that one mapping would change in one CRM, as of one look at it.

    `counts` counts fields by what becomes of them; `records` are those that change or refuse.
    `unread` says why accounts could not be looked at; `calls` what the look cost, by system.
    """

    id: str
    system: str
    text: str
    base: str
    made_at: datetime
    fingerprint: str
    looked_at: int
    counts: Mapping[str, int]
    records: tuple[PlannedRecord, ...]
    unread: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    limit: int | None = None

    @property
    def written(self) -> int:
        """How many records would be written."""
        return sum(one.is_written for one in self.records)

    @property
    def summary(self) -> str:
        """`+12 ~340 0 blank 3 rejected`, in fields."""
        count = self.counts.get
        return (
            f"+{count(Change.CREATE, 0)} ~{count(Change.OVERWRITE, 0)} "
            f"{count(Change.BLANK, 0)} blank {count(Change.REJECTED, 0)} rejected"
        )


class Planner:
    """Makes plans. `calls` counts the requests of each system so far, to price a look."""

    def __init__(
        self,
        *,
        store: Store,
        refresh: Refresh,
        configs: Configs,
        clock: Clock,
        names: Names,
        calls: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._configs = configs
        self._clock = clock
        self._names = names
        self._calls = calls

    def plan(
        self,
        system: str,
        text: str,
        *,
        base: str,
        described: Mapping[str, DescribedField] | None = None,
        limit: int | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Plan:
        """What the mapping in `text` would change in `system`, in the first `limit` accounts.

        `base` is the label of the version that it would replace. Without `described` no value is
        foreseen to be refused. FileProblems if the text may not be used. Writes nothing at all.
        """
        mapping = load_mapping(text, name=f"{system}.yaml")
        before = Counter(self._calls())
        records: list[PlannedRecord] = []
        counts: Counter[str] = Counter()
        unread: Counter[str] = Counter()
        looked_at = 0
        for batch, config in self._batches(system, mapping, limit):
            for one, read in self._read(batch, config):
                looked_at += 1
                picture = _picture(read, system)
                if isinstance(picture, Missing):
                    unread[picture.because] += 1
                    continue
                found = self._fields(one, read, picture, config, described)
                counts.update(each.change for each in found)
                told = tuple(each for each in found if each.change is not Change.NO_OP)
                if told:
                    records.append(
                        PlannedRecord(
                            account=int(one.account),
                            record=picture.account.id,
                            name=picture.name,
                            fields=told,
                        )
                    )
            progress(looked_at)
        fingerprint = _fingerprint(system, text, base, records)
        return Plan(
            id=fingerprint[:12],
            system=system,
            text=text,
            base=base,
            made_at=self._clock.now(),
            fingerprint=fingerprint,
            looked_at=looked_at,
            counts=dict(counts),
            records=tuple(records),
            unread=dict(unread),
            calls=dict(Counter(self._calls()) - before),
            limit=limit,
        )

    def _batches(
        self, system: str, mapping: FieldMapping, limit: int | None
    ) -> Iterator[tuple[list[Remembered], Config]]:
        after: AccountId | None = None
        left = limit
        while left is None or left > 0:
            size = BATCH if left is None else min(BATCH, left)
            with self._store.begin() as tx:
                now = self._clock.now()
                config = self._configs.current(tx, now)
                accounts = tx.cases.accounts(after=after, limit=size)
                remembered = [_remember(tx, account) for account in accounts]
            if not accounts:
                return
            yield remembered, replace(config, mappings={**config.mappings, system: mapping})
            after = accounts[-1]
            left = left - len(accounts) if left is not None else None

    def _read(
        self, batch: Sequence[Remembered], config: Config
    ) -> Iterator[tuple[Remembered, Refreshed]]:
        facts = self._refresh.read(batch, config)
        for one in batch:
            yield one, facts[one.account]

    def _fields(
        self,
        one: Remembered,
        read: Refreshed,
        picture: CrmPicture,
        config: Config,
        described: Mapping[str, DescribedField] | None,
    ) -> list[PlannedField]:
        mapping = config.mappings[picture.account.system]
        ours = self._decided(one, read, config).ours
        if not is_in_scope(mapping, ours, picture.fields):
            return []
        wanted = outgoing_with_notes(ours, mapping)
        with self._store.begin() as tx:
            # The very function that the workers use: what it would write is what is planned.
            effects = field_effects(
                tx,
                one.account,
                picture,
                ours,
                mapping,
                payments=writable(read.facts, picture),
                now=self._clock.now(),
            ).effects
        written = {
            name: value
            for effect in effects
            if effect.kind is EffectKind.WRITE_FIELDS
            for name, value in effect.body["values"].items()
        }
        found = [
            _planned(name, value, picture.fields.get(name), name in written, described)
            for name, value in wanted.values.items()
        ]
        found += [
            _planned(name, value, effect.body["expected"][name], True, None)
            for effect in effects
            if effect.kind is EffectKind.WRITE_CUSTOMER
            for name, value in effect.body["values"].items()
        ]
        refused = {note.partition(" was not sent: ")[0]: note for note in wanted.notes}
        found += [
            PlannedField(
                name=name,
                change=Change.REJECTED,
                before=picture.fields.get(name),
                why=note.partition(": ")[2],
            )
            for name, note in refused.items()
            if " was not sent: " in note
        ]
        return sorted(found, key=lambda each: each.name)

    def _decided(self, one: Remembered, read: Refreshed, config: Config) -> Decision:
        return decide(
            Situation(
                account=one.account,
                case=one.case.case if one.case else None,
                facts=read.facts,
                ledger=one.ledger,
                policy=config.policy,
                calendar=config.calendar,
                now=self._clock.now(),
                names=self._names,
                fallback=self._refresh.crms.fallback(read.crm),
                was_intercepting=one.was_intercepting,
            )
        )


def loaded(body: Mapping[str, Any]) -> Plan:
    """A plan from its stored form (`dataclasses.asdict` as JSON)."""
    return Plan(
        **{
            **body,
            "made_at": datetime.fromisoformat(body["made_at"]),
            "records": tuple(
                PlannedRecord(
                    **{
                        **one,
                        "fields": tuple(
                            PlannedField(**{**each, "change": Change(each["change"])})
                            for each in one["fields"]
                        ),
                    }
                )
                for one in body["records"]
            ),
        }
    )


def over(plan: Plan, limits: BlastLimits) -> list[str]:
    """Why a person should look twice before this plan is carried out; empty if nothing is large."""
    found = []
    blanks = plan.counts.get(Change.BLANK, 0)
    if blanks > limits.blanked_fields:
        found.append(f"{blanks} fields would become empty, more than {limits.blanked_fields}")
    if plan.looked_at >= limits.changed_from:
        percent = 100 * plan.written / plan.looked_at
        if percent > limits.changed_percent:
            found.append(
                f"{plan.written} of {plan.looked_at} records would change, more than "
                f"{limits.changed_percent} %"
            )
    return found


def drift(then: Plan, now: Plan) -> list[str]:
    """Which records changed between two looks, a line each; empty if the plan still holds."""
    if then.fingerprint == now.fingerprint:
        return []
    if then.base != now.base:
        return [f"{now.base} is in force now; the plan was made over {then.base}"]
    old = {one.record: one for one in then.records}
    new = {one.record: one for one in now.records}
    return [
        f"{(new.get(record) or old[record]).name} ({record})"
        for record in sorted({*old, *new})
        if old.get(record) != new.get(record)
    ] or ["the mapping's text"]


def _remember(tx: TransactionPort, account: AccountId) -> Remembered:
    return Remembered(
        account=account,
        links=tuple(tx.links.of(account)),
        case=tx.cases.latest(account),
        ledger=tx.cases.ledger(account),
        was_intercepting=was_intercepting(tx.cases.stance(account)),
        task_place=task_place(tx, account),
        cause=CAUSE,
    )


def _picture(read: Refreshed, system: str) -> CrmPicture | Missing:
    home = read.facts.crm
    if isinstance(home, Known) and home.value.account.system == system:
        return home.value
    other = next((one for one in read.elsewhere if one.account.system == system), None)
    if other is not None:
        return other
    if isinstance(read.facts.payments, Missing):
        return read.facts.payments
    return home if isinstance(home, Missing) else Missing("it is not in this CRM")


def _planned(
    name: str,
    wanted: Any,
    before: Any,
    is_written: bool,
    described: Mapping[str, DescribedField] | None,
) -> PlannedField:
    why = refusal(wanted, described.get(name)) if described is not None and is_written else None
    if why is not None:
        change = Change.REJECTED
    elif not is_written:
        change = Change.NO_OP
    elif is_same(wanted, None):
        change = Change.BLANK
    else:
        change = Change.CREATE if is_same(before, None) else Change.OVERWRITE
    return PlannedField(name=name, change=change, before=before, after=wanted, why=why or "")


def _fingerprint(system: str, text: str, base: str, records: Sequence[PlannedRecord]) -> str:
    """A hash of everything that the plan rests on; time is not in it."""
    rows = [
        [one.record, [[each.name, each.change, each.before, each.after] for each in one.fields]]
        for one in sorted(records, key=lambda one: one.record)
    ]
    whole = json.dumps([system, canonical(text), base, rows], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()
