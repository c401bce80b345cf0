"""What a mapping would change if it came into force: read from the live systems, nothing
written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.described import DescribedField
from domain.effects import Effect, EffectKind
from domain.facts import CrmPicture
from domain.ids import AccountId
from domain.leaf import Known, Leaf, Missing
from domain.merge import ABSENT, is_same
from domain.policy import Elsewhere
from domain.situation import Names
from mappings.fit import fitting, refusal
from mappings.mapping import FieldMapping
from mappings.mapping_file import load_mapping
from mappings.merging import with_problems
from mappings.outgoing import is_in_scope, outgoing
from sync.clock import Clock
from sync.configs import Config, Configs
from sync.durable import Store
from sync.field_effects import field_effects, writable
from sync.looking import Looking, Unread, hold_change, unread_gap
from sync.planned import (
    Change,
    HoldChange,
    HoldCounts,
    Plan,
    PlannedField,
    PlannedRecord,
    fingerprint,
)
from sync.refresh import Refresh, Refreshed, Remembered


@dataclass(frozen=True, kw_only=True)
class Payload:
    """What would be sent to one record."""

    system: str
    """The CRM's name; empty for the payment system."""
    record: str
    values: Mapping[str, Any]


ALONE = "the policy writes to the CRM of the task alone"
"""Why nothing is written to a record in another CRM."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One account under a mapping: our values, each field before and after, and what would be
    sent. `fields` has those too that stay as they are; none where the record is only listened to:
    what people write there holds its case all the same."""

    account: AccountId
    record: str
    name: str
    fields: tuple[PlannedField, ...]
    ours: Mapping[str, Leaf[object]]
    theirs: Mapping[str, Any]
    payloads: tuple[Payload, ...] = ()
    effects: tuple[Effect, ...] = ()
    is_in_scope: bool = True
    is_written: bool = True
    hold: HoldChange | None = None


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
        self._clock = clock
        self._looking = Looking(
            store=store, refresh=refresh, configs=configs, clock=clock, names=names
        )
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
        looked_at = failed = 0
        for batch in self._looking.batches(limit):
            config = self._with(system, mapping)
            facts = self._looking.read(batch, config)
            for one in batch:
                read = facts[one.account]
                looked_at += 1
                picture = _picture(read, system)
                if isinstance(picture, Unread):
                    unread[picture.because] += 1
                    failed += picture.is_failure
                    continue
                sight = self._sight(one, read, picture, config, described)
                if not sight.is_written:
                    unread[ALONE] += 1
                counts.update(each.change for each in sight.fields)
                told = tuple(each for each in sight.fields if each.change is not Change.NO_OP)
                if told or sight.hold is not None:
                    records.append(
                        PlannedRecord(
                            account=int(one.account),
                            record=picture.account.id,
                            name=picture.name,
                            fields=told,
                            hold=sight.hold,
                        )
                    )
            progress(looked_at)
        mark = fingerprint(system, text, base, records)
        return Plan(
            id=mark[:12],
            system=system,
            text=text,
            base=base,
            made_at=self._clock.now(),
            fingerprint=mark,
            looked_at=looked_at,
            counts=dict(counts),
            records=tuple(records),
            unread=dict(unread),
            failed=failed,
            calls=dict(Counter(self._calls()) - before),
            limit=limit,
        )

    def look(
        self,
        system: str,
        text: str,
        account: AccountId,
        *,
        described: Mapping[str, DescribedField] | None = None,
    ) -> Sight | Missing:
        """One account as the mapping in `text` would make it, or why it cannot be looked at.

        FileProblems if the text may not be used. Writes nothing at all.
        """
        mapping = load_mapping(text, name=f"{system}.yaml")
        config = self._with(system, mapping)
        one = self._looking.one(account)
        read = self._looking.read([one], config)[account]
        picture = _picture(read, system)
        if isinstance(picture, Unread):
            return Missing(picture.because)
        sight = self._sight(one, read, picture, config, described)
        return sight if sight.is_written else Missing(ALONE)

    def holds(self, system: str, text: str) -> HoldCounts:
        """What becomes of the holds of open cases if the mapping in `text` comes into force.

        Only the accounts that have one are read. FileProblems if the text may not be used.
        """
        mapping = load_mapping(text, name=f"{system}.yaml")
        found: Counter[HoldChange | None] = Counter()
        failed = 0
        for batch in self._looking.open_batches():
            config = self._with(system, mapping)
            facts = self._looking.read(batch, config)
            for one in batch:
                read = facts[one.account]
                picture = _picture(read, system)
                if isinstance(picture, Unread):
                    failed += picture.is_failure
                    continue
                decision = self._looking.decided(one, read, config)
                found[hold_change(one.case.case if one.case else None, decision.case)] += 1
        return HoldCounts(
            starts=found[HoldChange.STARTS], ends=found[HoldChange.ENDS], failed=failed
        )

    def _with(self, system: str, mapping: FieldMapping) -> Config:
        """The configuration in force, with this mapping in the place of the CRM's own."""
        config = self._looking.in_force()
        return replace(config, mappings={**config.mappings, system: mapping})

    def _sight(
        self,
        one: Remembered,
        read: Refreshed,
        picture: CrmPicture,
        config: Config,
        described: Mapping[str, DescribedField] | None,
    ) -> Sight:
        mapping = config.mappings[picture.account.system]
        decision = self._looking.decided(one, read, config)
        ours = decision.ours
        sight = Sight(
            account=one.account,
            record=picture.account.id,
            name=picture.name,
            fields=(),
            ours=ours,
            theirs=picture.fields,
            hold=hold_change(one.case.case if one.case else None, decision.case),
        )
        if not _is_written(read, picture, config):
            return replace(sight, is_written=False)
        if not is_in_scope(mapping, ours, picture.fields):
            return replace(sight, is_in_scope=False)
        with self._store.begin() as tx:
            # The very function that the workers use: what it would write is what is planned.
            looked = field_effects(
                tx,
                one.account,
                picture,
                ours,
                mapping,
                payments=writable(read.facts, picture),
                now=self._clock.now(),
            )
        effects, unfit = looked.effects, looked.look.unfit
        told = with_problems(ours, unfit) if unfit else ours
        written = {
            name: value
            for effect in effects
            if effect.kind is EffectKind.WRITE_FIELDS
            for name, value in effect.body["values"].items()
        }
        found = [
            _planned(name, value, picture.fields.get(name), name in written, described)
            for name, value in outgoing(told, mapping).items()
        ]
        found += [
            _planned(name, value, effect.body["expected"][name], True, None)
            for effect in effects
            if effect.kind is EffectKind.WRITE_CUSTOMER
            for name, value in effect.body["values"].items()
        ]
        found += [
            PlannedField(
                name=each.name,
                change=Change.REJECTED,
                before=None if each.present is ABSENT else each.present,
                why=each.note.partition(": ")[2],
            )
            for each in unfit
        ]
        return replace(
            sight,
            fields=tuple(sorted(found, key=lambda each: each.name)),
            ours=told,
            payloads=tuple(_payload(effect, picture) for effect in effects),
            effects=effects,
        )


