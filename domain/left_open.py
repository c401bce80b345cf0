"""What an ended case left open in the CRM when the next one begins: it is closed all the same."""

from __future__ import annotations

from domain.case import Case
from domain.certifying import certify
from domain.effects import Effect, EffectKind
from domain.hop_tasks import keep_hops
from domain.leaf import Known
from domain.policy import Tier
from domain.situation import Situation
from domain.tasking import keep_task


def close_behind(situation: Situation, last: Case | None, tier: Tier) -> list[Effect]:
    """The effects that close the tasks of the case before, unless they were seen closed.

    Only the newest case of an account is judged, so this is the last moment. While the CRM cannot
    be read the tasks are closed by their keys, and whatever stands in them stays.
    """
    if last is None or last.is_open or last.seen_closed or last.task_digest is None:
        return []
    if isinstance(situation.facts.crm, Known):
        certificate = certify(situation.facts.payments, ())
        _, effects = keep_task(situation, last, tier, certificate)
        return [*effects, *keep_hops(situation, last, tier, certificate)]
    keys = [last.task_key, *(last.hop_key(number) for number in range(1, len(last.hops) + 1))]
    return [
        Effect(
            kind=EffectKind.KEEP_TASK,
            subject=f"task:{key}",
            key=f"task:{key}:close",
            body={"key": key, "kind": tier.task.value, "verb": "close"},
            rule="task.close",
        )
        for key in keys
    ]
