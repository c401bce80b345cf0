"""Holds and hand-made payments at a simulated Stripe, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.errors import Conflict, Gone, Misconfigured, OutcomeUnknown
from domain.facts import Invoice, InvoiceStatus
from domain.ports import (
    InvoiceChange,
    InvoiceSetting,
    SubscriptionChange,
)
from simulators.clock import SimClock
from simulators.faults import Fault, Harm
from simulators.stripe import READ_ONLY_KEY, StripeSim
from tests.connectors.stripe_vip import (
    DAY,
    NOT_PATIENT,
    START,
    Vip,
    connect,
    failed_renewal,
    renewing,
)


@pytest.fixture
def clock() -> SimClock:
    return SimClock(START)


@pytest.fixture
def sim(clock: SimClock) -> Iterator[StripeSim]:
    one = StripeSim(clock)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def vip(sim: StripeSim) -> Vip:
    return failed_renewal(sim)


# ---------------------------------------------------------------- quiet


@pytest.mark.req("R70", partly="the CRM's part and the whole service stand in the journeys")
def test_a_quiet_customer_is_left_alone_for_sixty_days(vip: Vip, clock: SimClock) -> None:
    vip.quiet()
    charges, mails = vip.charges(), vip.sim.mailer.robotic(vip.customer)
    clock.advance(60 * DAY)
    assert vip.charges() == charges
    assert vip.sim.mailer.robotic(vip.customer) == mails
    drafts = [one for one in vip.picture().invoices if one.status is InvoiceStatus.DRAFT]
    assert [one.advances for one in drafts] == [False]


def test_quiet_is_read_back_with_our_mark_and_its_end(vip: Vip, clock: SimClock) -> None:
    vip.quiet(7)
    invoice, subscription = vip.settings()
    assert (invoice.advances, invoice.mark, invoice.status) == (False, "7", "open")
    assert (subscription.pause_behavior, subscription.mark) == ("keep_as_draft", "7")
    assert subscription.resumes_at == clock.now() + 90 * DAY


@pytest.mark.req("R12", partly="when to release is judged elsewhere")
def test_a_release_restores_exactly_what_was(vip: Vip) -> None:
    before = vip.settings()
    world = vip.sim.state(volatile=False)
    vip.quiet()
    vip.restore()
    after = vip.settings()
    assert [(one.status, one.mark) for one in after] == [(one.status, one.mark) for one in before]
    assert (after[0].advances, after[1].pause_behavior) == (True, None)
    assert vip.sim.state(volatile=False) == world


def test_a_pause_of_a_colleague_is_reported_and_left_alone(vip: Vip) -> None:
    vip.sim.dashboard_update_subscription(
        vip.subscription, pause_collection={"behavior": "mark_uncollectible", "resumes_at": None}
    )
    _, subscription = vip.settings()
    assert (subscription.pause_behavior, subscription.mark) == ("mark_uncollectible", None)
    assert vip.sim.writes() == []


def test_a_colleague_who_switches_it_back_is_seen(vip: Vip) -> None:
    vip.quiet()
    vip.sim.dashboard_update_invoice(vip.invoice, auto_advance=True)
    invoice, _ = vip.settings()
    assert (invoice.advances, invoice.mark) == (True, "1")


@pytest.mark.req("R12", partly="when to release is judged elsewhere")
def test_a_release_of_an_invoice_paid_meanwhile_brings_nothing_back(
    vip: Vip, clock: SimClock
) -> None:
    vip.quiet()
    failed, charges = vip.invoice, vip.charges()
    vip.sim.customer_pays(failed, card="good")
    with contextlib.suppress(Conflict):
        vip.connector.change_setting(
            InvoiceChange(invoice=failed, advances=True, mark=None, key="restore:in:1")
        )
    clock.advance(20 * DAY)
    setting = vip.connector.read_settings([f"invoice:{failed}"])[f"invoice:{failed}"]
    assert isinstance(setting, InvoiceSetting)
    assert setting.status == "paid"
    assert vip.charges() == charges + 1


def test_a_subscription_cancelled_meanwhile_is_a_conflict(vip: Vip) -> None:
    vip.sim.dashboard_cancel_subscription(vip.subscription)
    change = SubscriptionChange(
        subscription=vip.subscription,
        pause_behavior="keep_as_draft",
        resumes_at=vip.sim.clock.now() + DAY,
        mark="1",
        key="quiet:sub:1",
    )
    with pytest.raises((Conflict, Gone)):
        vip.connector.change_setting(change)


def test_a_switch_whose_answer_is_lost_is_made_once(vip: Vip) -> None:
    vip.connector = connect(vip.sim, timeouts=NOT_PATIENT)
    vip.sim.faults.arm(Fault(harm=Harm.RESET_AFTER, method="POST"))
    vip.quiet()
    invoice, subscription = vip.settings()
    assert (invoice.advances, subscription.pause_behavior) == (False, "keep_as_draft")


def test_a_key_that_may_only_read_says_what_it_lacks(vip: Vip) -> None:
    vip.connector = connect(vip.sim, key=READ_ONLY_KEY)
    with pytest.raises(Misconfigured) as caught:
        vip.quiet()
    assert caught.value.row == "rak_invoice_write"


# ---------------------------------------------------------------- collecting


def test_a_decline_is_said_only_while_the_money_is_owed(vip: Vip) -> None:
    assert vip.connector.pay(vip.invoice, key="pay:1") is False


def test_the_same_attempt_again_never_asks_the_bank_twice(vip: Vip) -> None:
    vip.connector.pay(vip.invoice, key="pay:1")
    before = vip.charges()
    assert vip.connector.pay(vip.invoice, key="pay:1") is False
    assert vip.charges() == before


def lose_the_answer(vip: Vip, harm: Harm) -> str:
    """Pay with a good card while the answer gets lost; the invoice."""
    vip.sim.set_card(vip.customer, "good")
    invoice = vip.invoice
    vip.connector = connect(vip.sim, timeouts=NOT_PATIENT, tries=1)
    vip.sim.faults.arm(Fault(harm=harm, method="POST", path=".*/pay", seconds=1))
    with pytest.raises(OutcomeUnknown):
        vip.connector.pay(invoice, key="pay:1")
    return invoice


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_AFTER, Harm.RESET_AFTER, Harm.STATUS_AFTER])
def test_a_payment_whose_answer_is_lost_is_found_out_by_looking(vip: Vip, harm: Harm) -> None:
    before = vip.charges()
    invoice = lose_the_answer(vip, harm)
    looked_up = vip.connector.read_invoices([invoice])[invoice]
    assert isinstance(looked_up, Invoice)
    assert looked_up.status is InvoiceStatus.PAID
    assert vip.charges() == before + 1


@pytest.mark.parametrize("name", ["concurrent_twin", "lock_timeout"])
def test_a_payment_that_had_to_wait_is_made_once(vip: Vip, name: str) -> None:
    vip.sim.set_card(vip.customer, "good")
    before = vip.charges()
    vip.sim.faults.arm(Fault(harm=Harm.VENDOR, body={"name": name}, method="POST"))
    assert vip.connector.pay(vip.invoice, key="pay:1") is True
    assert vip.charges() == before + 1


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_AFTER, Harm.RESET_AFTER])
def test_the_same_key_after_a_lost_answer_tells_the_first_result(vip: Vip, harm: Harm) -> None:
    before = vip.charges()
    invoice = lose_the_answer(vip, harm)
    assert vip.connector.pay(invoice, key="pay:1") is True
    assert vip.charges() == before + 1


def test_a_payment_that_never_arrived_may_be_sent_again_under_its_key(vip: Vip) -> None:
    vip.sim.set_card(vip.customer, "good")
    invoice, before = vip.invoice, vip.charges()
    vip.sim.faults.arm(Fault(harm=Harm.RESET_BEFORE, method="POST", path=".*/pay"))
    assert vip.connector.pay(invoice, key="pay:1") is True
    assert vip.charges() == before + 1


def test_a_voided_invoice_is_never_collected(vip: Vip) -> None:
    invoice = vip.invoice
    vip.sim.void(invoice)
    with pytest.raises(Conflict):
        vip.connector.pay(invoice, key="pay:1")


@pytest.mark.req("R36", partly="who intercepts, and when, is judged elsewhere")
def test_an_intercepted_draft_is_collected_by_hand_without_a_mail(
    sim: StripeSim, clock: SimClock
) -> None:
    customer, subscription = renewing(sim)
    vip = Vip(sim, connect(sim), customer, subscription)
    clock.advance(DAY + timedelta(minutes=5))
    draft = vip.picture().invoices[0]
    assert draft.status is InvoiceStatus.DRAFT
    vip.connector.change_setting(
        InvoiceChange(invoice=draft.id, advances=False, mark="1", key="quiet:in:1")
    )
    vip.connector.finalize(draft.id, key="fin:1")
    vip.connector.finalize(draft.id, key="fin:1")
    assert vip.connector.pay(draft.id, key="pay:1") is False
    clock.advance(30 * DAY - timedelta(hours=1))
    assert sim.mailer.robotic(customer) == []
    failing = vip.picture().invoice(draft.id)
    assert failing
    assert (failing.attempt_count, len(failing.attempts)) == (1, 1)
