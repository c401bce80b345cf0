"""An effect as its row, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.effects import Effect, EffectKind, Guard
from domain.ids import AccountId, CaseId
from domain.rows import EffectState, StoredEffect
from store.codec import plain


def row_of(
    account: AccountId,
    effect: Effect,
    *,
    system: str,
    cause: str,
    config_version: str,
    now: datetime,
    case_id: CaseId | None = None,
    state: EffectState = EffectState.WAITING,
) -> dict[str, Any]:
    """A new effect as it is stored."""
    return {
        "account_id": account,
        "case_id": case_id,
        "kind": effect.kind,
        "system": system,
        "subject": effect.subject,
        "key": effect.key,
        "is_projection": effect.kind.is_projection,
        "body": plain(effect.body),
        "guard": effect.guard,
        "rule": effect.rule,
        "state": state,
        "cause": cause,
        "config_version": config_version,
        "created_at": now,
    }


def effect_of(row: sa.Row[tuple[object, ...]]) -> StoredEffect:
    """The effect of a stored row."""
    values = row._mapping
    same = (
        "id system subject key body rule attempts cause config_version created_at snapshot "
        "last_error_code last_error receipt not_before done_at round"
    ).split()
    return StoredEffect(
        account=AccountId(values["account_id"]),
        case_id=CaseId(values["case_id"]) if values["case_id"] is not None else None,
        kind=EffectKind(values["kind"]),
        guard=Guard(values["guard"]),
        state=EffectState(values["state"]),
        **{name: values[name] for name in same},
    )
