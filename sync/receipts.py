"""What is known after a write was read back: how it ended, and what both sides agree on by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.holds import Suppression
from domain.merge import Base, is_same, loss
from domain.rows import Agreed, EffectState, StoredEffect


@dataclass(frozen=True, kw_only=True)
class Done:
    """How one effect ended, with what was read back, and the ledger row that follows."""

    state: EffectState = EffectState.DONE
    receipt: dict[str, Any]
    ledger: Suppression | None = None


def agreed_fields(effect: StoredEffect, now: Mapping[str, Any], at: datetime) -> dict[str, Agreed]:
    """What both sides agree on after a write of CRM fields: what we wanted, and what is kept."""
    values = effect.body.get("values", {})
    return {
        said["key"]: Agreed(
            base=Base(ours=values[name], theirs=now[name]), at=at, effect_id=effect.id
        )
        for name, said in effect.body.get("merge", {}).items()
        if name in now
    }


def agreed_customer(
    effect: StoredEffect, now: Mapping[str, Any], at: datetime
) -> dict[str, Agreed]:
    """What both sides agree on after a write on the customer: what is kept, and what we read."""
    values = effect.body.get("values", {})
    found = {}
    for name, said in effect.body.get("merge", {}).items():
        pair = said["agrees"]
        kept = now.get(name)
        as_sent = is_same(kept, values[name])
        found[said["key"]] = Agreed(
            base=Base(ours=pair["ours"] if as_sent else kept, theirs=pair["theirs"]),
            at=at,
            effect_id=effect.id,
        )
    return found


def losses(effect: StoredEffect, now: Mapping[str, Any]) -> tuple[str, ...]:
    """What the conversion or the other system made of the values, a sentence each."""
    values = effect.body.get("values", {})
    found = [said["note"] for said in effect.body.get("merge", {}).values() if said.get("note")]
    for name, sent in values.items():
        how = loss(sent, now[name]) if name in now else None
        if how is not None:
            found.append(f"{name} {how} by {effect.system}")
    return tuple(found)
