"""What happens when nobody acts: remind in place, then walk the chain, then tell the
administrators."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.case import Case, ChangeLine, Hop
from domain.effects import Effect
from domain.holding import alert, zone_of
from domain.leaf import Known
from domain.people import next_after
from domain.policy import Span, Tier
from domain.situation import Reason, Situation
from domain.workdays import span_end


def window_end(situation: Situation, start: datetime, snooze: Span) -> datetime:
    """When the person's time to act ends, counted in their own working hours."""
    return span_end(start, snooze, situation.calendar, zone_of(situation))


def half_of(case: Case) -> datetime | None:
    """The moment of the reminder: half of the time between the window's opening and its end."""
    if case.window_ends_at is None:
        return None
    start = case.hops[-1].at if case.hops else case.opened_at
    start = min(start, case.window_ends_at)
    return start + (case.window_ends_at - start) / 2


def last_activity(situation: Situation, case: Case) -> datetime | None:
    """The newest sign that a person is on it: a logged talk since the case began."""
    crm = situation.facts.crm
    if not isinstance(crm, Known) or not isinstance(crm.value.last_touch, Known):
        return None
    touch = crm.value.last_touch.value
    if touch is None or touch.at < case.opened_at:
        return None
    return touch.at


def escalate(
    situation: Situation, case: Case, tier: Tier
) -> tuple[Case, list[Effect], list[Reason]]:
    """Bring the escalation up to the present; every step that fell due happens, in order.

    A logged activity opens a new window. Each hop gives the next living person a task of their
    own; when the chain ends the administrators hear of it, and again at the end of each further
    window: a case never waits without a next time.
    """
    effects: list[Effect] = []
    reasons: list[Reason] = []
    if case.window_ends_at is None:
        case = replace(
            case, window_ends_at=window_end(situation, situation.now, tier.snooze), reminded_at=None
        )
    activity = last_activity(situation, case)
    if activity is not None and case.window_ends_at is not None:
        extended = window_end(situation, activity, tier.snooze)
        if extended > case.window_ends_at:
            reasons.append(Reason(rule="escalation.activity", text="somebody talked to them"))
            case = replace(case, window_ends_at=extended, reminded_at=None)
    half = half_of(case)
    if half is not None and half <= situation.now and case.reminded_at is None:
        reasons.append(Reason(rule="escalation.reminder", text="half of the time has passed"))
        case = _log(
            replace(case, reminded_at=situation.now), situation.now, "Half of the time is gone."
        )
    while case.window_ends_at is not None and case.window_ends_at <= situation.now:
        case, more, reason = _hop(situation, case, tier, case.window_ends_at)
        effects.extend(more)
        reasons.append(reason)
    return case, effects, reasons


def _hop(
    situation: Situation, case: Case, tier: Tier, due: datetime
) -> tuple[Case, list[Effect], Reason]:
    taken = {hop.person_id for hop in case.hops} | (
        {case.assignee_id} if case.assignee_id else set()
    )
    following = window_end(situation, due, Span(days=1) if case.is_chain_exhausted else tier.snooze)
    heir = next_after(situation, taken)
    if heir is not None:
        case = replace(
            case,
            hops=(
                *case.hops,
                Hop(role=heir.role, person_id=heir.person.id, person_name=heir.person.name, at=due),
            ),
            window_ends_at=following,
            reminded_at=None,
        )
        case = _log(case, due, f"Nobody acted in time; {heir.person.name} has a task too.")
        return case, [], Reason(rule="escalation.hop", text=f"to {heir.role}: {heir.person.name}")
    case = replace(case, window_ends_at=following, is_chain_exhausted=True)
    told = alert(
        f"nobody-acts:{case.key}:{due.date().isoformat()}",
        f"Case {case.key}: everybody in the chain has had it and nobody acted. "
        "Give it to somebody, or set the resolution field.",
        rule="escalation.exhausted",
    )
    return case, [told], Reason(rule="escalation.exhausted", text="nobody is left in the chain")


def _log(case: Case, at: datetime, text: str) -> Case:
    return replace(case, changes=(*case.changes, ChangeLine(at=at, text=text)))
