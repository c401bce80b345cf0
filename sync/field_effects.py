"""Which mapped CRM fields differ from what is true, and the one write that follows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from domain.effects import Effect, EffectKind, Guard
from domain.ids import AccountId
from domain.leaf import Known
from domain.rows import StoredEffect
from domain.situation import Decision
from mappings.outgoing import outgoing
from sync.compare import is_same
from sync.configs import Config
from sync.durable import TransactionPort
from sync.refresh import Refreshed


def field_effects(
    tx: TransactionPort,
    account: AccountId,
    read: Refreshed,
    config: Config,
    decision: Decision,
    *,
    system: str,
) -> list[Effect]:
    """The write that makes the mapped CRM fields equal our values; nothing if they are already."""
    crm = read.facts.crm
    if not isinstance(crm, Known) or not decision.ours:
        return []
    wanted = outgoing(decision.ours, config.mapping)
    present = crm.value.fields
    changed = {
        name: value for name, value in wanted.items() if not is_same(value, present.get(name))
    }
    if not changed:
        return []
    subject = f"fields:{crm.value.account.id}"
    done = tx.effects.done_for(account, system, subject)
    changed = {
        name: value
        for name, value in changed.items()
        if not _is_as_written(name, value, present.get(name), done)
    }
    if not changed:
        return []
    digest = hashlib.sha256(json.dumps(changed, sort_keys=True, default=str).encode()).hexdigest()[
        :16
    ]
    return [
        Effect(
            kind=EffectKind.WRITE_FIELDS,
            subject=subject,
            key=f"{subject}:{digest}",
            body={"account": crm.value.account.id, "values": changed},
            guard=Guard.ALWAYS,
            rule="fields.project",
        )
    ]


def _is_as_written(
    name: str, wanted: object, present: object, done: Sequence[StoredEffect]
) -> bool:
    """Whether the vendor keeps what we last wrote in a way of its own (cut, rounded).

    Writing it once more would change nothing and be heard as a change for ever.
    """
    for effect in done:
        values = effect.body.get("values", {})
        if name in values:
            kept = (effect.receipt or {}).get("now", {})
            return is_same(wanted, values[name]) and is_same(present, kept.get(name))
    return False
