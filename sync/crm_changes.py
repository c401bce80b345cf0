"""From a stored CRM effect to the change that the connector is asked for."""

from __future__ import annotations

from datetime import date, datetime

from domain.effects import EffectKind
from domain.ids import Ref
from domain.ports import FieldsChange, TaskChange, TaskVerb
from domain.rows import StoredEffect
from sync.refresh import ACCOUNT


def crm_change(effect: StoredEffect, system: str, crm_id: str | None) -> TaskChange | FieldsChange:
    """The change of this effect; `crm_id` is the linked account, None if there is none."""
    body = effect.body
    if effect.kind is EffectKind.WRITE_FIELDS:
        return FieldsChange(
            account=Ref(system, ACCOUNT, str(body["account"])), values=dict(body["values"])
        )
    return TaskChange(
        key=str(body["key"]),
        account=Ref(system, ACCOUNT, crm_id) if crm_id else None,
        verb=TaskVerb(str(body["verb"])),
        subject=body.get("subject"),
        text=body.get("text"),
        html=body.get("html"),
        owner_id=body.get("owner_id"),
        due_on=date.fromisoformat(body["due_on"]) if body.get("due_on") else None,
        high_priority=body.get("high_priority"),
        kind=str(body.get("kind", "call")),
        contact_id=body.get("contact_id"),
        remind_at=datetime.fromisoformat(body["remind_at"]) if body.get("remind_at") else None,
        known_id=body.get("known_id"),
        fallback_owner_id=body.get("fallback_owner_id"),
    )
