"""`SuggestsAccounts`: accounts that no customer is named on, for a person to judge."""

from __future__ import annotations

from connectors.kit.manifest import Capability
from domain.suggestions import Wanted
from tests.conformance.stage import CrmStage
from tests.conformance.suite import Conformance


class Suggesting(Conformance):
    """Searching for accounts that look like a customer."""

    capability = Capability.SUGGESTS_ACCOUNTS

    def test_an_account_of_the_same_name_that_names_nobody_is_found(self, vendor: CrmStage) -> None:
        ref = vendor.add_account("Zephyr Foods")
        vendor.add_account("Zephyr Foods", customer="cus_of_another")
        wanted = [
            Wanted(customer="cus_a", name="ZEPHYR FOODS Ltd"),
            Wanted(customer="cus_b", name="Nobody Knows"),
        ]

        found = vendor.connector().suggest(wanted)

        assert {customer: [one.ref for one in some] for customer, some in found.items()} == {
            "cus_a": [ref],
            "cus_b": [],
        }

    def test_searching_for_many_changes_nothing_and_costs_few_calls(self, vendor: CrmStage) -> None:
        connector, writes, before = vendor.connector(), vendor.writes(), vendor.requests()

        connector.suggest(
            [
                Wanted(customer=f"cus_{number}", name=f"Name {number}", domain=f"a{number}.example")
                for number in range(100)
            ]
        )

        assert vendor.writes() == writes
        assert vendor.requests() - before <= 10

    def test_without_anybody_to_look_for_nothing_is_asked(self, vendor: CrmStage) -> None:
        connector, before = vendor.connector(), vendor.requests()

        assert connector.suggest([]) == {}
        assert connector.suggest([Wanted(customer="cus_a")]) == {"cus_a": ()}

        assert vendor.requests() == before
