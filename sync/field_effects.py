"""Which mapped CRM fields differ from what is true, and the one write that follows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from domain.effects import Effect, EffectKind, Guard
from domain.ids import AccountId, Ref
from domain.leaf import Leaf
from domain.rows import StoredEffect
from mappings.mapping import FieldMapping
from mappings.outgoing import is_in_scope, outgoing
from sync.compare import is_same
from sync.durable import TransactionPort


def field_effects(
    tx: TransactionPort,
    account: AccountId,
    record: Ref,
    present: Mapping[str, object],
    ours: Mapping[str, Leaf[object]],
    mapping: FieldMapping,
) -> list[Effect]:
    """The write that makes the mapped fields of one CRM record equal our values.

    `present` is the record as it was read. Nothing follows if everything is so already.
    """
    if not ours or not is_in_scope(mapping, ours, present):
        return []
    wanted = outgoing(ours, mapping)
    changed = {
        name: value for name, value in wanted.items() if not is_same(value, present.get(name))
    }
    if not changed:
        return []
    subject = f"fields:{record.id}"
    done = tx.effects.done_for(account, record.system, subject)
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
            body={
                "account": record.id,
                "values": changed,
                "before": {name: present.get(name) for name in changed},
            },
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
