"""Named places at which a process may die; the crash tests stop it at each of them.

In production nothing is armed and a checkpoint costs one look at an empty set.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Checkpoint(StrEnum):
    """Where a crash is survivable, and is tested to be."""

    TAKEN_IN = "taken_in"
    LEASED = "leased"
    REFRESHED = "refreshed"
    DECIDED = "decided"
    BEFORE_COMMIT = "before_commit"
    COMMITTED = "committed"
    DELIVERY_LEASED = "delivery_leased"
    SNAPSHOT_KEPT = "snapshot_kept"
    EFFECT_STARTED = "effect_started"
    EFFECT_SENT = "effect_sent"
    READ_BACK = "read_back"
    EFFECT_FINISHED = "effect_finished"


_armed: dict[Checkpoint, Callable[[], None]] = {}


def arm(checkpoint: Checkpoint, action: Callable[[], None]) -> None:
    """Do this when the checkpoint is next reached; a test's own business."""
    _armed[checkpoint] = action


def disarm() -> None:
    """Forget every armed action."""
    _armed.clear()


def reached(checkpoint: Checkpoint) -> None:
    """Say that the process is here now."""
    action = _armed.get(checkpoint)
    if action is not None:
        action()
