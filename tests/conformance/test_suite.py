"""The suite itself: a vendor is asked what it states, and a finished check leaves the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.kit import registry
from connectors.kit.manifest import Capability, Trait
from tests.conformance.kinds import CrmConformance, PaymentsConformance
from tests.conformance.stage import CrmStage, Unstaged
from tests.conformance.stages.salesforce import SalesforceStage
from tests.conformance.stages.stripe import StripeStage
from tests.conformance.suite import NOT_YET, Conformance, checks

HERE = Path(__file__).parent
SIGNED = "test_a_body_changed_by_one_byte_is_refused"
LISTED = "test_a_missing_permission_is_named"


class Payments(PaymentsConformance):
    stage = StripeStage


class Crm(CrmConformance):
    stage = SalesforceStage
    not_yet_done = (LISTED,)


class Paying(CrmConformance):
    """A CRM's class for a vendor that is none."""

    stage = StripeStage


def is_collected(suite: type[Conformance], name: str) -> bool:
    return callable(getattr(suite, name))


def marks(check: Any) -> list[pytest.Mark]:
    return [mark for mark in getattr(check, "pytestmark", []) if mark.name == "xfail"]


@pytest.mark.parametrize("vendor", registry.vendors())
def test_every_connector_has_its_class(vendor: str) -> None:
    assert (HERE / f"test_{vendor}.py").is_file()


def test_a_check_without_its_capability_is_not_collected() -> None:
    assert not is_collected(Paying, "test_exactly_the_accounts_on_hold_are_listed")
    assert not is_collected(Paying, "test_an_id_that_never_existed_finds_nothing")
    assert is_collected(Paying, "test_a_change_is_news_once")


def test_a_check_without_its_trait_is_not_collected() -> None:
    assert not is_collected(Crm, SIGNED)
    assert is_collected(Payments, SIGNED)


def test_what_one_vendor_is_not_asked_another_still_is() -> None:
    assert is_collected(CrmConformance, SIGNED)


def test_a_listed_check_is_expected_to_fail_and_red_when_it_passes() -> None:
    [mark] = marks(getattr(Crm, LISTED))
    assert mark.kwargs == {"strict": True, "reason": NOT_YET}
    assert marks(getattr(CrmConformance, LISTED)) == []
    assert marks(getattr(Payments, LISTED)) == []


def test_a_listed_name_that_is_no_check_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match="nearest is 'test_a_change_is_news_once'"):
        type("Crm", (CrmConformance,), {
            "stage": SalesforceStage,
            "not_yet_done": ("test_a_change_is_new_once",),
        })  # fmt: skip


def test_every_capability_and_every_trait_picks_a_check() -> None:
    every = [*checks(CrmConformance).values(), *checks(PaymentsConformance).values()]
    assert {capability for _, capability in every} == {None, *Capability}
    used = {trait for check, _ in every for trait in getattr(check, "__conformance_traits__", ())}
    assert used == set(Trait)


def test_what_a_stage_leaves_out_says_so() -> None:
    class Bare(CrmStage):
        vendor = "bare"

    with pytest.raises(Unstaged, match="the stage of bare does not say yet how to hold"):
        Bare().hold(None, None)  # type: ignore[arg-type]