def _picture(read: Refreshed, system: str) -> CrmPicture | Unread:
    """The account's record in this CRM, whether or not anything is written there."""
    home = read.facts.crm
    if isinstance(home, Known) and home.value.account.system == system:
        return home.value
    other = next((one for one in read.elsewhere if one.account.system == system), None)
    if other is not None:
        return other
    if isinstance(read.facts.payments, Missing):
        return unread_gap(read, read.facts.payments)
    if system in read.facts.unread:
        return Unread(because=f"{system} cannot be read", is_failure=True)
    if isinstance(home, Missing) and (read.crm is None or read.crm.system == system):
        return unread_gap(read, home)
    return Unread(because="it is not in this CRM")


def _is_written(read: Refreshed, picture: CrmPicture, config: Config) -> bool:
    """Whether fields are written there: in the CRM of the task, and in the others by the policy."""
    home = read.facts.crm
    is_home = isinstance(home, Known) and home.value.account == picture.account
    return is_home or config.policy.crm.elsewhere is Elsewhere.FIELDS


def _payload(effect: Effect, picture: CrmPicture) -> Payload:
    is_ours = effect.kind is EffectKind.WRITE_CUSTOMER
    return Payload(
        system="" if is_ours else picture.account.system,
        record=str(effect.body["customer" if is_ours else "account"]),
        values=effect.body["values"],
    )


def _planned(
    name: str,
    wanted: Any,
    before: Any,
    is_written: bool,
    described: Mapping[str, DescribedField] | None,
) -> PlannedField:
    why, after = None, wanted
    if described is not None and is_written:
        why, after = refusal(wanted, described.get(name)), fitting(wanted, described.get(name))
    if why is not None:
        change = Change.REJECTED
    elif not is_written:
        change = Change.NO_OP
    elif is_same(wanted, None):
        change = Change.BLANK
    else:
        change = Change.CREATE if is_same(before, None) else Change.OVERWRITE
    if why is None and after != wanted:
        why = f"cut from {len(wanted)} to {len(after)} characters"
    return PlannedField(name=name, change=change, before=before, after=after, why=why or "")
