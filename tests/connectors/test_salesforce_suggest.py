"""What keeps a search for accounts from being made, and what it asks in one query."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.errors import KidgloveError
from domain.suggestions import Wanted
from tests.conformance.stages.salesforce import SalesforceStage


@pytest.fixture
def stage() -> Iterator[SalesforceStage]:
    with SalesforceStage() as made:
        made.renew()
        yield made


def test_a_website_that_may_not_be_read_is_named(stage: SalesforceStage) -> None:
    stage.sim.hide_field("Account", "Website")

    with pytest.raises(KidgloveError) as refused:
        stage.connector().suggest([Wanted(customer="cus_1", name="Acme")])

    assert "Website" in f"{refused.value.message} {refused.value.remedy}"


@pytest.mark.parametrize(
    ("customer", "account"),
    [
        ("100% _Wool's", "100%_Wool's"),
        ("O'Neill L.L.C.", "O'NEILL"),
        ("O'Neill", "ONeill, Inc."),
        ("Aurelius Partners", "Aurelius-Partners GmbH"),
    ],
)
def test_a_name_is_found_whatever_signs_are_in_it(
    stage: SalesforceStage, customer: str, account: str
) -> None:
    ref = stage.add_account(account)
    stage.add_account("100 Sheep, Wool")

    found = stage.connector().suggest([Wanted(customer="cus_1", name=customer)])

    assert [one.ref for one in found["cus_1"]] == [ref]
