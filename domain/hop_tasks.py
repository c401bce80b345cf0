"""The tasks of an escalation: one neutral task for each person whom the case was handed on to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from domain.case import Case, Hop
from domain.effects import Effect, EffectKind
from domain.facts import WorkItem
from domain.holding import zone_of
from domain.holds import QuietCertificate
from domain.leaf import Known
from domain.people import person_by_id
from domain.policy import Tier
from domain.render_text import body, hop_body, hop_subject, subject
from domain.situation import Situation
from domain.tasking import contact_of, package_for
from domain.workdays import add_working_days, local_date


def keep_hops(
    situation: Situation, case: Case, tier: Tier, certificate: QuietCertificate
) -> list[Effect]:
    """The effects that make the tasks so: each is made once, and closed with the case."""
    effects: list[Effect] = []
    for number, hop in enumerate(case.hops, start=1):
        key = case.hop_key(number)
        task = _task(situation, key)
        is_read = isinstance(situation.facts.crm, Known)
        if not is_read and not _is_first_time(situation, case, number):
            # It cannot be seen: what people did to it since it was made must not be overwritten.
            continue
        if case.is_open and task is None:
            content = _new(situation, case, tier, certificate, number, hop)
        elif not case.is_open and not (is_read and (task is None or task.is_closed)):
            content = _closed(situation, case, tier, certificate, task)
        else:
            continue
        content |= {"key": key, "kind": tier.task.value}
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


def _new(
    situation: Situation,
    case: Case,
    tier: Tier,
    certificate: QuietCertificate,
    number: int,
    hop: Hop,
) -> dict[str, Any]:
    person = person_by_id(situation, hop.person_id)
    zone = (person.zone if person else None) or zone_of(situation)
    package = package_for(situation, case, tier, certificate, zone=zone)
    holder = case.assignee_name if number == 1 else case.hops[number - 2].person_name
    due = _due(situation, case, zone)
    return {
        "verb": "keep",
        "subject": hop_subject(package, hop),
        "text": hop_body(
            package,
            hop,
            holder=holder or "nobody",
            since=_had_it_since(case, number),
            keeper=case.assignee_name or "nobody",
            due_on=due,
        ),
        "owner_id": hop.person_id,
        "due_on": due.isoformat(),
        "high_priority": True,
        "contact_id": contact_of(situation),
        "fallback_owner_id": situation.fallback.id if situation.fallback else None,
    }


def _due(situation: Situation, case: Case, zone: str) -> date:
    """The day on which it goes on to the next, so that nobody loses it before it was due."""
    today = local_date(situation.now, zone)
    if case.window_ends_at is None:
        return add_working_days(today, 1, situation.calendar)
    return max(local_date(case.window_ends_at, zone), today)


def _closed(
    situation: Situation,
    case: Case,
    tier: Tier,
    certificate: QuietCertificate,
    task: WorkItem | None,
) -> dict[str, Any]:
    """It says how it ended, above whatever its owner wrote into it."""
    package = package_for(situation, case, tier, certificate)
    said: dict[str, Any] = {"verb": "close", "subject": subject(package)}
    if task is not None:
        end = body(package).split("\n", 1)[0]
        said |= {"known_id": task.id, "text": f"{end}\n\n{task.description}"}
    return said


def _task(situation: Situation, key: str) -> WorkItem | None:
    crm = situation.facts.crm
    return crm.value.task(key) if isinstance(crm, Known) else None


def _is_first_time(situation: Situation, case: Case, number: int) -> bool:
    """Whether this very decision makes the hop, or closes it with its case."""
    before = situation.case
    if before is None or before.number != case.number:
        return True
    return number > len(before.hops) or before.is_open is not case.is_open


def _had_it_since(case: Case, number: int) -> datetime:
    """Since when the one before had it."""
    return (case.assigned_at or case.opened_at) if number == 1 else case.hops[number - 2].at
