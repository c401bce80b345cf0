"""`SurveysAccounts` and `SurveysCustomers`: a glance shows what a whole read shows, for less."""

from __future__ import annotations

from connectors.kit.manifest import Capability
from domain.ports import (
    AccountGlance,
    CustomerGlance,
    CustomersPage,
    FieldsChange,
    FoundAccounts,
)
from tests.conformance.stage import CrmStage, PaymentsStage
from tests.conformance.suite import Conformance

MANY = 120
"""More than any vendor here shows whole in one call."""


class AccountsAtAGlance(Conformance):
    """Glancing at accounts of a CRM."""

    capability = Capability.SURVEYS_ACCOUNTS

    def test_a_glance_shows_the_fields_of_a_whole_read(self, vendor: CrmStage) -> None:
        connector = vendor.connector()
        values = {vendor.text_field: "as agreed", vendor.amount_field: 12.5}
        connector.write([FieldsChange(account=vendor.ref, values=values)])
        vendor.hold(vendor.ref, vendor.hold_word)

        read = connector.read_accounts(ids=[vendor.ref.id], plan=vendor.plan)[vendor.ref.id]
        assert isinstance(read, FoundAccounts)
        seen = connector.survey_accounts(
            ids=[vendor.ref.id], customers=[vendor.customer], plan=vendor.plan
        )

        shown = (AccountGlance(ref=vendor.ref, fields=read.records[0].fields),)
        assert seen == {vendor.ref.id: shown, vendor.customer: shown}

    def test_many_accounts_are_seen_for_fewer_calls_than_they_are_read(
        self, vendor: CrmStage
    ) -> None:
        refs = [vendor.add_account(f"Number {number}") for number in range(MANY)]
        ids = [one.id for one in refs]
        connector = vendor.connector()
        connector.survey_accounts(ids=ids[:1], plan=vendor.plan)
        start = vendor.requests()
        seen = connector.survey_accounts(ids=ids, plan=vendor.plan)
        middle = vendor.requests()
        connector.read_accounts(ids=ids, plan=vendor.plan)
        end = vendor.requests()

        assert {id: [one.ref for one in said] for id, said in seen.items()} == {
            one.id: [one] for one in refs
        }
        assert middle - start < end - middle

    def test_what_is_not_there_under_this_id_shows_nothing(self, vendor: CrmStage) -> None:
        gone, never = vendor.add_account("Gone"), vendor.unknown_id()
        vendor.delete(gone)
        connector = vendor.connector()

        seen = connector.survey_accounts(
            ids=[gone.id, never], customers=["cus_nobody"], plan=vendor.plan
        )

        assert seen == {gone.id: (), never: (), "cus_nobody": ()}

    def test_glancing_at_accounts_changes_nothing(self, vendor: CrmStage) -> None:
        before = vendor.world()
        vendor.connector().survey_accounts(ids=[vendor.ref.id], plan=vendor.plan)
        assert vendor.world() == before


class CustomersAtAGlance(Conformance):
    """Glancing at everybody whom a payment system knows."""

    capability = Capability.SURVEYS_CUSTOMERS

    def test_a_glance_is_that_of_a_whole_read(self, vendor: PaymentsStage) -> None:
        vendor.add_customer("Failing")
        assert glances(vendor) == read(vendor)

    def test_everybody_is_seen_once_over_all_pages(self, vendor: PaymentsStage) -> None:
        added = [vendor.add_customer(f"Customer {number}") for number in range(MANY)]
        pages: list[CustomersPage] = list(vendor.connector().survey_customers(None))
        assert sorted(id for page in pages for id in page.customers) == sorted(
            [vendor.customer, *added]
        )
        assert [page.after is None for page in pages] == [False] * (len(pages) - 1) + [True]
        [*_, rest] = vendor.connector().survey_customers(pages[0].after)
        assert rest == pages[-1]

    def test_only_who_changed_looks_otherwise(self, vendor: PaymentsStage) -> None:
        other = vendor.add_customer("Other")
        before = glances(vendor)
        vendor.settle_invoice()
        after = glances(vendor)

        assert before[vendor.customer] != after[vendor.customer]
        assert before[other] == after[other]

    def test_an_open_invoice_is_unsettled_and_a_void_one_is_not(
        self, vendor: PaymentsStage
    ) -> None:
        before = seen(vendor)[vendor.customer]
        vendor.settle_invoice()
        after = seen(vendor)[vendor.customer]
        assert (before.is_settled, after.is_settled) == (False, True)

    def test_glancing_at_customers_changes_nothing(self, vendor: PaymentsStage) -> None:
        before = vendor.world()
        assert seen(vendor) == seen(vendor)
        assert vendor.world() == before


def seen(vendor: PaymentsStage) -> dict[str, CustomerGlance]:
    """Everybody at a glance."""
    found: dict[str, CustomerGlance] = {}
    for page in vendor.connector().survey_customers(None):
        found |= page.customers
    return found


def glances(vendor: PaymentsStage) -> dict[str, str | None]:
    """The glance at everybody, from the list."""
    return {id: one.digest for id, one in seen(vendor).items()}


def read(vendor: PaymentsStage) -> dict[str, str | None]:
    """The glance at everybody, from whole reads."""
    pictures = vendor.connector().read_payments(list(seen(vendor)))
    return {id: one.glance for id, one in pictures.items()}
