"""Collection off and on again, exactly, and nothing believed that was not read back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.stripe.connector import StripeConnector
from domain.errors import Bug, Conflict, Gone, Misconfigured, OutcomeUnknown, Rejected, Unauthorized
from domain.ports import InvoiceChange, InvoiceSetting, SubscriptionChange, SubscriptionSetting
from tests.connectors.stripe_stage import (
    ScriptedStripe,
    connect,
    invoice,
    listed,
    refusal,
    seconds,
    subscription,
)

READ_IN, WRITE_IN = "GET /v1/invoices/in_1", "POST /v1/invoices/in_1"
READ_SUB, WRITE_SUB = "GET /v1/subscriptions/sub_1", "POST /v1/subscriptions/sub_1"
UNTIL = datetime(2026, 12, 21, tzinfo=UTC)
QUIET_IN = InvoiceChange(invoice="in_1", advances=False, mark="2", key="quiet:in_1:2")
LOUD_IN = InvoiceChange(invoice="in_1", advances=True, mark=None, key="restore:in_1:2")
QUIET_SUB = SubscriptionChange(
    subscription="sub_1",
    pause_behavior="keep_as_draft",
    resumes_at=UNTIL,
    mark="2",
    key="quiet:sub_1:2",
)
LOUD_SUB = SubscriptionChange(
    subscription="sub_1", pause_behavior=None, resumes_at=None, mark=None, key="restore:sub_1:2"
)


@pytest.fixture
def scripted() -> ScriptedStripe:
    return ScriptedStripe()


@pytest.fixture
def connector(scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch) -> StripeConnector:
    return connect(scripted, monkeypatch)


# ---------------------------------------------------------------- writes


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (QUIET_IN, {"auto_advance": "false", "metadata[kidglove_hold]": "2"}),
        (LOUD_IN, {"auto_advance": "true", "metadata[kidglove_hold]": ""}),
    ],
)
def test_an_invoice_is_switched_and_marked_in_one_call(
    connector: StripeConnector, scripted: ScriptedStripe, change: InvoiceChange, sent: object
) -> None:
    scripted.on(WRITE_IN, invoice())
    connector.change_setting(change)
    assert [one.params for one in scripted.sent] == [sent]
    assert scripted.sent[0].headers["Idempotency-Key"] == change.key


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (
            QUIET_SUB,
            {
                "pause_collection[behavior]": "keep_as_draft",
                "pause_collection[resumes_at]": str(seconds("2026-12-21")),
                "metadata[kidglove_hold]": "2",
            },
        ),
        (LOUD_SUB, {"pause_collection": "", "metadata[kidglove_hold]": ""}),
    ],
)
def test_a_subscription_is_paused_with_an_end_and_unpaused(
    connector: StripeConnector, scripted: ScriptedStripe, change: SubscriptionChange, sent: object
) -> None:
    scripted.on(WRITE_SUB, subscription())
    connector.change_setting(change)
    assert [one.params for one in scripted.sent] == [sent]
    assert scripted.sent[0].headers["Idempotency-Key"] == change.key


@pytest.mark.parametrize("status", ["paid", "void", "uncollectible"])
def test_an_invoice_settled_meanwhile_is_a_conflict(
    connector: StripeConnector, scripted: ScriptedStripe, status: str
) -> None:
    scripted.on(WRITE_IN, refusal(400))
    scripted.on(READ_IN, invoice(status=status))
    with pytest.raises(Conflict, match=status):
        connector.change_setting(QUIET_IN)


def test_a_refusal_is_harmless_when_the_invoice_is_as_wanted(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE_IN, refusal(400))
    scripted.on(READ_IN, invoice(auto_advance=False, metadata={"kidglove_hold": "2"}))
    connector.change_setting(QUIET_IN)


def test_a_refusal_of_an_invoice_that_is_still_loud_stays_a_refusal(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE_IN, refusal(400))
    scripted.on(READ_IN, invoice())
    with pytest.raises(Rejected):
        connector.change_setting(QUIET_IN)


def test_a_subscription_cancelled_meanwhile_is_a_conflict(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE_SUB, refusal(400))
    scripted.on(READ_SUB, subscription(status="canceled"))
    with pytest.raises(Conflict):
        connector.change_setting(QUIET_SUB)


def test_a_refused_pause_stays_a_refusal(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE_SUB, refusal(400, param="pause_collection[resumes_at]"))
    scripted.on(READ_SUB, subscription())
    with pytest.raises(Rejected) as caught:
        connector.change_setting(QUIET_SUB)
    assert caught.value.field == "pause_collection[resumes_at]"


def test_a_deleted_draft_is_gone(connector: StripeConnector, scripted: ScriptedStripe) -> None:
    scripted.on(WRITE_IN, refusal(404, "resource_missing"))
    with pytest.raises(Gone):
        connector.change_setting(QUIET_IN)


def test_a_key_without_the_permission_names_it(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE_IN, refusal(403, message="lacks 'rak_invoice_write'"))
    with pytest.raises(Misconfigured) as caught:
        connector.change_setting(QUIET_IN)
    assert caught.value.row == "rak_invoice_write"


def test_one_key_for_two_different_wishes_is_our_bug(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(WRITE_IN, refusal(400, type="idempotency_error"))
    with pytest.raises(Bug):
        connector.change_setting(QUIET_IN)


# ---------------------------------------------------------------- reads


def test_settings_are_read_as_they_are(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ_IN, invoice(auto_advance=False, metadata={"kidglove_hold": "2"}))
    paused = {"behavior": "keep_as_draft", "resumes_at": seconds("2026-12-21")}
    scripted.on(READ_SUB, subscription(pause_collection=paused, metadata={"kidglove_hold": "2"}))
    found = connector.read_settings(["invoice:in_1", "subscription:sub_1"])
    assert found == {
        "invoice:in_1": InvoiceSetting(
            status="open",
            advances=False,
            mark="2",
            next_attempt_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
        ),
        "subscription:sub_1": SubscriptionSetting(
            status="past_due", pause_behavior="keep_as_draft", resumes_at=UNTIL, mark="2"
        ),
    }


def test_a_pause_of_somebody_else_is_told_apart_from_ours(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ_SUB, subscription(pause_collection={"behavior": "void"}))
    found = connector.read_settings(["subscription:sub_1"])["subscription:sub_1"]
    assert found == SubscriptionSetting(status="past_due", pause_behavior="void")


def test_many_invoices_of_one_customer_cost_two_reads(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ_IN, invoice())
    rows = [invoice(id=f"in_{number}") for number in range(1, 9)]
    scripted.on("GET /v1/invoices", listed(*rows))
    found = connector.read_settings([f"invoice:in_{number}" for number in range(1, 9)])
    assert len(found) == 8
    assert connector.calls == {"GET invoices/{id}": 1, "GET invoices": 1}


def test_one_that_the_list_does_not_bring_is_read_by_itself(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ_IN, invoice())
    scripted.on("GET /v1/invoices", listed(invoice(id="in_2")))
    scripted.on("GET /v1/invoices/in_3", refusal(404, "resource_missing"))
    found = connector.read_settings(["invoice:in_1", "invoice:in_2", "invoice:in_3"])
    assert isinstance(found["invoice:in_3"], Gone)
    assert isinstance(found["invoice:in_2"], InvoiceSetting)


def test_cancelled_subscriptions_are_found_among_many(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(READ_SUB, subscription())
    rows = [subscription(id=f"sub_{number}", status="canceled") for number in (2, 3)]
    scripted.on("GET /v1/subscriptions", listed(*rows))
    connector.read_settings([f"subscription:sub_{number}" for number in (1, 2, 3)])
    assert scripted.sent_to("GET /v1/subscriptions")[0].params["status"] == "all"
    assert connector.calls.total() == 2


def test_a_subject_of_another_kind_is_our_bug(connector: StripeConnector) -> None:
    assert isinstance(connector.read_settings(["task:1"])["task:1"], Bug)


# ---------------------------------------------------------------- collecting by hand


def test_finalizing_never_lets_it_advance(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on("POST /v1/invoices/in_1/finalize", invoice())
    connector.finalize("in_1", key="fin:1")
    assert scripted.sent[0].params == {"auto_advance": "false"}
    assert scripted.sent[0].headers["Idempotency-Key"] == "fin:1"


@pytest.mark.parametrize("status", ["open", "paid"])
def test_a_finalized_invoice_is_left_as_it_is(
    connector: StripeConnector, scripted: ScriptedStripe, status: str
) -> None:
    scripted.on("POST /v1/invoices/in_1/finalize", refusal(400))
    scripted.on(READ_IN, invoice(status=status))
    connector.finalize("in_1", key="fin:1")


def test_a_draft_that_cannot_be_finalized_says_why(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on("POST /v1/invoices/in_1/finalize", refusal(400, "customer_tax_location_invalid"))
    scripted.on(READ_IN, invoice(status="draft"))
    with pytest.raises(Rejected, match="customer_tax_location_invalid"):
        connector.finalize("in_1", key="fin:1")


def test_a_voided_draft_is_a_conflict(connector: StripeConnector, scripted: ScriptedStripe) -> None:
    scripted.on("POST /v1/invoices/in_1/finalize", refusal(400))
    scripted.on(READ_IN, invoice(status="void"))
    with pytest.raises(Conflict):
        connector.finalize("in_1", key="fin:1")


PAY = "POST /v1/invoices/in_1/pay"
DECLINED = refusal(402, "card_declined", type="card_error", decline_code="insufficient_funds")


def test_a_payment_that_goes_through_is_true(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(PAY, invoice(status="paid"))
    assert connector.pay("in_1", key="pay:in_1:1") is True


def test_a_decline_is_false_once_a_fresh_read_says_so(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(PAY, DECLINED)
    scripted.on(READ_IN, invoice())
    assert connector.pay("in_1", key="pay:in_1:1") is False
    assert connector.calls == {"POST invoices/{id}/pay": 1, "GET invoices/{id}": 1}


def test_a_customer_who_must_confirm_is_false(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(PAY, refusal(400, "invoice_payment_intent_requires_action"))
    scripted.on(READ_IN, invoice())
    assert connector.pay("in_1", key="pay:in_1:1") is False


@pytest.mark.parametrize("answer", [DECLINED, refusal(400)])
def test_money_that_stripe_collected_beside_us_is_true(
    connector: StripeConnector, scripted: ScriptedStripe, answer: object
) -> None:
    scripted.on(PAY, answer)  # type: ignore[arg-type]
    scripted.on(READ_IN, invoice(status="paid"))
    assert connector.pay("in_1", key="pay:in_1:1") is True


@pytest.mark.parametrize("status", ["void", "uncollectible"])
def test_an_invoice_given_up_meanwhile_is_a_conflict(
    connector: StripeConnector, scripted: ScriptedStripe, status: str
) -> None:
    scripted.on(PAY, refusal(400))
    scripted.on(READ_IN, invoice(status=status))
    with pytest.raises(Conflict):
        connector.pay("in_1", key="pay:in_1:1")


def test_a_decline_that_cannot_be_read_back_is_unknown(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(PAY, DECLINED)
    scripted.on(READ_IN, refusal(503, type="api_error"))
    with pytest.raises(OutcomeUnknown):
        connector.pay("in_1", key="pay:in_1:1")


def test_a_bank_debit_under_way_is_unknown(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(PAY, invoice(status="open"))
    with pytest.raises(OutcomeUnknown, match="under way"):
        connector.pay("in_1", key="pay:in_1:1")


def test_a_payment_of_an_open_invoice_that_stripe_refuses_says_why(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(PAY, refusal(400, "invoice_no_payment_method_types"))
    scripted.on(READ_IN, invoice())
    with pytest.raises(Rejected, match="invoice_no_payment_method_types"):
        connector.pay("in_1", key="pay:in_1:1")


def test_a_refused_key_is_never_mistaken_for_a_decline(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(PAY, refusal(401))
    with pytest.raises(Unauthorized):
        connector.pay("in_1", key="pay:in_1:1")
