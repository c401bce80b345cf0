"""What must always be true in the store, checked in production too.

Each rule is one query whose rows are the exceptions. None of them can be broken by a slow vendor or
a stopped worker alone, except those that say for how long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from store.unit_of_work import Transaction

SHOWN = 5
"""Exceptions named per rule; the first few lead to the cause."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that is always true: what it says, and the query that finds exceptions."""

    name: str
    says: str
    query: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A rule with exceptions."""

    rule: Rule
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        more = "" if self.count <= len(self.examples) else " and more"
        return f"{self.rule.name}: {', '.join(self.examples)}{more}"


RULES = (
    Rule(
        name="held_has_a_timer",
        says="every open case that a person works on or that is quiet is looked at again by itself",
        query="""
            SELECT cases.key FROM cases JOIN accounts ON accounts.id = cases.account_id
            WHERE cases.state <> 'closed'
              AND (accounts.wants_quiet OR cases.state <> 'watching')
              AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.account_id = cases.account_id)
              AND NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.account_id = cases.account_id
                              AND lanes.kind = 'evaluate' AND dirty_seq > done_seq)
        """,
        remedy="`kidglove reconcile` judges every account with a case again.",
    ),
    Rule(
        name="held_has_a_person",
        says="every open case that a person works on has an owner and a due day",
        query="""
            SELECT key FROM cases
            WHERE state IN ('with_person', 'in_resolution', 'promised')
              AND (body->>'assignee_id' IS NULL OR body->>'due_on' IS NULL)
        """,
        remedy="Set a fallback owner who can take work.",
    ),
    Rule(
        name="quiet_ends",
        says="nothing stays changed in the payment system for an account that is not held",
        query="""
            SELECT suppressions.subject FROM suppressions
            JOIN accounts ON accounts.id = suppressions.account_id
            WHERE suppressions.state IN ('wanted', 'quiet')
              AND NOT accounts.wants_quiet
              AND NOT (suppressions.body->>'is_intercept')::boolean
              AND NOT EXISTS (
                SELECT 1 FROM effects WHERE effects.account_id = suppressions.account_id
                  AND effects.subject = suppressions.subject
                  AND effects.state IN ('waiting', 'sending', 'parked', 'dead'))
              AND NOT EXISTS (
                SELECT 1 FROM lanes WHERE lanes.account_id = suppressions.account_id
                  AND dirty_seq > done_seq)
        """,
        remedy="`kidglove reconcile` judges such accounts again and gives it back.",
    ),
    Rule(
        name="every_write_is_explained",
        says="every field that we wrote has a line that says why",
        query="""
            SELECT effects.key FROM effects
            WHERE effects.state = 'done'
              AND jsonb_typeof(effects.receipt->'now') = 'object'
              AND effects.receipt->'now' <> '{}'::jsonb
              AND NOT EXISTS (SELECT 1 FROM written WHERE written.effect_id = effects.id)
        """,
        remedy="Report it with the key: a write without a reason is a mistake of ours.",
    ),
    Rule(
        name="snapshot_before_quiet",
        says="what was switched off is known as it was before",
        query="""
            SELECT subject FROM suppressions
            WHERE state = 'quiet' AND body->'before' = '{}'::jsonb
        """,
        remedy="Look the setting up in the vendor's own log before the hold is released.",
    ),
    Rule(
        name="timers_fire",
        says="no timer is more than ten minutes late",
        query="""
            SELECT account_id || ' ' || kind FROM timers WHERE due < :now - interval '10 minutes'
        """,
        remedy="The relay does not run: `kidglove doctor` says why.",
    ),
    Rule(
        name="lanes_move",
        says="no account waits for more than ten minutes without a reason",
        query="""
            SELECT account_id || ' ' || kind FROM lanes
            WHERE dirty_seq > done_seq AND not_before IS NULL
              AND dirty_at < clock_timestamp() - interval '10 minutes'
              AND (lease_until IS NULL OR lease_until < clock_timestamp())
        """,
        remedy="The workers do not run, or are too few: `kidglove doctor` says which.",
    ),
)


def broken(tx: Transaction, now: datetime) -> list[Broken]:
    """The rules that do not hold in the store now."""
    found = []
    for rule in RULES:
        names = tx.connection.execute(sa.text(rule.query), {"now": now}).scalars().all()
        if names:
            found.append(
                Broken(
                    rule=rule, count=len(names), examples=tuple(str(one) for one in names[:SHOWN])
                )
            )
    return found
