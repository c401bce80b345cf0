"""The pin of a company: on our living task, never taken from anybody, tried again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.hubspot.connector import HubspotConnector
from domain.ids import Ref
from domain.ports import TaskChange, TaskVerb
from simulators.faults import Fault, Harm
from tests.connectors.hubspot_stage import Stage, kept, receipt, staged


@pytest.fixture
def usual() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def test_a_new_task_is_pinned_and_a_closed_one_gives_the_pin_back(usual: Stage) -> None:
    connector = usual.connector()
    task = receipt(connector.write([kept(usual)])).ref.id
    pinned = usual.pin()
    connector.write([TaskChange(key="k-1", account=usual.ref, verb=TaskVerb.CLOSE)])
    assert (pinned, usual.pin()) == (task, None)


def test_a_pin_of_somebody_elses_stays(usual: Stage) -> None:
    note = usual.sim.add_note(usual.company, "Read this first")
    usual.sim.human(usual.csm).set_company(usual.company, hs_pinned_engagement_id=note)
    usual.connector().write([kept(usual)])
    assert usual.pin() == note


def test_a_pin_that_cannot_be_set_leaves_the_task_well(usual: Stage) -> None:
    usual.sim.faults.arm(
        Fault(harm=Harm.STATUS, status=400, path=r".*/companies/batch/update", times=None)
    )
    assert receipt(usual.connector().write([kept(usual)])).was_created


def closed_with_its_pin(stage: Stage, connector: HubspotConnector) -> str:
    """A task of ours that its owner completed; the pin stays on it."""
    task = receipt(connector.write([kept(stage, key="k-0")])).ref.id
    stage.sim.human(stage.csm).complete_task(task)
    assert stage.pin() == task
    return task


def test_a_pin_that_stayed_on_a_closed_task_of_ours_goes_to_the_next_one(usual: Stage) -> None:
    connector = usual.connector()
    closed_with_its_pin(usual, connector)
    task = receipt(connector.write([kept(usual)])).ref.id
    assert usual.pin() == task


def test_a_pin_on_a_closed_task_of_somebody_elses_stays(usual: Stage) -> None:
    other = usual.sim.add_task(usual.company, "Send the contract", status="COMPLETED")
    usual.sim.human(usual.csm).set_company(usual.company, hs_pinned_engagement_id=other)
    usual.connector().write([kept(usual)])
    assert usual.pin() == other


def test_a_pin_on_a_living_task_of_ours_stays(usual: Stage) -> None:
    connector = usual.connector()
    first = receipt(connector.write([kept(usual, key="k-0")])).ref.id
    connector.write([kept(usual)])
    assert usual.pin() == first


def test_a_task_that_is_closed_passes_its_pin_on_within_one_batch(usual: Stage) -> None:
    connector = usual.connector()
    connector.write([kept(usual, key="k-0")])
    close = TaskChange(key="k-0", account=usual.ref, verb=TaskVerb.CLOSE)
    task = receipt(connector.write([kept(usual), close])).ref.id
    assert usual.pin() == task


def test_a_company_that_may_not_be_pinned_leaves_the_others_their_pins(usual: Stage) -> None:
    usual.sim.add_rule(
        "companies", lambda after, before: "Locked" if after["name"] == "C 1" else None
    )
    refs = [Ref("hubspot", "account", usual.sim.add_company(f"C {n}")) for n in range(4)]
    usual.connector().write([kept(usual, key=f"k-{ref.id}", account=ref) for ref in refs])
    pins = [usual.sim.get("companies", ref.id).get("hs_pinned_engagement_id") for ref in refs]
    assert [bool(one) for one in pins] == [True, False, True, True]


@pytest.mark.parametrize("verb", [TaskVerb.KEEP, TaskVerb.REOPEN])
def test_a_pin_that_could_not_be_set_is_set_by_the_next_write(usual: Stage, verb: TaskVerb) -> None:
    path = r".*/companies/batch/update"
    usual.sim.faults.arm(Fault(harm=Harm.STATUS, status=400, path=path, times=None))
    connector = usual.connector()
    task = receipt(connector.write([kept(usual)])).ref.id
    usual.sim.faults.clear()
    connector.write([TaskChange(key="k-1", account=usual.ref, verb=verb, text="x", known_id=task)])
    assert usual.pin() == task


def test_a_pin_that_could_not_be_taken_off_is_taken_off_by_the_next_write(usual: Stage) -> None:
    connector = usual.connector()
    connector.write([kept(usual)])
    usual.sim.faults.arm(
        Fault(harm=Harm.STATUS, status=400, path=r".*/companies/batch/update", times=None)
    )
    close = TaskChange(key="k-1", account=usual.ref, verb=TaskVerb.CLOSE)
    connector.write([close])
    usual.sim.faults.clear()
    connector.write([close])
    assert usual.pin() is None


def test_a_pin_that_somebody_took_off_is_not_set_again(usual: Stage) -> None:
    connector = usual.connector()
    task = receipt(connector.write([kept(usual)])).ref.id
    usual.sim.human(usual.csm).set_company(usual.company, hs_pinned_engagement_id="")
    connector.write([kept(usual, text="x", known_id=task)])
    assert usual.pin() is None
