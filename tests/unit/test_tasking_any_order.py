"""Whatever people, the CRM and time do, in any order: the promises of the living task hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.case import CaseState
from domain.facts import Meaning, Role
from domain.living_text import HEADING
from tests.unit.desk import FELIX, MORGAN, TEAM, Desk, failed

Step = Callable[[Desk], object]


def _types(desk: Desk) -> None:
    if desk.tasks and not desk.is_down:
        desk.person_types(f"note {len(desk.typed) + 1}")
        desk.typed.append(f"note {len(desk.typed) + 1}")


def _on_task(act: Step) -> Step:
    """Something that people do to the task, if they can see one."""

    def step(desk: Desk) -> None:
        if desk.case and desk.case.task_key in desk.tasks and not desk.is_down:
            act(desk)

    return step


def _promises(desk: Desk) -> None:
    desk.promise = desk.now.date() + timedelta(days=5)


def _another_fails(desk: Desk) -> None:
    id = f"in_{len(desk.invoices) + 1}"
    desk.invoices.append(failed(desk.now, id=id, amount="300"))


def _pays_one(desk: Desk) -> None:
    desk.invoices = [
        one if place else replace(one, remaining=replace(one.remaining, minor=1))
        for place, one in enumerate(desk.invoices)
    ]


def _leaves(desk: Desk) -> None:
    desk.people = {**TEAM, Role.CSM: replace(MORGAN, is_active=False)}


def _returns(desk: Desk) -> None:
    desk.people = TEAM


STEPS: dict[str, Step] = {
    "look": lambda desk: None,
    "judge only": lambda desk: desk.judge(),
    "types": _types,
    "talks": lambda desk: desk.person_talks(),
    "snoozes": _on_task(lambda desk: desk.person_edits(due_on=desk.now.date() + timedelta(days=3))),
    "moves back": _on_task(
        lambda desk: desk.person_edits(due_on=desk.now.date() - timedelta(days=2))
    ),
    "gives to the owner": _on_task(lambda desk: desk.person_edits(owner_id=FELIX.id)),
    "gives to a colleague": _on_task(lambda desk: desk.person_edits(owner_id="005X")),
    "completes": _on_task(lambda desk: desk.person_completes("No answer", Meaning.ASKS_AGAIN)),
    "will pay": _on_task(lambda desk: desk.person_completes("Will pay", Meaning.ADVANCES)),
    "wrong contact": _on_task(lambda desk: desk.person_completes("Wrong", Meaning.WRONG_CONTACT)),
    "deletes": _on_task(lambda desk: desk.person_deletes()),
    "resolves": lambda desk: desk.person_resolves(),
    "clears": lambda desk: desk.person_clears(),
    "promises": _promises,
    "takes the promise back": lambda desk: setattr(desk, "promise", None),
    "another fails": _another_fails,
    "pays a part": _pays_one,
    "csm leaves": _leaves,
    "csm returns": _returns,
    "crm down": lambda desk: setattr(desk, "is_down", True),
    "crm up": lambda desk: setattr(desk, "is_down", False),
    "an hour": lambda desk: desk.wait(hours=1),
    "a day": lambda desk: desk.wait(days=1),
    "nobody looks for days": lambda desk: desk.sleep(days=4),
}
story = st.lists(st.sampled_from(sorted(STEPS)), max_size=10)


def _settled(desk: Desk) -> Desk:
    """The CRM is there again and everything on its way has arrived."""
    desk.is_down = False
    return desk.look().look()


@pytest.mark.req("R37", partly="at the level of the decision")
@pytest.mark.req("R41", partly="at the level of the decision")
@pytest.mark.parametrize("mrr", ["14200", "1000"])
@given(story=story)
@settings(max_examples=50, deadline=None)
def test_an_open_case_has_one_open_task_an_owner_a_day_and_a_next_look(
    mrr: str, story: list[str]
) -> None:
    desk = Desk(mrr=mrr).fails()
    for step in story:
        STEPS[step](desk)
        desk.look()
        assert desk.timers
        assert min(desk.timers.values()) > desk.now
    _settled(desk)

    case = desk.open_case
    assert case.state.needs_person
    assert not desk.task.is_closed
    assert desk.task.owner_id == case.assignee_id
    assert desk.task.due_on is not None
    assert len(desk.task.subject) <= 80
    people = {person.id: person for person in desk.people.values()}
    assert case.assignee_id not in people or people[case.assignee_id].can_take_work
    assert len({hop.person_id for hop in case.hops}) == len(case.hops)
    if case.state is CaseState.WITH_PERSON:
        assert case.window_ends_at is not None
        assert case.window_ends_at > desk.now
    else:
        assert case.window_ends_at is None


@given(story=story)
@settings(max_examples=50, deadline=None)
def test_what_people_typed_stays_and_nothing_of_ours_is_taken_for_it(story: list[str]) -> None:
    desk = Desk(mrr="14200").fails()
    for step in story:
        STEPS[step](desk)
        if step != "judge only":
            desk.look()
    _settled(desk)

    _, _, below = desk.task.description.partition(f"\n\n{HEADING}\n")
    assert sorted(below.splitlines()) == sorted(desk.typed)


@given(story=story)
@settings(max_examples=25, deadline=None)
def test_looking_again_at_once_writes_nothing(story: list[str]) -> None:
    desk = Desk(mrr="14200").fails()
    for step in story:
        STEPS[step](desk)
        desk.look()
    _settled(desk)
    before = len(desk.writes())

    desk.look().look()

    assert len(desk.writes()) == before


@pytest.mark.req("R68", partly="at the level of the decision")
@given(story=story)
@settings(max_examples=25, deadline=None)
def test_the_end_closes_every_task_and_every_one_says_so(story: list[str]) -> None:
    desk = Desk(mrr="14200").fails()
    for step in story:
        STEPS[step](desk)
        desk.look()
    desk.person_clears()
    desk.is_down = False

    desk.pays()
    _settled(desk)

    assert desk.case is not None
    assert not desk.case.is_open
    assert all(task.is_closed for task in desk.tasks.values())
    assert all(task.subject.startswith("Paid: ") for task in desk.tasks.values())
    before = len(desk.writes())
    desk.wait(days=3)
    assert len(desk.writes()) == before
