"""Why a value that we wrote is where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from connectors.hubspot.pins import PIN
from connectors.stripe.marks import MARK
from domain.effects import EffectKind
from domain.errors import OutcomeUnknown, Transient
from domain.ids import Ref
from domain.ports import TaskVerb
from domain.rows import EffectState, StoredEffect, WrittenValue
from sync.linking import ACCOUNT, CUSTOMER

if TYPE_CHECKING:
    from jobs.runtime import Runtime
    from store.unit_of_work import Transaction

MANY = 1_000
"""Effects of one account that are looked through for what has no written value of its own."""
MAPPED = {EffectKind.WRITE_FIELDS: "account", EffectKind.WRITE_CUSTOMER: "customer"}
"""Where the body of a write of mapped fields names the record."""
NO_ANSWER = (OutcomeUnknown.code, Transient.code)
"""The failures after which a write may stand there all the same."""
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
        found = [value for one, name in places for value in tx.written.why(system, one, name)]
        found = [*_unanswered(tx, system, record, field, found), *found]
        return found or (_pinned(tx, system, record) if field == PIN else [])


def _unanswered(
    tx: Transaction, system: str, record: str, field: str, known: Sequence[WrittenValue]
) -> list[WrittenValue]:
    """What was sent of a mapped field after its last known value and never answered for: it may be
    what stands there."""
    newest = max((one.effect_id for one in known), default=0)
    return [
        WrittenValue(
            system=system,
            record=record,
            field=field,
            value=one.body["values"][field],
            at=one.created_at,
            effect_id=one.id,
            rule=one.rule,
            cause=f"{one.cause} (no answer came; it may have arrived)",
            config_version=one.config_version,
        )
        for one in _effects_of(tx, system, record)
        if one.id > newest
        and one.body.get(MAPPED.get(one.kind, "")) == record
        and field in one.body["values"]
        and one.last_error_code in NO_ANSWER
        and one.state is not EffectState.DONE
    ]


def _pinned(tx: Transaction, system: str, record: str) -> list[WrittenValue]:
    """A pin has no effect of its own: it is set with the task that it shows, and goes with it."""
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
        for one in _effects_of(tx, system, record)
        if one.kind is EffectKind.KEEP_TASK
        and one.system == system
        and one.receipt is not None
        and one.done_at is not None
        and (one.body.get("verb") != TaskVerb.KEEP or not one.body.get("known_id"))
    ]


def _effects_of(tx: Transaction, system: str, record: str) -> list[StoredEffect]:
    """What we did lately for the account whose record this is, the newest first."""
    refs = [Ref(system, kind, record) for kind in (ACCOUNT, CUSTOMER)]
    accounts = set(tx.links.accounts_of(refs).values())
    return [one for account in accounts for one in tx.effects.of_account(account, limit=MANY)]
