"""A look for what was missed goes on to its end, and says what it had to leave out."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Any

from domain.errors import Unauthorized
from jobs.queues import SURVEY
from ops.missed import run_reconcile
from sync.reconcile import Found

REFUSED = Unauthorized("HubSpot refuses the token")


class Here:
    """An installation whose survey takes three jobs, in two of which a CRM is away."""

    def __init__(self) -> None:
        self.answers = deque(
            [
                Found(400, 3, is_done=False, problems=(REFUSED,)),
                Found(400, 0, is_done=False, problems=(REFUSED,)),
                Found(10, 1),
            ]
        )

    def schedules(self) -> dict[str, timedelta]:
        return {SURVEY: timedelta(minutes=10), "poll:stripe": timedelta(minutes=5)}

    def upkeep(self, name: str, *, now: bool) -> Found:
        assert now
        return self.answers.popleft() if name == SURVEY else Found(7, 2)


def test_a_survey_of_several_jobs_is_told_as_one_with_what_was_left_out() -> None:
    here: Any = Here()
    assert run_reconcile(here) == {
        "poll:stripe": Found(7, 2),
        SURVEY: Found(810, 4, problems=(REFUSED,)),
    }
