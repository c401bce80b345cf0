"""The doctor names what is wrong with an org, and the way to set it right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.salesforce.schema_check import FieldNeed
from domain.ports import Health
from simulators.faults import Fault, Harm
from tests.connectors.salesforce_stage import Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def findings(stage: Stage, **expected: Any) -> dict[str, Health]:
    return {one.check: one.health for one in stage.connector(expected=expected).examine()}


def detail(stage: Stage, check: str, **expected: Any) -> str:
    found = stage.connector(expected=expected).examine()
    return next(one.detail for one in found if one.check == check)


def need(name: str, **more: Any) -> tuple[FieldNeed, ...]:
    return (FieldNeed(**{"entity": "Account", "name": name, **more}),)


def test_a_healthy_org_has_nothing_wrong(stage: Stage) -> None:
    assert {check for check, health in findings(stage).items() if health is not Health.OK} == {
        "salesforce.echo",
        "salesforce.sharing",
        "salesforce.task_mail",
    }


def test_what_only_a_person_knows_is_asked_with_a_way_to_settle_it(stage: Stage) -> None:
    unknown = [one for one in stage.connector().examine() if one.health is Health.UNKNOWN]
    assert all(one.remedy for one in unknown)


def test_another_org_than_configured_is_wrong(stage: Stage) -> None:
    found = findings(stage, organization_id="00DxX00000000009UAA")
    assert found["salesforce.org"] is Health.WRONG


def test_a_refused_login_is_the_only_finding(stage: Stage) -> None:
    stage.sim.faults.arm(
        Fault(
            harm=Harm.STATUS,
            path=".*oauth2/token.*",
            status=400,
            body={
                "error": "invalid_grant",
                "error_description": "user hasn't approved this consumer",
            },
            times=None,
        )
    )
    [finding] = stage.connector().examine()
    assert (finding.check, finding.health) == ("salesforce.login", Health.WRONG)
    assert "Pre-authorise" in finding.remedy


def test_live_money_with_a_sandbox_is_wrong(stage: Stage) -> None:
    assert findings(stage, payments_are_live=True)["salesforce.sandbox"] is Health.WRONG
    assert findings(stage, payments_are_live=False)["salesforce.sandbox"] is Health.OK


def test_a_hidden_key_field_is_wrong(stage: Stage) -> None:
    stage.sim.hide_field("Task", "Dunning_Key__c")
    assert findings(stage)["salesforce.field.Task.Dunning_Key__c"] is Health.WRONG


def test_a_field_that_may_not_be_written_is_wrong(stage: Stage) -> None:
    stage.sim.revoke_edit("Account", "Payment_Status__c")
    check = "salesforce.field.Account.Payment_Status__c"
    assert findings(stage, needs=need("Payment_Status__c", is_written=True))[check] is Health.WRONG
    assert findings(stage, needs=need("Payment_Status__c"))[check] is Health.OK


def test_a_field_of_another_type_is_wrong(stage: Stage) -> None:
    expected = need("Health_Score__c", kinds=frozenset({"picklist"}))
    text = detail(stage, "salesforce.field.Account.Health_Score__c", needs=expected)
    assert text == "the field is of type double, the mapping expects picklist"


def test_a_key_that_is_not_unique_is_wrong(stage: Stage) -> None:
    check = "salesforce.field.Account.Last_Failure_Code__c"
    assert findings(stage, needs=need("Last_Failure_Code__c", is_key=True))[check] is Health.WRONG


def test_a_word_that_the_picklist_does_not_have_is_named(stage: Stage) -> None:
    text = detail(
        stage,
        "salesforce.field.Account.VIP_Override__c",
        needs=need("VIP_Override__c", values=("Always personal", "Sometimes")),
    )
    assert text == ("the picklist has no value 'Sometimes'; it has 'Always personal', 'Never VIP'")


def test_a_renamed_label_is_no_problem(stage: Stage) -> None:
    stage.sim.rename_picklist_label("Account", "Dunning_Status__c", "In Resolution", "Parked")
    expected = need("Dunning_Status__c", values=("In Resolution",))
    found = findings(stage, needs=expected)
    assert found["salesforce.field.Account.Dunning_Status__c"] is Health.OK


def test_an_org_without_a_closed_status_is_wrong(stage: Stage) -> None:
    stage.sim.set_task_statuses(["Open"], [])
    assert findings(stage)["salesforce.task_status"] is Health.WRONG


def test_hidden_tasks_are_wrong(stage: Stage) -> None:
    stage.sim.hide_object("Task")
    assert findings(stage)["salesforce.task"] is Health.WRONG


@pytest.mark.req("R42", partly="the doctor's part: the fallback owner is alive")
def test_a_fallback_owner_must_be_alive(stage: Stage) -> None:
    check = "salesforce.fallback_owner"
    assert findings(stage, fallback_owner_id=stage.csm)[check] is Health.OK
    stage.sim.deactivate(stage.csm)
    assert findings(stage, fallback_owner_id=stage.csm)[check] is Health.WRONG
    assert findings(stage, fallback_owner_id=None)[check] is Health.WRONG


def test_a_fallback_queue_must_take_tasks(stage: Stage) -> None:
    leads = stage.sim.add_queue("Leads", ["Lead"])
    check = "salesforce.fallback_owner"
    assert findings(stage, fallback_owner_id=leads)[check] is Health.WRONG
    assert findings(stage, fallback_owner_id=stage.queue)[check] is Health.OK


def test_a_nearly_used_up_day_is_wrong(stage: Stage) -> None:
    stage.sim.use_up_quota(2000)
    assert findings(stage)["salesforce.limits"] is Health.WRONG


def test_an_unwell_org_is_a_finding_and_no_crash(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.HTML, path=".*describe.*", status=503, times=None))
    assert findings(stage)["salesforce.fields"] is Health.WRONG
