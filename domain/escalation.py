"""What happens when nobody acts: remind in place, then walk the chain, then tell the
administrators."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.case import Case, ChangeLine, Hop
from domain.effects import Effect
from domain.facts import Role
from domain.holding import alert, zone_of
from domain.leaf import Known
from domain.people import next_after
from domain.policy import Span, Tier
from domain.situation import Reason, Situation
from domain.workdays import at_local, at_work, local_date, span_end


def window_end(situation: Situation, start: datetime, snooze: Span) -> datetime:
    """When the person's time to act ends, counted in their own working hours."""
    return span_end(start, snooze, situation.calendar, zone_of(situation))


def open_window(case: Case, opened: datetime, ends: datetime) -> Case:
    """The case with a new stretch of time in which somebody should act."""
    return replace(case, window_opened_at=opened, window_ends_at=ends, reminded_at=None)


def close_window(case: Case) -> Case:
    """The case while nobody has to act: no time runs, and a new window opens afterwards.

    A hold of ten days would otherwise end with ten days of escalation at once.
    """
    return replace(case, window_opened_at=None, window_ends_at=None, reminded_at=None)


def half_of(situation: Situation, case: Case) -> datetime | None:
    """The moment of the reminder: half of the window, never outside working hours.

    None if there is no window, if people are not at work between its half and its end, or if
    everybody has had it already: then the administrators hear of it at each end.
    """
    if case.window_ends_at is None or case.is_chain_exhausted:
        return None
    start = min(case.window_opened_at or case.opened_at, case.window_ends_at)
    half = start + (case.window_ends_at - start) / 2
    reminder = at_work(half, situation.calendar, zone_of(situation))
    return reminder if reminder < case.window_ends_at else None


def last_activity(situation: Situation, case: Case) -> datetime | None:
    """The newest sign that a person is on it: a logged talk, work on the living task, or a task of
    the escalation that its owner has completed."""
    signs = [case.active_at] if case.active_at is not None else []
    crm = situation.facts.crm
    if isinstance(crm, Known) and isinstance(crm.value.last_touch, Known):
        touch = crm.value.last_touch.value
        if touch is not None and touch.at >= case.opened_at:
            signs.append(touch.at)
    if isinstance(crm, Known):
        handed_on = (crm.value.task(case.hop_key(at + 1)) for at in range(len(case.hops)))
        signs += [task.closed_at for task in handed_on if task and task.closed_at]
    return max(signs, default=None)


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
        case = open_window(case, situation.now, _first_end(situation, case, tier))
    activity = last_activity(situation, case)
    if activity is not None and case.window_ends_at is not None:
        extended = window_end(situation, activity, tier.snooze)
        if extended > case.window_ends_at:
            reasons.append(Reason(rule="escalation.activity", text="somebody is on it"))
            case = open_window(case, activity, extended)
    half, end = half_of(situation, case), case.window_ends_at or situation.now
    if half is not None and half <= situation.now < end and case.reminded_at is None:
        reasons.append(Reason(rule="escalation.reminder", text="half of the time has passed"))
        case = _log(
            replace(case, reminded_at=situation.now), situation.now, "Half of the time has passed."
        )
    if end <= situation.now and _is_blind(situation, case):
        return case, [*effects, _cannot_hand_on(situation, case)], reasons
    while case.window_ends_at is not None and case.window_ends_at <= situation.now:
        case, more, reason = _hop(situation, case, tier, case.window_ends_at)
        effects.extend(more)
        reasons.append(reason)
    return case, effects, reasons


def _is_blind(situation: Situation, case: Case) -> bool:
    """Whether the CRM cannot be read in which the next person, and what was done, would be found.

    Where the last resort has it from the start there is no account to read.
    """
    return not isinstance(situation.facts.crm, Known) and case.assigned_as is not Role.FALLBACK


def _cannot_hand_on(situation: Situation, case: Case) -> Effect:
    """It waits for the CRM, and does not wait in silence."""
    return alert(
        f"cannot-hand-on:{case.key}:{situation.now.date().isoformat()}",
        f"Case {case.key} should go on to the next person, but the CRM cannot be read, so nobody "
        "can be chosen and no activity seen. It goes on as soon as the CRM answers.",
        rule="escalation.blind",
    )


def _first_end(situation: Situation, case: Case, tier: Tier) -> datetime:
    """When a window that opens now ends: after the tier's snooze, and never before the due day
    is over, or the task would go on to the next while it still says "by Thursday"."""
    end = window_end(situation, situation.now, tier.snooze)
    zone = zone_of(situation)
    if case.due_on is None or case.due_on <= local_date(end, zone):
        return end
    return max(end, at_local(case.due_on, situation.calendar.day_ends, zone))


def _hop(
    situation: Situation, case: Case, tier: Tier, due: datetime
) -> tuple[Case, list[Effect], Reason]:
    taken = {hop.person_id for hop in case.hops} | (
        {case.assignee_id} if case.assignee_id else set()
    )
    following = window_end(situation, due, Span(days=1) if case.is_chain_exhausted else tier.snooze)
    case = open_window(case, due, following)
    heir = next_after(situation, taken, holder=case.assignee_id)
    if heir is not None:
        hop = Hop(role=heir.role, person_id=heir.person.id, person_name=heir.person.name, at=due)
        case = replace(case, hops=(*case.hops, hop))
        case = _log(case, due, f"No sign of activity until now; {heir.person.name} has a task too.")
        return case, [], Reason(rule="escalation.hop", text=f"to {heir.role}: {heir.person.name}")
    case = replace(case, is_chain_exhausted=True)
    told = alert(
        f"nobody-acts:{case.key}:{due.date().isoformat()}",
        f"Case {case.key}: everybody in the chain has had it and nobody acted. "
        "Give it to somebody, or set the resolution field.",
        rule="escalation.exhausted",
    )
    return case, [told], Reason(rule="escalation.exhausted", text="nobody is left in the chain")


def _log(case: Case, at: datetime, text: str) -> Case:
    return replace(case, changes=(*case.changes, ChangeLine(at=at, text=text)))
