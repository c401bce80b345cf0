"""Who gets a task, and when it is due for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.errors import Rejected
from tests.connectors.hubspot_stage import Stage, kept, receipt, staged


@pytest.fixture
def usual() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.mark.parametrize("how", ["away", "deactivated"])
def test_somebody_who_cannot_take_work_is_skipped_and_said_so(usual: Stage, how: str) -> None:
    if how == "away":
        usual.sim.set_away(usual.csm)
    else:
        usual.sim.deactivate(usual.csm)
    answer = receipt(usual.connector().write([kept(usual, fallback_owner_id=usual.spare)]))
    why = "is away" if how == "away" else "has left"
    assert (answer.now["owner_id"], answer.note) == (
        usual.spare,
        f"owner {usual.csm} {why}; given to {usual.spare} instead",
    )


def test_without_a_living_fallback_a_deactivated_owner_is_refused(usual: Stage) -> None:
    usual.sim.deactivate(usual.csm)
    [answer] = usual.connector().write([kept(usual)])
    assert isinstance(answer, Rejected)
    assert usual.tasks() == []


def test_an_owner_whom_the_portal_does_not_know_is_passed_on(usual: Stage) -> None:
    change = kept(usual, owner_id="12345", fallback_owner_id=usual.spare)
    answer = receipt(usual.connector().write([change]))
    assert answer.now["owner_id"] == usual.spare


def test_a_fallback_who_is_away_gets_the_task_all_the_same_and_it_is_said(usual: Stage) -> None:
    usual.sim.set_away(usual.csm)
    usual.sim.set_away(usual.spare)
    answer = receipt(usual.connector().write([kept(usual, fallback_owner_id=usual.spare)]))
    assert (answer.now["owner_id"], answer.note) == (
        usual.spare,
        f"owner {usual.csm} is away; given to {usual.spare}, who is away too",
    )


def test_a_fallback_who_is_away_is_passed_over_for_an_owner_who_is_there(usual: Stage) -> None:
    usual.sim.set_away(usual.spare)
    answer = receipt(usual.connector().write([kept(usual, fallback_owner_id=usual.spare)]))
    assert (answer.now["owner_id"], answer.note) == (usual.csm, "")


@pytest.mark.parametrize("is_there", [True, False])
def test_an_unknown_owner_and_a_fallback_who_is_away_are_both_said(
    usual: Stage, is_there: bool
) -> None:
    usual.sim.set_away(usual.spare, not is_there)
    change = kept(usual, owner_id="12345", fallback_owner_id=usual.spare)
    how = "instead" if is_there else "who is away too"
    assert receipt(usual.connector().write([change])).note.endswith(how)


def test_an_owner_who_is_away_keeps_what_nobody_else_can_be_given(usual: Stage) -> None:
    usual.sim.set_away(usual.csm)
    answer = receipt(usual.connector().write([kept(usual)]))
    assert (answer.now["owner_id"], answer.note) == (
        usual.csm,
        f"owner {usual.csm} is away, and nobody else could be given it",
    )
