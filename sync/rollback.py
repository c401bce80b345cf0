"""Giving fields back that only a later mapping wrote: what stood there before us, where it is
still ours to give."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.effects import Effect, EffectKind, digest_of
from domain.errors import KidgloveError
from domain.ids import AccountId
from domain.merge import ABSENT, Flow, Rule, is_blank, is_same
from domain.ports import FoundAccounts, ReadPlan, ReadsAccounts
from domain.rows import Agreed, FieldWrite, Mark, Urgency
from mappings.mapping import FieldMapping
from sync.durable import TransactionPort

BATCH = 100
"""Records read back in one call."""
RULE = "mapping.rollback"
CHANGED = "somebody has changed it since"
AS_WAS = "it holds what stood there before"

Place = tuple[str, str, str]
"""A system, a record in it, and a field by our name for it."""


@dataclass(frozen=True, kw_only=True)
class Back:
    """One field of one record that gets back what stood there before us.

    `ours` is what it must hold right before it is given back. `left` says why it is left alone
    instead. `last` is the write under which `before` was found.
    """

    account: AccountId
    system: str
    record: str
    field: str
    ours: Any
    before: Any
    last: FieldWrite
    left: str | None = None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.system, self.record, self.field

    @property
    def key(self) -> str:
        """Under which name its agreement is kept."""
        return self.last.keys.get(self.field, self.field)


def fields_to_give_back(
    written: Sequence[FieldWrite], mapping: FieldMapping, reads: ReadsAccounts
) -> list[Back]:
    """Every field that these writes filled and that `mapping` will not write over, with its fate.

    `written` are writes, oldest first; of those that are not finished nobody knows whether they
    arrived. Each record of the CRM is read: a field that holds something else than what we may have
    written last is somebody's own, and is left. On the customer that is looked at right before the
    write. Nothing is written here.
    """
    traces = _traces(written, mapping)
    in_crm = {place: one for place, one in traces.items() if not one.last.on_customer}
    live = _live(in_crm, mapping, reads)
    found = (
        _fate(one, live.get(place[1])) if place in in_crm else one.back(left=one.as_was())
        for place, one in traces.items()
    )
    return [one for one in found if one is not None]


def as_of_now(
    seen: Sequence[Back], written: Sequence[FieldWrite], mapping: FieldMapping
) -> list[Back]:
    """The fields that were seen, and those that were written after that look: `written` has both.

    What was under way then may have arrived since. Nobody has looked at these; whether the field
    still holds what we wrote is seen right before it is given back. Nothing is read here.
    """
    known = {one.place: one for one in seen}
    return [
        one
        if (one := known.get(place)) is not None and trace.explains(one)
        else trace.back(left=trace.as_was())
        for place, trace in _traces(written, mapping).items()
    ]


def give_back(
    tx: TransactionPort,
    backs: Sequence[Back],
    *,
    crm: str,
    label: str,
    by: str,
    now: datetime,
) -> int:
    """Write the effects down, and let their lanes run behind urgent work.

    A second call with the same fields is the same effects. Returns how many records follow.
    """
    given = [one for one in backs if one.left is None]
    was_ours = _was_ours(tx, given)
    effects = [
        *_in_crm([one for one in given if not one.last.on_customer], was_ours),
        *(_on_customer(one, was_ours, crm, label) for one in given if one.last.on_customer),
    ]
    tx.fields.add_all(effects, cause=f"person:{by}", config_version=label, now=now)
    for system in sorted({system for _, system, _ in effects}):
        accounts = sorted({account for account, place, _ in effects if place == system})
        mark = Mark(Urgency.BULK, f"rollback:{label}")
        tx.lanes.mark_all_dirty(dict.fromkeys(accounts, mark), system)
    forgotten: dict[tuple[AccountId, str], dict[str, Agreed]] = {}
    for one in given:
        if one.place not in was_ours:
            # Somebody else's value: as before us, nobody has agreed on anything there.
            fields = forgotten.setdefault((one.account, one.last.crm_record), {})
            fields[one.key] = Agreed(base=None, at=now)
    for (account, record), fields in sorted(forgotten.items()):
        tx.agreed.remember(account, crm, record, fields, now=now)
    return len({one.place[:2] for one in given})


# ---------------------------------------------------------------- what was written


@dataclass(kw_only=True)
class _Trace:
    """What became of one field by our writes: the last value that was not theirs, and those of ours
    that may stand there: the last that surely did, and what was sent after it."""

    last: FieldWrite
    field: str
    before: Any
    sure: Any = ABSENT
    sent: list[Any] = dataclasses.field(default_factory=list)

    def add(self, write: FieldWrite, before: Any, ours: Any) -> None:
        if write.rule == RULE:
            if write.is_done:
                self.last, self.before, self.sure, self.sent = write, ours, ours, []
            return
        if not self.is_ours(before):
            self.last, self.before = write, before
        if write.is_done:
            self.sure, self.sent = ours, []
        else:
            self.sent.append(ours)

    def is_ours(self, value: Any) -> bool:
        return any(is_same(value, one) for one in (self.sure, *self.sent) if one is not ABSENT)

    @property
    def ours(self) -> Any:
        return self.sent[-1] if self.sent else self.sure

    def as_was(self) -> str | None:
        return AS_WAS if is_same(self.ours, self.before) else None

    def explains(self, seen: Back) -> bool:
        """Whether a look found what is known now, and nothing can have arrived after it."""
        if seen.left is not None and self.sent:
            return False
        return self.is_ours(seen.ours) and is_same(seen.before, self.before)

    def back(self, *, left: str | None) -> Back:
        return Back(
            account=self.last.account,
            system=self.last.system,
            record=self.last.record,
            field=self.field,
            ours=self.ours,
            before=self.before,
            last=self.last,
            left=left,
        )


def _traces(written: Sequence[FieldWrite], mapping: FieldMapping) -> dict[Place, _Trace]:
    rewritten = set(_rewritten(mapping))
    found: dict[Place, _Trace] = {}
    for write in written:
        for name, value in write.values.items():
            is_left = write.now is not None and name not in write.now
            if is_left or name not in write.before or (write.on_customer, name) in rewritten:
                continue
            place = (write.system, write.record, name)
            before, ours = write.before[name], value if write.now is None else write.now[name]
            if place not in found and write.rule != RULE:
                found[place] = _Trace(last=write, field=name, before=before)
            if place in found:
                found[place].add(write, before, ours)
    return found


def _rewritten(mapping: FieldMapping) -> Iterator[tuple[bool, str]]:
    """The fields that this mapping surely writes over whatever stands there, and whether each is
    the customer's. With a condition on the accounts none is sure."""
    for row in mapping.rows if not mapping.only else ():
        if row.flow is Flow.OUT and row.rule is Rule.OURS:
            yield False, row.theirs
        elif row.flow is Flow.IN and row.rule is Rule.THEIRS and row.ours is not None:
            yield True, row.ours


