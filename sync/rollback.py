"""Giving fields back that only a later mapping wrote: what stood there before us, where it is
still ours to give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.effects import Effect, EffectKind
from domain.errors import KidgloveError
from domain.ids import AccountId
from domain.merge import is_same
from domain.ports import FoundAccounts, ReadPlan, ReadsAccounts
from domain.rows import EffectState, FieldWrite, Urgency
from mappings.mapping import FieldMapping
from sync.durable import TransactionPort

BATCH = 100
"""Records read back in one call."""
RULE = "mapping.rollback"


@dataclass(frozen=True, kw_only=True)
class Back:
    """One field of one record that gets back what stood there before us.

    `left` says why it is left alone instead.
    """

    account: AccountId
    record: str
    field: str
    ours: Any
    before: Any
    left: str | None = None


def fields_to_give_back(
    written: Sequence[FieldWrite],
    mapping: FieldMapping,
    reads: ReadsAccounts,
) -> list[Back]:
    """Every field that these writes filled and that `mapping` does not write, with its fate.

    `written` are finished writes, oldest first. Each record is read: a field that holds something
    else than what we last wrote is somebody's own, and is left. Nothing is written here.
    """
    kept = set(mapping.machine_fields)
    first: dict[tuple[AccountId, str, str], Any] = {}
    last: dict[tuple[AccountId, str, str], Any] = {}
    for write in written:
        for name, value in write.values.items():
            if name in kept or name not in write.before:
                continue
            place = (write.account, write.record, name)
            first.setdefault(place, write.before[name])
            last[place] = write.now.get(name, value)
    live = _live(sorted({record for _, record, _ in last}), last, mapping, reads)
    return [
        Back(
            account=place[0],
            record=place[1],
            field=place[2],
            ours=ours,
            before=first[place],
            left=_left(live.get(place[1]), place[2], ours, first[place]),
        )
        for place, ours in last.items()
    ]


def give_back(
    tx: TransactionPort,
    backs: Sequence[Back],
    *,
    system: str,
    label: str,
    by: str,
    now: datetime,
) -> int:
    """Write the effects down, one for each record, and let their lanes run behind urgent work.

    A second call with the same fields is the same effects. Returns how many records follow.
    """
    by_record: dict[tuple[AccountId, str], list[Back]] = {}
    for one in backs:
        if one.left is None:
            by_record.setdefault((one.account, one.record), []).append(one)
    for (account, record), fields in by_record.items():
        effect = _effect(record, fields)
        tx.effects.add(
            account,
            effect,
            case_id=None,
            system=system,
            state=EffectState.WAITING,
            cause=f"person:{by}",
            config_version=label,
            now=now,
        )
        tx.lanes.mark_dirty(account, system, urgency=Urgency.BULK, cause=f"rollback:{label}")
    return len(by_record)


def _effect(record: str, fields: Sequence[Back]) -> Effect:
    values = {one.field: one.before for one in fields}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
    subject = f"fields-back:{record}"
    return Effect(
        kind=EffectKind.WRITE_FIELDS,
        subject=subject,
        key=f"{subject}:{digest[:16]}",
        body={
            "account": record,
            "values": values,
            "before": {one.field: one.ours for one in fields},
        },
        rule=RULE,
    )


def _live(
    records: Sequence[str],
    last: Mapping[tuple[AccountId, str, str], Any],
    mapping: FieldMapping,
    reads: ReadsAccounts,
) -> dict[str, Mapping[str, Any] | KidgloveError]:
    names = tuple(sorted({name for _, _, name in last}))
    plan = ReadPlan(account_fields=names, customer_field=mapping.customer_field)
    found: dict[str, Mapping[str, Any] | KidgloveError] = {}
    for some in _slices(records):
        for record, answer in reads.read_accounts(ids=some, plan=plan).items():
            found[record] = _fields(answer)
    return found


def _fields(answer: FoundAccounts | KidgloveError) -> Mapping[str, Any] | KidgloveError:
    if isinstance(answer, KidgloveError):
        return answer
    return answer.records[0].fields if answer.records else {}


def _left(
    live: Mapping[str, Any] | KidgloveError | None, name: str, ours: Any, before: Any
) -> str | None:
    if live is None or isinstance(live, KidgloveError):
        return live.message if live is not None else "the record was not found"
    if name not in live:
        return "the field cannot be read any more"
    if not is_same(live[name], ours):
        return "somebody has changed it since"
    return "it holds what stood there before" if is_same(ours, before) else None


def _slices(records: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(records), BATCH):
        yield records[start : start + BATCH]
