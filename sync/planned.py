"""A plan as a value: every record that would change, each field before and after.

A plan carries a fingerprint of all of that. The same plan made again while nothing changed has the
same one: whoever applies it applies what was looked at, or nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mappings.canonical import canonical
from mappings.mapping import BlastLimits


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


class HoldChange(StrEnum):
    """What would become of the hold of an open case: another field or word says it."""

    STARTS = "starts"
    ENDS = "ends"


@dataclass(frozen=True, kw_only=True)
class HoldCounts:
    """In how many open cases a hold would start or end; `failed` is how many could not be read."""

    starts: int = 0
    ends: int = 0
    failed: int = 0

    @property
    def told(self) -> str:
        """As a sentence without its stop; empty if no hold is touched."""
        if not self.starts and not self.ends:
            return ""
        return f"In open cases {self.starts} holds would start and {self.ends} would end"

    @property
    def failed_told(self) -> str:
        """That accounts could not be read, as a sentence without its stop; empty if all were."""
        if not self.failed:
            return ""
        return f"{self.failed} accounts could not be read, so nobody knows what it does to them"


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
    """One record that would change, or refuse to, or whose case would be held or released."""

    account: int
    record: str
    name: str
    fields: tuple[PlannedField, ...]
    hold: HoldChange | None = None

    @property
    def is_written(self) -> bool:
        """Whether at least one field of it would be written."""
        return bool(self.written_names)

    @property
    def written_names(self) -> frozenset[str]:
        """The fields that would be written; those of the customer go by our own names."""
        return frozenset(one.name for one in self.fields if one.change in WRITES)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that one mapping would change in one CRM, as of one look at it.

    `counts` counts fields by what becomes of them; `records` are those that change or refuse.
    `unread` says why accounts could not be looked at, `failed` of how many of them nobody knows
    what it would change; `calls` what the look cost, by system.
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
    failed: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    limit: int | None = None

    @property
    def written(self) -> int:
        """How many records would be written."""
        return sum(one.is_written for one in self.records)

    @property
    def read(self) -> int:
        """How many records were read: of the accounts looked at, those that are in this CRM."""
        return self.looked_at - sum(self.unread.values())

    @property
    def holds(self) -> Mapping[str, int]:
        """In how many open cases a hold would start, and in how many one would end."""
        return {
            change.value: sum(one.hold is change for one in self.records) for change in HoldChange
        }

    @property
    def holds_told(self) -> str:
        """The same as a sentence without its stop; empty if no hold is touched."""
        return self._hold_counts.told

    @property
    def failed_told(self) -> str:
        """That accounts could not be read, as a sentence without its stop; empty if all were."""
        return self._hold_counts.failed_told

    @property
    def _hold_counts(self) -> HoldCounts:
        return HoldCounts(**self.holds, failed=self.failed)

    @property
    def summary(self) -> str:
        """`+12 ~340 0 blank 3 rejected`, in fields."""
        return summary(self.counts)


def summary(counts: Mapping[str, int]) -> str:
    """What becomes of how many fields, on one line."""
    count = counts.get
    return (
        f"+{count(Change.CREATE, 0)} ~{count(Change.OVERWRITE, 0)} "
        f"{count(Change.BLANK, 0)} blank {count(Change.REJECTED, 0)} rejected"
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
                        "hold": HoldChange(one["hold"]) if one.get("hold") else None,
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
    # Of the records that there are: accounts of customers who are not in this CRM change nothing.
    if plan.read and plan.read >= limits.changed_from:
        percent = 100 * plan.written / plan.read
        if percent > limits.changed_percent:
            found.append(
                f"{plan.written} of {plan.read} records would change, more than "
                f"{limits.changed_percent} %"
            )
    if plan.failed:
        found.append(f"{plan.failed} accounts could not be read")
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


def fingerprint(system: str, text: str, base: str, records: Sequence[PlannedRecord]) -> str:
    """A hash of everything that the plan rests on; time is not in it."""
    rows = [
        [
            one.record,
            [[each.name, each.change, each.before, each.after] for each in one.fields],
            *([one.hold] if one.hold else []),
        ]
        for one in sorted(records, key=lambda one: one.record)
    ]
    whole = json.dumps([system, canonical(text), base, rows], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()
