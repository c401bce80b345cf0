"""`ListsCustomers`: everybody is found for the first fill, however many they are."""

from __future__ import annotations

from connectors.kit.manifest import Capability
from tests.conformance.stage import PaymentsStage
from tests.conformance.suite import Conformance

MORE_THAN_A_PAGE = 101


class Customers(Conformance):
    """The list of all customers."""

    capability = Capability.LISTS_CUSTOMERS

    def test_everybody_is_listed_once_over_all_pages(self, vendor: PaymentsStage) -> None:
        added = [vendor.add_customer(f"Customer {number}") for number in range(MORE_THAN_A_PAGE)]
        connector = vendor.connector()
        found: list[str] = []
        page = connector.customers(None)
        found += page.customers
        while page.after is not None:
            page = connector.customers(page.after)
            found += page.customers
        assert sorted(found) == sorted([vendor.customer, *added])

    def test_listing_everybody_changes_nothing(self, vendor: PaymentsStage) -> None:
        before = vendor.world()
        connector = vendor.connector()
        assert connector.customers(None) == connector.customers(None)
        assert vendor.world() == before
