"""Taking in what people did to the living task in the CRM: every change of theirs is a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from domain.case import Case
from domain.escalation import open_window
from domain.facts import Meaning, WorkItem
from domain.holding import zone_of
from domain.in_flight import (
    has_new_lines,
    is_a_persons,
    is_the_first,
    still_sent,
    still_sent_texts,
)
from domain.leaf import Known
from domain.people import person_by_id
from domain.policy import Tier
from domain.situation import Reason, Situation
from domain.wording import plain_day
from domain.workdays import add_working_days, at_local, local_date

Heeded = tuple[Case, list[Reason]]
_AFTER: Mapping[Meaning | None, str] = {
    None: ", but the money is still open. Please look again.",
    Meaning.ADVANCES: ". It is due again on {day}, if the money is not here by then.",
    Meaning.NOT_NEEDED: (
        ", but the money is still open. If nothing is to be done, set the status on the account, "
        "or have the invoice cancelled."
    ),
    Meaning.WRONG_CONTACT: ". Somebody else may know the right person.",
}
"""What the change log says after a completion, by what its outcome means."""


def living_task(situation: Situation, case: Case) -> WorkItem | None:
    """The case's task as it stands in the CRM, or None."""
    crm = situation.facts.crm
    return crm.value.task(case.task_key) if isinstance(crm, Known) else None


def heed_task(situation: Situation, case: Case, tier: Tier) -> Heeded:
    """Take in what a person did to the task: moved its day, gave it away, completed or deleted it,
    worked on it. What we wrote ourselves is nobody's word when it arrives."""
    task = living_task(situation, case)
    if case.task_digest is None:
        return case, []
    if task is None:
        return _deleted(situation, case)
    before, reasons = case, list[Reason]()
    case = replace(
        case,
        seen_due=task.due_on,
        seen_owner=task.owner_id,
        seen_closed=task.is_closed,
        seen_status=task.status,
        sent_dues=still_sent(task.due_on, before.sent_dues),
        sent_owners=still_sent(task.owner_id, before.sent_owners),
        sent_texts=still_sent_texts(before, task),
    )
    if task.is_closed:
        # Counted once: until our reopening arrives it will be seen closed again.
        return (case, reasons) if before.seen_closed else _completed(situation, case, task)
    if _is_worked_on(before, task):
        reasons.append(Reason(rule="task.worked_on", text="somebody works on the task"))
        case = replace(case, active_at=situation.now)
    is_default = is_the_first(before.seen_owner, before.sent_owners)
    if (
        task.owner_id != before.assignee_id
        and not is_default
        and is_a_persons(task.owner_id, seen=before.seen_owner, sent=before.sent_owners)
    ):
        case, more = _given_on(situation, case, task.owner_id or "")
        reasons += more
    if task.due_on != before.due_on and is_a_persons(
        task.due_on, seen=before.seen_due, sent=before.sent_dues
    ):
        case, more = _moved(situation, case, tier, task.due_on or situation.now.date())
        reasons += more
    return case, reasons


def _is_worked_on(before: Case, task: WorkItem) -> bool:
    """Whether somebody wrote into the task or gave it another status since it was last seen."""
    is_known = before.seen_status is not None and not before.seen_closed
    return has_new_lines(before, task) or (is_known and task.status != before.seen_status)


def _given_on(situation: Situation, case: Case, id: str) -> Heeded:
    person = person_by_id(situation, id)
    name = person.name if person else "a colleague"
    case = case.logged(situation.now, f"Given to {name}.")
    case = replace(
        case, assignee_id=id, assignee_name=name, assigned_as=None, assigned_at=situation.now
    )
    return case, [Reason(rule="task.given_on", text=f"given to {name} in the CRM")]


def _moved(situation: Situation, case: Case, tier: Tier, due: date) -> Heeded:
    """A later day is a snooze; beyond the tier's window it goes on to the next all the same."""
    zone, now = zone_of(situation), situation.now
    case = replace(case, due_on=due)
    if due < local_date(now, zone):
        return case, [Reason(rule="task.moved_back", text=f"moved back to {due}")]
    furthest = local_date(case.opened_at, zone) + timedelta(days=tier.window_days or 30)
    if due > furthest:
        text = f"Moved to {plain_day(due)}, past the window; it goes on to the next."
        case = open_window(case.logged(now, text), case.window_opened_at or now, now)
        return case, [Reason(rule="task.snooze_too_far", text="snoozed past the window")]
    case = case.logged(now, f"Snoozed to {plain_day(due)}.")
    case = open_window(case, now, _noon(situation, due))
    return case, [Reason(rule="task.snoozed", text=f"snoozed to {due}")]


def _completed(situation: Situation, case: Case, task: WorkItem) -> Heeded:
    """A completed task while money is open comes back, with the reason and a later day."""
    outcome = task.outcome or "no outcome given"
    zone, now = zone_of(situation), situation.now
    today = local_date(now, zone)
    end = next((hold.until for hold in (case.word, case.promise) if hold is not None), None)
    if end is not None:
        due = add_working_days(max(local_date(end, zone), today), 0, situation.calendar)
        text = f"Completed ({outcome}). Kept open for {plain_day(due)}, when the wait is over."
    else:
        days = 2 if task.meaning is Meaning.ADVANCES else 1
        due = add_working_days(today, days, situation.calendar)
        text = f"Completed ({outcome}){_AFTER.get(task.meaning, _AFTER[None])}"
        text = text.replace("{day}", plain_day(due))
    case = case.logged(now, text)
    case = replace(
        case,
        reopened=case.reopened + 1,
        last_outcome=task.outcome,
        last_meaning=task.meaning,
        due_on=due,
    )
    hands_on = end is None and task.meaning is Meaning.WRONG_CONTACT
    case = open_window(case, now, now if hands_on else _noon(situation, due))
    return case, [Reason(rule="task.reopened", text=f"completed with {outcome}; money is open")]


def _deleted(situation: Situation, case: Case) -> Heeded:
    """A task that was seen and is gone was deleted by somebody: it comes back and says why."""
    was_seen = case.seen_owner is not None or case.seen_due is not None
    if not was_seen or not isinstance(situation.facts.crm, Known):
        return case, []
    text = "The task was deleted. Here it is again, because the money is still open."
    case = replace(
        case.logged(situation.now, text),
        seen_due=None,
        seen_owner=None,
        seen_status=None,
        seen_closed=False,
        sent_dues=(),
        sent_owners=(),
    )
    return case, [Reason(rule="task.deleted", text="deleted in the CRM; money is open")]


def _noon(situation: Situation, day: date) -> datetime:
    """Noon of a day that a task is due on, or of the next one that people work."""
    worked = add_working_days(day, 0, situation.calendar)
    return at_local(worked, 12, zone_of(situation))
