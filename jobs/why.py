"""Why a value that we wrote is where it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from connectors.hubspot.pins import PIN
from connectors.stripe.marks import MARK
from domain.effects import EffectKind
from domain.ids import Ref
from domain.ports import TaskVerb
from domain.rows import WrittenValue
from sync.linking import ACCOUNT

if TYPE_CHECKING:
    from jobs.runtime import Runtime
    from store.unit_of_work import Transaction

TASKS = 1_000
"""Effects of one account that are looked through for what pinned a task."""
OUR_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "stripe": {
        "auto_advance": ("advances",),
        "pause_collection": ("pause",),
        "metadata": ("mark",),
        f"metadata.{MARK}": ("mark",),
        "status": ("finalized", "paid"),
    },
    "salesforce": {
        "Subject": ("subject",),
        "Description": ("text",),
        "OwnerId": ("owner_id",),
        "ActivityDate": ("due_on",),
        "Status": ("status", "is_closed"),
        "IsClosed": ("is_closed",),
        "Priority": ("priority",),
        "WhatId": ("account_id",),
        "WhoId": ("contact_id",),
        "TaskSubtype": ("kind",),
        "IsReminderSet": ("remind_at",),
        "ReminderDateTime": ("remind_at",),
    },
    "hubspot": {
        "hs_task_subject": ("subject",),
        "hs_task_body": ("text",),
        "hubspot_owner_id": ("owner_id",),
        "hs_timestamp": ("due_on",),
        "kidglove_due": ("due_on",),
        "hs_task_status": ("status", "is_closed"),
        "hs_task_priority": ("priority",),
        "hs_task_type": ("kind",),
        "hs_task_reminders": ("remind_at",),
    },
}
"""The vendors' own names for what we keep under a name that they share."""


def why(here: Runtime, system: str, record: str, field: str) -> list[WrittenValue]:
    """Every value that we ever put there, the newest of each name first: event, rule, version,
    actor and time. Empty if we never wrote there."""
    records = (record, f"invoice:{record}", f"subscription:{record}")
    with here.store.begin() as tx:
        mappings = here.configs.current(tx, here.clock.now()).mappings
        names = [field, *OUR_NAMES.get(system, {}).get(field, ())]
        if system in mappings and mappings[system].task.key_field == field:
            names.append("key")
        places = [(one, name) for one in records for name in dict.fromkeys(names)]
        found = [value for one, name in places for value in tx.effects.why(system, one, name)]
        return found or (_pinned(tx, system, record) if field == PIN else [])


def _pinned(tx: Transaction, system: str, record: str) -> list[WrittenValue]:
    """A pin has no effect of its own: it is set with the task that it shows, and goes with it."""
    account = tx.links.account_of(Ref(system, ACCOUNT, record))
    effects = tx.effects.of_account(account, limit=TASKS) if account is not None else []
    return [
        WrittenValue(
            system=system,
            record=record,
            field=PIN,
            value="" if one.body.get("verb") == TaskVerb.CLOSE else one.receipt["id"],
            at=one.done_at,
            effect_id=one.id,
            rule=one.rule,
            cause=one.cause,
            config_version=one.config_version,
        )
        for one in effects
        if one.kind is EffectKind.KEEP_TASK
        and one.system == system
        and one.receipt is not None
        and one.done_at is not None
        and (one.body.get("verb") != TaskVerb.KEEP or not one.body.get("known_id"))
    ]