# ---------------------------------------------------------------- what stands there


def _live(
    traces: Mapping[Place, _Trace], mapping: FieldMapping, reads: ReadsAccounts
) -> dict[str, Mapping[str, Any] | KidgloveError]:
    names = tuple(sorted({name for _, _, name in traces}))
    plan = ReadPlan(account_fields=names, customer_field=mapping.customer_field)
    found: dict[str, Mapping[str, Any] | KidgloveError] = {}
    for some in _slices(sorted({record for _, record, _ in traces})):
        for record, answer in reads.read_accounts(ids=some, plan=plan).items():
            found[record] = _fields(answer)
    return found


def _fields(answer: FoundAccounts | KidgloveError) -> Mapping[str, Any] | KidgloveError:
    if isinstance(answer, KidgloveError):
        return answer
    return answer.records[0].fields if answer.records else {}


def _fate(one: _Trace, live: Mapping[str, Any] | KidgloveError | None) -> Back | None:
    """None if nothing of ours has ever arrived there."""
    if live is None:
        return one.back(left="the record was not found")
    if isinstance(live, KidgloveError):
        return one.back(left=live.message)
    if one.field not in live:
        return one.back(left="the field cannot be read any more")
    value = live[one.field]
    if is_same(value, one.before):
        return one.back(left=AS_WAS) if one.sure is not ABSENT else None
    if not one.is_ours(value):
        return one.back(left=CHANGED)
    # In its own spelling, for whoever compares it before the write.
    return replace(one.back(left=None), ours=value)


def _slices(records: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(records), BATCH):
        yield records[start : start + BATCH]


# ---------------------------------------------------------------- what is written


def _was_ours(tx: TransactionPort, backs: Sequence[Back]) -> set[Place]:
    """Where what is given back is nothing, or a value of ours from before: there our side and
    theirs agree again, and a row that heeds what people write may go on from it."""
    places = [
        (one.system, one.record, one.last.names.get(one.field, one.field), one.last.id)
        for one in backs
    ]
    known = tx.fields.last_written(places, but=RULE)
    return {
        one.place
        for number, one in enumerate(backs)
        if is_blank(one.before) or is_same(known.get(number, ABSENT), one.before)
    }


def _in_crm(backs: Sequence[Back], was_ours: set[Place]) -> Iterable[tuple[AccountId, str, Effect]]:
    """One effect for each record."""
    by_record: dict[tuple[AccountId, str, str], list[Back]] = {}
    for one in backs:
        by_record.setdefault((one.account, one.system, one.record), []).append(one)
    for (account, system, record), fields in by_record.items():
        values = {one.field: one.before for one in fields}
        subject = f"fields-back:{record}"
        ours = {one.field: one.ours for one in fields}
        yield (
            account,
            system,
            Effect(
                kind=EffectKind.WRITE_FIELDS,
                subject=subject,
                key=f"{subject}:{digest_of(values)}",
                body={
                    "account": record,
                    "values": values,
                    "before": ours,
                    "expected": ours,
                    "merge": {
                        one.field: {"key": one.key} for one in fields if one.place in was_ours
                    },
                },
                rule=RULE,
            ),
        )


def _on_customer(
    one: Back, was_ours: set[Place], crm: str, label: str
) -> tuple[AccountId, str, Effect]:
    """Each field by itself: one that somebody has changed since must not keep the others back."""
    subject = f"customer-back:{one.record}:{one.field}"
    agrees = {"key": one.key, "agrees": {"ours": one.before, "theirs": one.before}}
    effect = Effect(
        kind=EffectKind.WRITE_CUSTOMER,
        subject=subject,
        # The key goes to the vendor, which answers a known one without acting: the same value may
        # be given back by another rollback.
        key=f"{subject}:{digest_of([one.before, one.ours, label])}",
        body={
            "customer": one.record,
            "values": {one.field: one.before},
            "expected": {one.field: one.ours},
            "yields": True,
            "system": crm,
            "record": one.last.crm_record,
            "merge": {one.field: agrees} if one.place in was_ours else {},
        },
        rule=RULE,
    )
    return one.account, one.system, effect
