"""Whether an effect is still wanted, and still based on what is so, asked right before it is
sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from domain.effects import FIELDS_RULE, EffectKind, Guard
from domain.rows import EffectMode, Stance, StoredEffect

FRESH = timedelta(seconds=120)
"""How old a judgement may be when a guard is tested against it; older ones are made anew first."""


def is_carried_out(effect: StoredEffect, modes: Mapping[EffectKind, EffectMode]) -> bool:
    """Whether effects of its kind are sent now; it may have been written down in another mode."""
    return modes.get(effect.kind, EffectMode.ACT) is EffectMode.ACT


def may_overwrite(effect: StoredEffect, stance: Stance | None, now: datetime) -> bool:
    """Whether an update of a task may have been overtaken by what people wrote into it since.

    Mostly it follows the judgement at once. It comes hours later where a worker or the vendor was
    away, at the first try as at any other.
    """
    is_update = effect.kind is EffectKind.KEEP_TASK and bool(effect.body.get("known_id"))
    return is_update and (stance is None or now - stance.evaluated_at > FRESH)


def is_late(effect: StoredEffect, now: datetime) -> bool:
    """Whether people may have changed the fields since the look that this write of them follows."""
    if effect.kind is not EffectKind.WRITE_FIELDS:
        return False
    is_look = effect.rule == FIELDS_RULE
    return effect.attempts > 0 or not is_look or now - effect.created_at > FRESH


def is_wanted(effect: StoredEffect, stance: Stance | None, now: datetime) -> bool | None:
    """Whether the guard holds on a fresh judgement; None if there is no fresh one."""
    if effect.guard is Guard.ALWAYS:
        return True
    if stance is None or now - stance.evaluated_at > FRESH:
        return None
    match effect.guard:
        case Guard.STILL_HELD:
            return stance.wants_quiet
        case Guard.NO_LONGER_HELD:
            return not stance.wants_quiet
        case Guard.STILL_INTERCEPTED:
            return stance.intercepts and not stance.wants_quiet
        case _:
            assert_never(effect.guard)
