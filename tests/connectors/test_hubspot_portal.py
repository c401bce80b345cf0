"""A token of another portal than the configured one reads and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from connectors.hubspot.connector import HubspotConnector
from domain.errors import Misconfigured, Transient
from domain.ports import FieldsChange
from domain.suggestions import Wanted
from simulators.faults import Fault, Harm
from simulators.hubspot.troubles import whole
from tests.connectors.hubspot_stage import CUSTOMER, PLAN, START, Stage, kept, staged

ACCOUNT = r"/account-info/.*/details"
USES: dict[str, Callable[[Stage, HubspotConnector], object]] = {
    "read": lambda stage, to: to.read_accounts(customers=[CUSTOMER], plan=PLAN),
    "survey": lambda stage, to: to.survey_accounts(ids=[stage.company], plan=PLAN),
    "keep a task": lambda stage, to: to.write([kept(stage)]),
    "write fields": lambda stage, to: to.write(
        [FieldsChange(account=stage.ref, values={"kidglove_currency": "EUR"})]
    ),
    "list changes": lambda stage, to: to.changes(None, now=START),
    "sweep": lambda stage, to: to.accounts_on_hold(plan=PLAN, words=["in_resolution"]),
    "suggest": lambda stage, to: to.suggest([Wanted(customer=CUSTOMER, name="Aurelius")]),
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.mark.parametrize("use", USES)
def test_a_token_of_another_portal_is_refused_before_any_record_is_touched(
    stage: Stage, use: str
) -> None:
    connector = stage.connector(expected={"portal_id": "4711"})
    for _ in range(2):
        with pytest.raises(Misconfigured, match=f"portal {stage.sim.portal_id}.*4711"):
            USES[use](stage, connector)
    assert connector.calls == {"account": 1}


def test_our_own_portal_is_asked_once_for_all_uses(stage: Stage) -> None:
    connector = stage.connector()
    for use in USES.values():
        use(stage, connector)
    assert connector.calls["account"] == 1


def test_without_a_configured_portal_every_portal_is_taken_for_ours(stage: Stage) -> None:
    assert stage.read(stage.connector(expected={"portal_id": ""})).ref == stage.ref


def test_a_portal_that_is_unwell_is_not_used_before_it_has_told_its_id(stage: Stage) -> None:
    stage.sim.faults.arm(whole("unavailable", path=ACCOUNT, times=None))
    connector = stage.connector()
    with pytest.raises(Transient):
        connector.write([kept(stage)])
    assert stage.tasks() == []
    stage.sim.faults.clear()
    connector.write([kept(stage)])
    assert len(stage.tasks()) == 1


def test_a_portal_that_refuses_to_tell_its_id_stops_no_work(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.STATUS, status=404, path=ACCOUNT, times=None))
    assert stage.read(stage.connector()).ref == stage.ref


def test_a_portal_that_was_silent_about_itself_is_told_apart_later(stage: Stage) -> None:
    connector = stage.connector(expected={"portal_id": "4711"})
    stage.sim.faults.arm(whole("unavailable", path=ACCOUNT, times=None))
    connector.person(stage.spare)
    stage.sim.faults.clear()
    with pytest.raises(Misconfigured):
        stage.read(connector)
