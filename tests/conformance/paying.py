"""The ports of a payment system: what they do is done once, or not at all."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from connectors.kit.manifest import Capability
from domain.errors import Conflict, Gone, KidgloveError
from domain.facts import PaymentPicture
from domain.money import Money
from domain.ports import (
    CustomerChange,
    InvoiceChange,
    InvoiceSetting,
    PaymentLink,
    SubscriptionChange,
    SubscriptionSetting,
)
from tests.conformance.accounts import NAMES
from tests.conformance.stage import HASTY, LOST, Calls, PaymentsStage, Trouble
from tests.conformance.suite import Conformance
from tests.conformance.watching import answer, everything_said, together

NEW_YORK = ZoneInfo("America/New_York")
CHANGES_OF_TIME = (
    datetime(2027, 3, 14, 3, 30, tzinfo=NEW_YORK),
    datetime(2027, 11, 7, 1, 30, tzinfo=NEW_YORK),
    datetime(2027, 11, 7, 1, 30, fold=1, tzinfo=NEW_YORK),
)
"""The hour that is missing, and the hour that comes twice."""
AMOUNTS = (Money(7500, "jpy"), Money(7555, "usd"), Money(7550, "kwd"))


class Payments(Conformance):
    """Reading customers."""

    capability = Capability.READS_PAYMENTS

    def test_one_bad_customer_does_not_sink_the_batch(self, vendor: PaymentsStage) -> None:
        other = vendor.add_customer("Other")
        deleted = vendor.add_customer("Deleted")
        vendor.delete(deleted)
        asked = [vendor.customer, "cus_never", "", vendor.invoice, "no id", deleted, other]
        said = vendor.connector().read_payments(asked)
        pictures = {id: one for id, one in said.items() if isinstance(one, PaymentPicture)}
        assert set(said) == set(asked)
        assert {id: one.is_deleted for id, one in pictures.items()} == {
            vendor.customer: False,
            other: False,
            deleted: True,
        }
        others = {id: type(one) for id, one in said.items() if id not in pictures}
        assert others == dict.fromkeys(others, Gone)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_is_read_as_it_was_written(self, vendor: PaymentsStage, name: str) -> None:
        customer = vendor.add_customer(name)
        said = vendor.connector().read_payments([customer])[customer]
        assert isinstance(said, PaymentPicture)
        assert said.name == name

    @pytest.mark.parametrize("amount", AMOUNTS, ids=lambda amount: amount.currency)
    def test_money_keeps_its_decimals(self, vendor: PaymentsStage, amount: Money) -> None:
        customer = vendor.add_customer("Shop", currency=amount.currency, amount=amount.minor)
        said = vendor.connector().read_payments([customer])[customer]
        assert isinstance(said, PaymentPicture)
        assert [one.remaining for one in said.invoices if one.remaining.minor] == [amount]


class Quieting(Conformance):
    """Switching automatic collection off and on."""

    capability = Capability.QUIETS

    @pytest.mark.req("R70", partly="the switches and their read-back")
    def test_what_is_switched_is_read_back(self, vendor: PaymentsStage) -> None:
        connector = vendor.connector()
        subjects = [f"invoice:{vendor.invoice}", f"subscription:{vendor.subscription}"]
        before = connector.read_settings(subjects)
        until = CHANGES_OF_TIME[0]
        connector.change_setting(_invoice(vendor, False, "hold 1", "k-1"))
        connector.change_setting(_subscription(vendor, "keep_as_draft", until, "hold 1", "k-2"))
        invoice, subscription = connector.read_settings(subjects).values()
        assert (invoice.advances, invoice.mark) == (False, "hold 1")
        assert subscription == SubscriptionSetting(
            status=before[subjects[1]].status,
            pause_behavior="keep_as_draft",
            resumes_at=until,
            mark="hold 1",
        )
        connector.change_setting(_invoice(vendor, True, None, "k-3"))
        connector.change_setting(_subscription(vendor, None, None, None, "k-4"))
        assert connector.read_settings(subjects) == before

    @pytest.mark.parametrize("until", CHANGES_OF_TIME, ids=str)
    def test_a_moment_is_the_same_moment_when_clocks_change(
        self, vendor: PaymentsStage, until: datetime
    ) -> None:
        connector = vendor.connector()
        connector.change_setting(_subscription(vendor, "keep_as_draft", until, "m", "k-1"))
        subject = f"subscription:{vendor.subscription}"
        said = connector.read_settings([subject])[subject]
        assert isinstance(said, SubscriptionSetting)
        assert said.resumes_at is not None
        assert said.resumes_at.timestamp() == until.timestamp()

    def test_only_what_is_given_is_changed(self, vendor: PaymentsStage) -> None:
        connector = vendor.connector()
        before = connector.read_payments([vendor.customer])[vendor.customer]
        connector.change_setting(_invoice(vendor, False, "hold 1", "k-1"))
        connector.change_setting(_invoice(vendor, True, None, "k-2"))
        assert connector.read_payments([vendor.customer])[vendor.customer] == before

    def test_a_second_identical_switch_changes_nothing(self, vendor: PaymentsStage) -> None:
        connector = vendor.connector()
        changes = (
            _invoice(vendor, False, "hold 1", "k-1"),
            _subscription(vendor, "keep_as_draft", CHANGES_OF_TIME[0], "hold 1", "k-2"),
        )
        for change in changes:
            connector.change_setting(change)
        before = vendor.world()
        for change in changes:
            connector.change_setting(change)
        assert vendor.world() == before

    @pytest.mark.parametrize("trouble", LOST)
    def test_a_switch_whose_answer_is_lost_is_made_by_the_second_try(
        self, vendor: PaymentsStage, trouble: Trouble
    ) -> None:
        vendor.arm(trouble, on=Calls.WRITES)
        connector = vendor.connector(timeouts=HASTY)
        change = _invoice(vendor, False, "hold 1", "k-1")
        answer(lambda: connector.change_setting(change))
        connector.change_setting(change)
        subject = f"invoice:{vendor.invoice}"
        said = connector.read_settings([subject])[subject]
        assert isinstance(said, InvoiceSetting)
        assert (said.advances, said.mark) == (False, "hold 1")

    def test_one_bad_subject_does_not_sink_the_batch(self, vendor: PaymentsStage) -> None:
        good = f"invoice:{vendor.invoice}"
        asked = ["invoice:in_never", good, "nonsense", "subscription:sub_never", ""]
        said = vendor.connector().read_settings(asked)
        assert [id for id in asked if not isinstance(said[id], KidgloveError)] == [good]


class Collecting(Conformance):
    """Taking money by hand."""

    capability = Capability.COLLECTS

    def test_the_same_key_never_charges_twice(self, vendor: PaymentsStage) -> None:
        connector = vendor.connector()
        assert [connector.pay(vendor.invoice, key="pay-1") for _ in range(3)] == [True] * 3
        assert vendor.effects("pay-1") == 1

    def test_the_same_key_at_once_never_charges_twice(self, vendor: PaymentsStage) -> None:
        workers = [vendor.connector() for _ in range(4)]
        together(workers, lambda one: one.pay(vendor.invoice, key="pay-1"))
        assert vendor.connector().pay(vendor.invoice, key="pay-1")
        assert vendor.effects("pay-1") == 1

    def test_a_decline_is_an_answer_and_no_failure(self, vendor: PaymentsStage) -> None:
        vendor.break_card()
        assert vendor.connector().pay(vendor.invoice, key="pay-1") is False
        assert vendor.effects("pay-1") == 0

    def test_a_finalized_invoice_is_left_as_it_is(self, vendor: PaymentsStage) -> None:
        before = vendor.world()
        vendor.connector().finalize(vendor.invoice, key="fin-1")
        assert vendor.world() == before

    def test_a_settled_invoice_is_not_collected(self, vendor: PaymentsStage) -> None:
        vendor.settle_invoice()
        with pytest.raises(Conflict):
            vendor.connector().pay(vendor.invoice, key="pay-1")
        assert vendor.effects("pay-1") == 0


class Noting(Conformance):
    """Writing on a customer."""

    capability = Capability.WRITES_CUSTOMER

    def test_what_is_written_is_read_back_and_a_second_call_changes_nothing(
        self, vendor: PaymentsStage
    ) -> None:
        change = _note(vendor.customer, "Enterprise")
        connector = vendor.connector()
        [first] = connector.write_customers([change])
        world = vendor.world()
        [second] = connector.write_customers([change])
        assert (first.now, first.was_written) == ({"account.tier": "Enterprise"}, True)
        assert (second.now, second.was_written) == (first.now, False)
        assert vendor.world() == world
        details = connector.read_payments([vendor.customer])[vendor.customer].details
        assert details["account.tier"] == "Enterprise"

    def test_a_value_that_is_taken_away_leaves_no_trace(self, vendor: PaymentsStage) -> None:
        connector = vendor.connector()
        before = connector.read_payments([vendor.customer])[vendor.customer]
        connector.write_customers([_note(vendor.customer, "Enterprise")])
        connector.write_customers([_note(vendor.customer, None, found="Enterprise", key="k-2")])
        assert connector.read_payments([vendor.customer])[vendor.customer] == before

    def test_what_somebody_else_wrote_meanwhile_is_not_written_over(
        self, vendor: PaymentsStage
    ) -> None:
        connector = vendor.connector()
        connector.write_customers([_note(vendor.customer, "theirs")])
        world = vendor.world()
        [said] = connector.write_customers([_note(vendor.customer, "ours", key="k-2")])
        assert isinstance(said, Conflict)
        assert vendor.world() == world

    @pytest.mark.parametrize("trouble", LOST)
    def test_a_note_whose_answer_is_lost_is_made_by_the_second_try(
        self, vendor: PaymentsStage, trouble: Trouble
    ) -> None:
        vendor.arm(trouble, on=Calls.WRITES)
        connector = vendor.connector(timeouts=HASTY)
        change = _note(vendor.customer, "Enterprise")
        answer(lambda: connector.write_customers([change]))
        [said] = connector.write_customers([change])
        assert said.now == {"account.tier": "Enterprise"}

    def test_one_bad_customer_does_not_sink_the_others(self, vendor: PaymentsStage) -> None:
        deleted = vendor.add_customer("Deleted")
        vendor.delete(deleted)
        asked = [deleted, vendor.customer, "cus_never"]
        changes = [_note(one, "Gold", key=f"k-{one}") for one in asked]
        said = vendor.connector().write_customers(changes)
        assert [isinstance(one, Gone) for one in said] == [True, False, True]


class Linking(Conformance):
    """Links on which a card is replaced."""

    capability = Capability.MAKES_PAYMENT_LINKS

    def test_a_link_survives_a_second_request_and_its_expiry(self, vendor: PaymentsStage) -> None:
        connector = vendor.connector()
        first, second = (connector.make_link(vendor.customer, key="link-1") for _ in range(2))
        assert isinstance(first, PaymentLink)
        assert (first, first.survives_expiry) == (second, True)

    def test_a_link_for_nobody_is_a_failure_that_is_answered(self, vendor: PaymentsStage) -> None:
        said = vendor.connector().make_link("cus_never", key="link-1")
        assert isinstance(said, KidgloveError)
        assert "http" not in everything_said(said).partition("Traceback")[0]


def _note(
    customer: str, tier: str | None, *, found: str | None = None, key: str = "k-1"
) -> CustomerChange:
    return CustomerChange(
        customer=customer,
        values={"account.tier": tier},
        expected={"account.tier": found},
        key=key,
    )


def _invoice(vendor: PaymentsStage, advances: bool, mark: str | None, key: str) -> InvoiceChange:
    return InvoiceChange(
        invoice=vendor.invoice, advances=advances, mark=mark, key=f"{vendor.invoice}-{key}"
    )


def _subscription(
    vendor: PaymentsStage, pause: str | None, until: datetime | None, mark: str | None, key: str
) -> SubscriptionChange:
    return SubscriptionChange(
        subscription=vendor.subscription,
        pause_behavior=pause,
        resumes_at=until,
        mark=mark,
        key=f"{vendor.invoice}-{key}",
    )
