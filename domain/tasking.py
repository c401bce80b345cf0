"""The living task: what it should say and who has it, compared with what stands in the CRM."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from domain.case import Case, CaseState, ChangeLine
from domain.effects import Effect, EffectKind, Guard
from domain.escalation import half_of, open_window
from domain.facts import CrmPicture, WorkItem
from domain.holding import zone_of
from domain.holds import QuietCertificate
from domain.leaf import Known
from domain.living_text import human_lines, kept_lines, origin, with_human_lines
from domain.package import ContextPackage, build_package
from domain.people import chain, next_after, person_by_id
from domain.policy import Tier
from domain.render_html import body as html_body
from domain.render_text import body, hop_body, hop_subject, subject
from domain.situation import Reason, Situation
from domain.workdays import add_working_days, at_local, local_date, span_end

CHANGES_KEPT = 40
"""Lines of the change log that the task shows; older ones stay in the audit."""
TEXTS_KEPT = 6
"""Texts on their way that are remembered; so many only pile up while a CRM takes none of them."""


def assign(situation: Situation, case: Case, tier: Tier) -> tuple[Case, list[Reason]]:
    """Give the case a living owner and a due day, once; move it on if the owner leaves."""
    reasons: list[Reason] = []
    holder = person_by_id(situation, case.assignee_id) if case.assignee_id else None
    gone = holder is not None and not holder.can_take_work
    if case.assignee_id is None or gone:
        taken = {hop.person_id for hop in case.hops}
        heir = next_after(situation, taken) or next(iter(chain(situation)), None)
        if heir is not None:
            if gone and holder is not None:
                moved = f"{holder.name} is away; {heir.person.name} has it."
                case = log(case, situation.now, moved)
            reasons.append(Reason(rule="task.assign", text=f"to {heir.role}: {heir.person.name}"))
            case = replace(case, assignee_id=heir.person.id, assignee_name=heir.person.name)
    if case.due_on is None or _is_asked_anew(situation, case):
        case = replace(case, due_on=due_day(situation, case, tier))
    return case, reasons


def _is_asked_anew(situation: Situation, case: Case) -> bool:
    """Whether a wait is over and the due day of the time before it has passed meanwhile."""
    return (
        case.state is CaseState.WITH_PERSON
        and case.window_ends_at is None
        and case.due_on is not None
        and case.due_on < local_date(situation.now, zone_of(situation))
    )


def due_day(situation: Situation, case: Case, tier: Tier) -> date:
    """The day on which the person should have acted, in their own zone."""
    zone = zone_of(situation)
    if tier.due_before_day is not None:
        return local_date(case.opened_at, zone) + timedelta(days=tier.due_before_day - 1)
    due = span_end(situation.now, tier.due, situation.calendar, zone)
    # The day on which the work goes on to the next is the day by which it must be done.
    passed_on = span_end(situation.now, tier.snooze, situation.calendar, zone)
    return local_date(min(due, passed_on), zone)


def heed_task(situation: Situation, case: Case, tier: Tier) -> tuple[Case, list[Reason]]:
    """Take in what the person did to the task: moved its day, gave it away, completed it."""
    task = _task(situation, case)
    reasons: list[Reason] = []
    if task is None or case.task_digest is None:
        return case, reasons
    before = case
    case = replace(
        case,
        seen_due=task.due_on,
        seen_owner=task.owner_id,
        seen_closed=task.is_closed,
        seen_status=task.status,
        sent_texts=_on_their_way(case, task),
    )
    if _is_worked_on(before, task):
        reasons.append(Reason(rule="task.worked_on", text="somebody works on the task"))
        case = replace(case, active_at=situation.now)
    if task.is_closed:
        # Counted once: until our reopening arrives it will be seen closed again.
        return (case, reasons) if before.seen_closed else _completed(situation, case, task, reasons)
    if task.owner_id and task.owner_id not in (before.assignee_id, before.seen_owner):
        person = person_by_id(situation, task.owner_id)
        if person is None or person.can_take_work:
            name = person.name if person else "a colleague"
            reasons.append(Reason(rule="task.given_on", text=f"given to {name} in the CRM"))
            case = log(case, situation.now, f"Given to {name}.")
            case = replace(case, assignee_id=task.owner_id, assignee_name=name)
    if task.due_on is not None and task.due_on not in (before.due_on, before.seen_due):
        zone = zone_of(situation)
        furthest = local_date(case.opened_at, zone) + timedelta(days=tier.window_days or 30)
        if task.due_on > furthest:
            reasons.append(Reason(rule="task.snooze_too_far", text="snoozed past the window"))
            case = log(
                case,
                situation.now,
                f"Moved to {task.due_on:%a %d %b}, past the window; it goes on to the next.",
            )
            case = replace(case, due_on=task.due_on)
            case = open_window(case, case.window_opened_at or situation.now, situation.now)
        elif task.due_on >= local_date(situation.now, zone):
            reasons.append(Reason(rule="task.snoozed", text=f"snoozed to {task.due_on}"))
            case = log(case, situation.now, f"Snoozed to {task.due_on:%a %d %b}.")
            case = replace(case, due_on=task.due_on)
            case = open_window(case, situation.now, _noon(situation, task.due_on))
    return case, reasons


def _completed(
    situation: Situation, case: Case, task: WorkItem, reasons: list[Reason]
) -> tuple[Case, list[Reason]]:
    """A completed task while money is open comes back, with the reason and a later day."""
    outcome = task.outcome or "no outcome given"
    zone = zone_of(situation)
    today = local_date(situation.now, zone)
    end = next((hold.until for hold in (case.word, case.promise) if hold is not None), None)
    if end is not None:
        due = max(local_date(end, zone), today)
        text = f"Completed ({outcome}). Kept open for {due:%a %d %b}, when the wait is over."
    else:
        due = add_working_days(today, 1, situation.calendar)
        text = f"Completed ({outcome}), but the money is still open. Please look again."
    reasons.append(Reason(rule="task.reopened", text=f"completed with {outcome}; money is open"))
    case = log(case, situation.now, text)
    case = replace(case, reopened=case.reopened + 1, last_outcome=task.outcome, due_on=due)
    return open_window(case, situation.now, _noon(situation, due)), reasons


def _noon(situation: Situation, day: date) -> datetime:
    """Noon of a day that a task is due on, or of the next one that people work."""
    worked = add_working_days(day, 0, situation.calendar)
    return at_local(worked, 12, zone_of(situation))


def package_for(
    situation: Situation, case: Case, tier: Tier, certificate: QuietCertificate
) -> ContextPackage:
    """The context package as of this decision."""
    taken = {hop.person_id for hop in case.hops}
    if case.assignee_id:
        taken.add(case.assignee_id)
    heir = next_after(situation, taken)
    return build_package(
        case=case,
        facts=situation.facts,
        policy=situation.policy,
        tier=tier,
        certificate=certificate,
        now=situation.now,
        zone=zone_of(situation),
        next_owner=heir.person if heir else None,
        due_at=case.window_ends_at,
        names=situation.names,
    )


def keep_task(
    situation: Situation, case: Case, tier: Tier, certificate: QuietCertificate
) -> tuple[Case, list[Effect]]:
    """The effect that makes the CRM's task so, or nothing if it is so already.

    A task that was seen once is left until it can be seen again: what people did to it meanwhile
    would be overwritten.
    """
    task = _task(situation, case)
    is_read = isinstance(situation.facts.crm, Known)
    closing = not case.is_open
    if closing and (case.task_digest is None or case.seen_closed or (task and task.is_closed)):
        return case, []
    if not is_read and _was_seen(case):
        return case, []
    package = package_for(situation, case, tier, certificate)
    typed = _typed(case, task)
    digest = _digest(package, case, closing, typed, certificate)
    exists = task is not None
    is_missing = not exists and is_read and case.task_digest is not None and not closing
    stale = digest != case.task_digest or is_missing
    reopen = exists and task is not None and task.is_closed and not closing
    if not stale and not reopen:
        return case, []
    changes = case.changes[-CHANGES_KEPT:]
    text = with_human_lines(body(package, changes=changes, notes=case.notes), typed)
    moved = exists and task is not None and task.due_on != case.due_on
    given = exists and task is not None and task.owner_id != case.assignee_id
    half = half_of(situation, case)
    content: dict[str, Any] = {
        "key": case.task_key,
        "verb": "close" if closing else "reopen" if reopen else "keep",
        "subject": subject(package),
        "text": text,
        "html": html_body(package, changes=changes, notes=case.notes),
        "high_priority": tier.high_priority or case.expedited_at is not None,
        "kind": tier.task.value,
        "known_id": task.id if task is not None else None,
        "owner_id": case.assignee_id if not exists or given else None,
        "due_on": case.due_on.isoformat() if case.due_on and (not exists or moved) else None,
        "remind_at": half.isoformat() if half and not exists else None,
        "fallback_owner_id": situation.fallback.id if situation.fallback else None,
        "contact_id": _contact(situation) if not exists else None,
    }
    case = replace(
        case, task_digest=digest, task_text=text, sent_texts=_with_text(case.sent_texts, text)
    )
    return case, [
        Effect(
            kind=EffectKind.KEEP_TASK,
            subject=f"task:{case.task_key}",
            key=f"task:{case.task_key}:{digest}",
            body=content,
            guard=Guard.ALWAYS,
            rule="task.close" if closing else "task.keep",
        )
    ]


def keep_hops(
    situation: Situation, case: Case, tier: Tier, certificate: QuietCertificate
) -> list[Effect]:
    """One neutral task for each person to whom the case was escalated; closed with the case."""
    effects: list[Effect] = []
    crm = situation.facts.crm
    for number, hop in enumerate(case.hops, start=1):
        key = case.hop_key(number)
        task = crm.value.task(key) if isinstance(crm, Known) else None
        holder = case.assignee_name if number == 1 else case.hops[number - 2].person_name
        content: dict[str, Any] = {
            "key": key,
            "verb": "keep",
            "kind": tier.task.value,
            "fallback_owner_id": situation.fallback.id if situation.fallback else None,
        }
        if (
            task is None
            and not isinstance(crm, Known)
            and not _is_first_time(situation, case, number)
        ):
            # It cannot be seen: what people did to it since it was made must not be overwritten.
            continue
        if not case.is_open:
            if isinstance(crm, Known) and (task is None or task.is_closed):
                continue
            content |= {"verb": "close", "known_id": task.id if task is not None else None}
        elif task is None:
            package = package_for(situation, case, tier, certificate)
            content |= {
                "subject": hop_subject(package, hop),
                "text": hop_body(
                    package,
                    hop,
                    holder=holder or "nobody",
                    since=_had_it(case, number),
                    keeper=case.assignee_name or "nobody",
                ),
                "owner_id": hop.person_id,
                "due_on": add_working_days(
                    local_date(situation.now, zone_of(situation)), 1, situation.calendar
                ).isoformat(),
                "high_priority": True,
            }
        else:
            continue
        effects.append(
            Effect(
                kind=EffectKind.KEEP_TASK,
                subject=f"task:{key}",
                key=f"task:{key}:{content['verb']}",
                body=content,
                rule="escalation.task",
            )
        )
    return effects


def seen_closed(situation: Situation, case: Case) -> Case:
    """The closed case, with a note of it once nothing of it stands open in the CRM any more."""
    crm = situation.facts.crm
    if case.seen_closed or not isinstance(crm, Known):
        return case
    keys = [case.task_key, *(case.hop_key(number) for number in range(1, len(case.hops) + 1))]
    tasks = [crm.value.task(key) for key in keys]
    if any(task is not None and not task.is_closed for task in tasks):
        return case
    return replace(case, seen_closed=True)


def _is_first_time(situation: Situation, case: Case, number: int) -> bool:
    """Whether this very decision makes the hop, or closes it with its case."""
    before = situation.case
    if before is None or before.number != case.number:
        return True
    return number > len(before.hops) or before.is_open is not case.is_open


def _was_seen(case: Case) -> bool:
    return case.seen_owner is not None or case.seen_due is not None


def _had_it(case: Case, number: int) -> datetime:
    return case.opened_at if number == 1 else case.hops[number - 2].at


def _task(situation: Situation, case: Case) -> WorkItem | None:
    crm = situation.facts.crm
    return crm.value.task(case.task_key) if isinstance(crm, Known) else None


def _contact(situation: Situation) -> str | None:
    crm = situation.facts.crm
    if not isinstance(crm, Known) or not isinstance(crm.value.ap_contact, Known):
        return None
    contact = crm.value.ap_contact.value
    return None if contact.is_gone else contact.id


def _texts(case: Case) -> tuple[str, ...]:
    """Our texts that people may be looking at, oldest first."""
    return case.sent_texts or ((case.task_text,) if case.task_text is not None else ())


def _with_text(texts: tuple[str, ...], text: str) -> tuple[str, ...]:
    return (*texts[:1], *texts[1:][-TEXTS_KEPT:], text)


def _on_their_way(case: Case, task: WorkItem) -> tuple[str, ...]:
    """Our texts from the one on that stands in the CRM now."""
    texts = _texts(case)
    return texts[origin(task.description, texts) :] if texts and task.description else texts


def _typed(case: Case, task: WorkItem | None) -> tuple[str, ...]:
    """What people typed into the task, kept across every update of ours.

    What stands in the CRM has the last word: whoever wrote a line may change it and take it away.
    """
    texts = _texts(case)
    if task is None or not task.description or not texts:
        return kept_lines(case.task_text)
    return human_lines(task.description, texts[origin(task.description, texts)])


def _is_worked_on(before: Case, task: WorkItem) -> bool:
    """Whether somebody wrote into the task or gave it another status since it was last seen."""
    known = kept_lines(before.task_text)
    has_note = any(line not in known for line in _typed(before, task))
    is_moved = before.seen_status is not None and task.status != before.seen_status
    return not task.is_closed and not before.seen_closed and (has_note or is_moved)


def _digest(
    package: ContextPackage,
    case: Case,
    closing: bool,
    typed: tuple[str, ...],
    certificate: QuietCertificate,
) -> str:
    """A fingerprint of what the task says, without times that move by themselves.

    While an account is quiet the day counts, so that the certificate is renewed once a day.
    """
    material = [
        _material(package.to_json()),
        [line.text for line in case.changes],
        [note.text for note in case.notes],
        case.assignee_id,
        str(case.due_on),
        case.reopened,
        closing,
        case.state is CaseState.IN_RESOLUTION,
        typed,
        str(certificate.checked_at.date()) if certificate.checked_at else "",
    ]
    text = json.dumps(material, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _material(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {
            name: _material(value)
            for name, value in part.items()
            if name not in ("as_of", "age", "checked_at")
        }
    if isinstance(part, list):
        return [_material(one) for one in part]
    return part


def log(case: Case, at: datetime, text: str) -> Case:
    """The case with one more line in its change log."""
    return replace(case, changes=(*case.changes, ChangeLine(at=at, text=text)))


def crm_picture(situation: Situation) -> CrmPicture | None:
    """The CRM's picture, if it could be read."""
    return situation.facts.crm.value if isinstance(situation.facts.crm, Known) else None
