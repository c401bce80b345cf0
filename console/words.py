"""What closed sets are called on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.case import CaseState, TimerKind
from domain.effects import EffectKind
from domain.holds import Quiet, QuietCertificate, SuppressionState
from domain.rows import EffectState
from domain.wording import count

STAGES: Mapping[CaseState, str] = {
    CaseState.WATCHING: "Watching",
    CaseState.WITH_PERSON: "With a person",
    CaseState.IN_RESOLUTION: "In resolution",
    CaseState.PROMISED: "Promised",
    CaseState.CLOSED: "Closed",
}
QUIET: Mapping[Quiet, str] = {
    Quiet.QUIET: "Quiet",
    Quiet.NOT_QUIET: "Not quiet",
    Quiet.UNKNOWN: "Not known",
    Quiet.OFF: "Not asked for",
}
TONES: Mapping[Quiet, str] = {
    Quiet.QUIET: "good",
    Quiet.NOT_QUIET: "bad",
    Quiet.UNKNOWN: "bad",
    Quiet.OFF: "plain",
}
"""How a state looks. Unknown looks like not quiet, because it counts as that."""
TIMERS: Mapping[TimerKind, str] = {
    TimerKind.HANDOFF: "a person starts",
    TimerKind.REMINDER: "reminder",
    TimerKind.ESCALATION: "goes on to the next person",
    TimerKind.HOLD_WARNING: "warning before the hold ends",
    TimerKind.HOLD_EXPIRY: "the hold ends",
    TimerKind.PROMISE: "the promised day is over",
    TimerKind.SAFETY_RENEWAL: "safety end pushed on",
    TimerKind.QUIET_CHECK: "quiet is read back",
    TimerKind.INTERCEPT: "the renewal is collected",
    TimerKind.NEXT_ATTEMPT: "next try",
}
EFFECTS: Mapping[EffectKind, str] = {
    EffectKind.QUIET_INVOICE: "switch automatic collection off",
    EffectKind.QUIET_SUBSCRIPTION: "pause future invoices",
    EffectKind.RESTORE_INVOICE: "put automatic collection back as found",
    EffectKind.RESTORE_SUBSCRIPTION: "put future invoices back as found",
    EffectKind.FINALIZE_INVOICE: "finalize the invoice",
    EffectKind.PAY_INVOICE: "try the payment",
    EffectKind.KEEP_TASK: "write the task",
    EffectKind.WRITE_FIELDS: "write the fields",
    EffectKind.WRITE_CUSTOMER: "write on the customer",
    EffectKind.ALERT: "tell the administrators",
}
STATES: Mapping[EffectState, str] = {
    EffectState.WAITING: "waiting",
    EffectState.SENDING: "under way",
    EffectState.DONE: "done and read back",
    EffectState.OBSERVED: "observed only, not sent",
    EffectState.SUPERSEDED: "replaced by a newer one",
    EffectState.WITHDRAWN: "withdrawn",
    EffectState.STOPPED: "stopped: more at once than the mapping allows",
    EffectState.PARKED: "parked",
    EffectState.DEAD: "dead",
}
LEDGER: Mapping[SuppressionState, str] = {
    SuppressionState.WANTED: "to be changed, not confirmed yet",
    SuppressionState.QUIET: "changed, read back quiet",
    SuppressionState.FOREIGN: "a person's own setting, left alone",
    SuppressionState.RESTORED: "put back as found",
    SuppressionState.MOOT: "settled meanwhile, nothing to put back",
}


def quiet_now(certificate: QuietCertificate, *, is_proven: bool) -> str:
    """What a certificate is worth: one that was not read back lately says so."""
    if certificate.state is Quiet.QUIET and not is_proven:
        return "Quiet, not proven lately"
    return QUIET[certificate.state]


def tone_now(certificate: QuietCertificate, *, is_proven: bool) -> str:
    """How that looks."""
    if certificate.state is Quiet.QUIET and not is_proven:
        return "bad"
    return TONES[certificate.state]


def effect_named(kind: EffectKind) -> str:
    """What the effect does, also for a kind that has no words of its own yet."""
    return EFFECTS.get(kind, kind.value.replace("_", " "))


def found_before(before: Mapping[str, Any]) -> str:
    """A setting as it was found before our first write."""
    if "advances" in before:
        return "collected automatically" if before["advances"] else "not collected automatically"
    if "pause" in before:
        pause = before["pause"]
        behavior = pause.get("behavior") if isinstance(pause, Mapping) else pause
        return f"paused ({behavior})" if behavior else "not paused"
    return ", ".join(f"{name}: {value}" for name, value in before.items()) or "not read yet"


def said(subject: str) -> str:
    """`invoice in_1` for `invoice:in_1`."""
    return subject.replace(":", " ", 1)


def rhythm(every: timedelta) -> str:
    """`30 seconds`, `5 minutes`, `1 day`: the largest unit that fits without a rest."""
    seconds = int(every.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % length == 0:
            return count(seconds // length, unit)
    return count(seconds, "second")
