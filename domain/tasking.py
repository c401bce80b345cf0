"""The living task: what it should say and who has it, compared with what stands in the CRM."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from domain.case import Case, CaseState
from domain.effects import Effect, EffectKind, Guard
from domain.escalation import half_of
from domain.facts import CrmPicture, Role
from domain.heeding import living_task
from domain.holding import zone_of
from domain.holds import QuietCertificate
from domain.in_flight import typed_lines, with_sent, with_text
from domain.leaf import Known
from domain.living_text import with_human_lines
from domain.package import ContextPackage, build_package
from domain.people import chain, next_after, person_by_id
from domain.policy import Tier
from domain.render_html import body as html_body
from domain.render_text import body, subject
from domain.situation import Reason, Situation
from domain.workdays import add_working_days, local_date, span_end

CHANGES_KEPT = 40
"""Lines of the change log that the task shows; older ones stay in the audit."""


def assign(situation: Situation, case: Case, tier: Tier) -> tuple[Case, list[Reason]]:
    """Give the case a living owner and a due day, once; move it on if the owner leaves."""
    reasons: list[Reason] = []
    holder = person_by_id(situation, case.assignee_id) if case.assignee_id else None
    gone = holder is not None and not holder.can_take_work
    if case.assignee_id is None or gone or _is_stopgap(situation, case):
        taken = {hop.person_id for hop in case.hops}
        heir = next_after(situation, taken) or next(iter(chain(situation)), None)
        if heir is not None:
            if case.assignee_id is not None:
                why = f"{holder.name} is away; " if gone and holder is not None else ""
                case = log(case, situation.now, f"{why}{heir.person.name} has it.")
            reasons.append(Reason(rule="task.assign", text=f"to {heir.role}: {heir.person.name}"))
        case = replace(
            case,
            assignee_id=heir.person.id if heir else None,
            assignee_name=heir.person.name if heir else None,
            assigned_as=heir.role if heir else None,
            assigned_at=situation.now,
        )
    if case.due_on is None or _is_asked_anew(situation, case):
        case = replace(case, due_on=due_day(situation, case, tier))
    return _rested(situation, case), reasons


def _rested(situation: Situation, case: Case) -> Case:
    """While a hold or a promise is waited for, the task is due when the wait is over: nobody looks
    at an overdue task for ten days that asks for nothing. A day that a person chose stays."""
    holds = {CaseState.IN_RESOLUTION: case.word, CaseState.PROMISED: case.promise}
    hold = holds.get(case.state)
    if hold is None:
        return replace(case, rest_due=None)
    over = local_date(hold.until, zone_of(situation))
    day = add_working_days(over, 0, situation.calendar)
    begins = case.rest_due is None and (case.due_on is None or case.due_on < day)
    if begins or case.due_on == case.rest_due:
        case = replace(case, due_on=day)
    return replace(case, rest_due=day)


def _is_stopgap(situation: Situation, case: Case) -> bool:
    """Whether the last resort has it, has not begun, and somebody better is there now: the account
    could not be read, or nobody was there, when the case began."""
    if case.assigned_as is not Role.FALLBACK or case.hops or case.active_at or case.reopened:
        return False
    better = next(iter(chain(situation)), None)
    return better is not None and better.role is not Role.FALLBACK


def _is_asked_anew(situation: Situation, case: Case) -> bool:
    """Whether a wait is over, and the due day is that of the wait or has passed meanwhile."""
    if case.state is not CaseState.WITH_PERSON or case.window_ends_at or case.due_on is None:
        return False
    today = local_date(situation.now, zone_of(situation))
    return case.due_on < today or case.due_on == case.rest_due


def due_day(situation: Situation, case: Case, tier: Tier) -> date:
    """The day on which the person should have acted, in their own zone."""
    zone = zone_of(situation)
    today = local_date(situation.now, zone)
    if case.expedited_at is not None:
        return today
    if tier.due_before_day is not None:
        last = local_date(case.opened_at, zone) + timedelta(days=tier.due_before_day)
        # The last day before it on which people work, unless that has passed.
        if (worked := add_working_days(last, -1, situation.calendar)) >= today:
            return worked
    due = span_end(situation.now, tier.due, situation.calendar, zone)
    # The day on which the work goes on to the next is the day by which it must be done.
    passed_on = span_end(situation.now, tier.snooze, situation.calendar, zone)
    return local_date(min(due, passed_on), zone)


def package_for(
    situation: Situation,
    case: Case,
    tier: Tier,
    certificate: QuietCertificate,
    *,
    zone: str | None = None,
) -> ContextPackage:
    """The context package as of this decision, for a reader in this zone."""
    taken = {hop.person_id for hop in case.hops}
    if case.assignee_id:
        taken.add(case.assignee_id)
    heir = next_after(situation, taken, holder=case.assignee_id)
    return build_package(
        case=case,
        facts=situation.facts,
        policy=situation.policy,
        tier=tier,
        certificate=certificate,
        now=situation.now,
        zone=zone or zone_of(situation),
        next_owner=heir.person if heir else None,
        due_at=case.window_ends_at,
        names=situation.names,
    )


def keep_task(
    situation: Situation, case: Case, tier: Tier, certificate: QuietCertificate
) -> tuple[Case, list[Effect]]:
    """The effect that makes the CRM's task so, or nothing if it is so already.

    A task that was seen once is left until it can be seen again: what people did to it meanwhile
    would be overwritten. Where the account's record is lost it never can be, and it is closed by
    its key.
    """
    task = living_task(situation, case)
    is_read = isinstance(situation.facts.crm, Known)
    closing = not case.is_open
    is_done = task is not None and task.is_closed and not _ends_now(situation)
    if closing and (case.task_digest is None or case.seen_closed or is_done):
        return case, []
    is_lost = closing and situation.facts.is_lost
    if not is_read and _was_seen(case) and not is_lost:
        return case, []
    package = package_for(situation, case, tier, certificate)
    typed = typed_lines(case, task)
    digest = _digest(package, case, closing, typed, certificate)
    is_missing = task is None and is_read and case.task_digest is not None and not closing
    reopen = task is not None and task.is_closed and not closing
    if digest == case.task_digest and not is_missing and not reopen:
        return case, []
    changes = case.changes[-CHANGES_KEPT:]
    text = with_human_lines(body(package, changes=changes, notes=case.notes), typed)
    # Only what differs is named: what people set in the CRM is not set back by an update.
    owner = None if task and task.owner_id == case.assignee_id else case.assignee_id
    due = None if task and task.due_on == case.due_on else case.due_on
    is_high = tier.high_priority or case.expedited_at is not None
    says_high = task is None or is_high != case.sent_high
    if closing:
        owner, due, says_high = None, None, False
    half = half_of(situation, case) if task is None else None
    content: dict[str, Any] = {
        "key": case.task_key,
        "verb": "close" if closing else "reopen" if reopen else "keep",
        "subject": subject(package),
        "text": text,
        "html": html_body(package, changes=changes, notes=case.notes),
        "high_priority": is_high if says_high else None,
        "kind": tier.task.value,
        "known_id": task.id if task is not None else None,
        "owner_id": owner,
        "due_on": due.isoformat() if due else None,
        "remind_at": half.isoformat() if half and half > situation.now else None,
        "fallback_owner_id": situation.fallback.id if situation.fallback else None,
        "contact_id": contact_of(situation) if task is None else None,
    }
    case = replace(
        case,
        task_digest=digest,
        task_text=text,
        sent_texts=with_text(case.sent_texts, text),
        sent_dues=with_sent(case.sent_dues, due),
        sent_owners=with_sent(case.sent_owners, owner),
        sent_high=is_high if says_high else case.sent_high,
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


def _ends_now(situation: Situation) -> bool:
    """Whether the case was open until this decision: a task that its owner has just completed
    must say how it ended too."""
    return situation.case is not None and situation.case.is_open


def _was_seen(case: Case) -> bool:
    return case.seen_owner is not None or case.seen_due is not None


def contact_of(situation: Situation) -> str | None:
    """The customer's contact that a task is linked with, if there is one who can be reached."""
    crm = situation.facts.crm
    if not isinstance(crm, Known) or not isinstance(crm.value.ap_contact, Known):
        return None
    contact = crm.value.ap_contact.value
    return None if contact.is_gone else contact.id


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
        str(local_date(certificate.checked_at, package.zone)) if certificate.checked_at else "",
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
    return case.logged(at, text)


def crm_picture(situation: Situation) -> CrmPicture | None:
    """The CRM's picture, if it could be read."""
    return situation.facts.crm.value if isinstance(situation.facts.crm, Known) else None
