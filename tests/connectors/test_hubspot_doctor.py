"""The doctor names what is wrong with token, portal, scopes and properties, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.hubspot.schema_check import PropertyNeed
from connectors.kit.registry import manifest
from domain.ports import Finding, Health
from tests.connectors.hubspot_stage import Stage, staged

SCOPES = tuple(scope.name for scope in manifest("hubspot").scopes)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def examined(stage: Stage, **expected: Any) -> dict[str, Finding]:
    connector = stage.connector(expected={"scopes": SCOPES, **expected})
    return {one.check: one for one in connector.examine()}


def wrong(found: dict[str, Finding]) -> set[str]:
    return {check for check, one in found.items() if one.health is Health.WRONG}


def test_a_well_kept_portal_has_nothing_wrong_and_is_not_changed(stage: Stage) -> None:
    before = stage.sim.state()
    found = examined(stage)
    assert (wrong(found), stage.sim.state()) == (set(), before)


def test_a_dead_token_is_all_that_is_told(stage: Stage) -> None:
    stage.sim.revoke_key()
    assert [(one.check, one.health) for one in stage.connector().examine()] == [
        ("hubspot.token", Health.WRONG)
    ]


@pytest.mark.parametrize("portal", ["", "1"])
def test_another_or_no_portal_in_the_configuration_is_wrong(stage: Stage, portal: str) -> None:
    found = examined(stage, portal_id=portal)
    assert "hubspot.portal" in wrong(found)
    assert str(stage.sim.portal_id) in found["hubspot.portal"].detail


@pytest.mark.parametrize("scope", ["crm.objects.users.read", "tickets", "crm.objects.owners.read"])
def test_a_scope_that_is_lacking_is_wrong_by_its_name(stage: Stage, scope: str) -> None:
    stage.sim.revoke_scope(scope)
    assert f"hubspot.scope.{scope}" in wrong(examined(stage))


def test_scopes_that_no_call_can_tell_are_for_a_person(stage: Stage) -> None:
    found = examined(stage)["hubspot.scopes"]
    assert found.health is Health.UNKNOWN
    assert "crm.objects.companies.write" in found.detail


def test_a_missing_property_is_told_with_the_way_to_make_it(stage: Stage) -> None:
    stage.sim.drop_property("companies", "billing_resolution_status")
    found = examined(stage)
    check = "hubspot.property.companies.billing_resolution_status"
    assert wrong(found) == {check}
    assert "kidglove hubspot setup" in found[check].remedy


def test_a_customer_property_that_is_not_unique_is_wrong(stage: Stage) -> None:
    stage.sim.drop_property("companies", "stripe_customer_id")
    stage.sim.add_property("companies", "stripe_customer_id")
    assert wrong(examined(stage)) == {"hubspot.property.companies.stripe_customer_id"}


def test_an_option_that_the_mapping_writes_and_the_portal_lacks_is_wrong(stage: Stage) -> None:
    need = PropertyNeed(
        kind="companies", name="kidglove_quiet_state", is_written=True, values=("quiet", "loud")
    )
    found = examined(stage, needs=(need,))
    assert wrong(found) == {"hubspot.property.companies.kidglove_quiet_state"}
    assert "'loud'" in found["hubspot.property.companies.kidglove_quiet_state"].detail


def test_a_calculated_property_that_the_mapping_writes_is_wrong(stage: Stage) -> None:
    need = PropertyNeed(kind="companies", name="notes_last_contacted", is_written=True)
    found = examined(stage, needs=(need,))
    assert wrong(found) == {"hubspot.property.companies.notes_last_contacted"}


@pytest.mark.parametrize("how", ["nobody", "user id", "away", "deactivated", "unknown"])
def test_a_fallback_who_cannot_take_work_is_wrong(stage: Stage, how: str) -> None:
    owner: str | None = stage.spare
    match how:
        case "nobody":
            owner = None
        case "user id":
            owner = str(stage.sim.user_id_of(stage.spare))
        case "away":
            stage.sim.set_away(stage.spare)
        case "deactivated":
            stage.sim.deactivate(stage.spare)
        case "unknown":
            owner = "987654"
    assert "hubspot.fallback_owner" in wrong(examined(stage, fallback_owner_id=owner))


def test_a_day_that_is_nearly_used_up_is_wrong(stage: Stage) -> None:
    stage.sim.use_up_daily(100_000)
    assert wrong(examined(stage)) == {"hubspot.limits"}


def test_a_window_that_is_smaller_than_what_we_use_is_wrong(stage: Stage) -> None:
    stage.sim.set_limits(burst=100)
    found = examined(stage, used_window=190)
    assert wrong(found) == {"hubspot.window"}
    assert "KIDGLOVE_HUBSPOT__CALLS_PER_WINDOW=100" in found["hubspot.window"].remedy


@pytest.mark.parametrize(("year", "is_wrong"), [(2027, False), (2028, True)])
def test_the_end_of_the_api_version_is_told_in_time(
    stage: Stage, year: int, is_wrong: bool
) -> None:
    stage.clock.advance(stage.clock.now().replace(year=year, month=1) - stage.clock.now())
    assert ("hubspot.version" in wrong(examined(stage))) is is_wrong


def test_live_payments_beside_a_test_portal_are_wrong() -> None:
    with staged(account_type="DEVELOPER_TEST") as stage:
        assert wrong(examined(stage, payments_are_live=True)) == {"hubspot.sandbox"}


def test_what_only_a_person_knows_is_asked(stage: Stage) -> None:
    found = examined(stage)
    asked = {check for check, one in found.items() if one.health is Health.UNKNOWN}
    assert asked == {
        "hubspot.scopes",
        "hubspot.webhooks",
        "hubspot.task_mail",
        "hubspot.rules",
    }
