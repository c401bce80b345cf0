"""What runs by the clock: which schedules there are, and how each of them runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from rq.timeouts import BaseTimeoutException

from domain.errors import Bug, Conflict, KidgloveError
from jobs.crms import connected
from jobs.queues import SURVEY
from settings import Settings
from sync.reconcile import Found

if TYPE_CHECKING:
    from jobs.runtime import Runtime

SURVEY_SECONDS = 100.0
"""How long one job surveys: well inside a job's time, with room for a last slow page."""
SURVEY_TURN = timedelta(minutes=10)
"""How often it is asked whether a survey is due or was left half-way: whatever was killed, lost
with the queue, or met a system that does not answer goes on after so long."""


def schedules(settings: Settings, *, payments_system: str) -> Mapping[str, timedelta]:
    """What runs by the clock in this installation, and how often."""
    found = {
        f"poll:{payments_system}": timedelta(seconds=settings.poll_events_seconds),
        SURVEY: SURVEY_TURN,
    }
    for name in connected(settings):
        found[f"poll:{name}"] = timedelta(seconds=settings.poll_crm_seconds)
        found[f"sweep:{name}"] = timedelta(seconds=settings.poll_crm_seconds)
    return found


def plan(here: Runtime) -> None:
    """Write the schedules down; one that exists keeps its next time, and what is connected no more
    is dropped."""
    wanted = here.schedules()
    with here.store.begin() as tx:
        for name, every in wanted.items():
            tx.system.schedule(name, every=every, now=here.clock.now())
        tx.system.keep_schedules(list(wanted))


def run(here: Runtime, name: str, *, now: bool) -> Found:
    """Run one schedule. An unknown name is a ValueError. With `now` a survey runs although none is
    due yet.

    What makes it fail is told to the administrators and raised, a defect of ours too: a poll that
    stands still must not do so in silence.
    """
    here.follow()
    work = partial(_survey, here, now=now) if name == SURVEY else _one(here, name)
    try:
        return work()
    except (Conflict, BaseTimeoutException):
        # Somebody else's work came between, or the job's time is up: it runs again in its time, and
        # nobody need be told.
        raise
    except KidgloveError as problem:
        _tell(here, name, problem)
        raise
    except Exception as problem:
        _tell(here, name, _unforeseen(problem))
        raise


def _unforeseen(problem: Exception) -> Bug:
    return Bug(
        f"it failed with {type(problem).__name__}.",
        remedy="The log of the worker that ran it has the place: report it.",
    )


def _tell(here: Runtime, name: str, problem: KidgloveError) -> None:
    with here.store.begin() as tx:
        tx.audit.raise_alert(
            f"upkeep:{name}:{problem.code}",
            f"{name} does not run: {problem.message} {problem.remedy}",
            rule=f"upkeep.{problem.code}",
            now=here.clock.now(),
            account=None,
        )


def _one(here: Runtime, name: str) -> Callable[[], Found]:
    verb, _, system = name.partition(":")
    if verb == "poll" and system == here.refresh.payments_system:
        return partial(here.reconcile.poll, name, here.stripe)
    if verb == "poll" and system in here.crms:
        return partial(here.reconcile.poll, name, here.crms[system])
    if verb == "sweep" and system in here.crms:
        return partial(here.reconcile.sweep_holds, here.crm(system), here.crms[system])
    raise ValueError(f"there is no schedule {name!r}; there are {', '.join(here.schedules())}")


def _survey(here: Runtime, *, now: bool) -> Found:
    """Survey for as long as a job should; what is left goes on at once."""
    every = timedelta(seconds=here.settings.reconcile_seconds)
    if not now and not here.survey.is_due(every):
        return Found(0, 0)
    _tell_if_late(here, every)
    found = here.survey.run(go_on=_for(SURVEY_SECONDS))
    for problem in found.problems:
        _tell(here, SURVEY, problem)
    if not found.is_done:
        with here.store.begin() as tx:
            tx.system.give_schedules_back([SURVEY], here.clock.now())
    return found


def _for(seconds: float) -> Callable[[], bool]:
    """Yes for so long, counted from the first question: what comes before it has to be done."""
    ends: list[float] = []

    def go_on() -> bool:
        if not ends:
            ends.append(monotonic() + seconds)
        return monotonic() < ends[0]

    return go_on


def _tell_if_late(here: Runtime, every: timedelta) -> None:
    """A survey that never ends must not do so in silence."""
    late = here.survey.late_since(2 * every)
    if late is None:
        return
    with here.store.begin() as tx:
        tx.audit.raise_alert(
            f"survey-late:{late.isoformat()}",
            f"The survey that began on {late:%d %b %Y} has not come to its end: what no webhook "
            "tells is not found. The log of the bulk worker says why; `kidglove reconcile` runs "
            "it here.",
            rule="survey.late",
            now=here.clock.now(),
            account=None,
        )
