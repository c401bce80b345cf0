"""The front door of the simulated Stripe: keys, idempotency, limits, faults, pages, search."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
import requests
import stripe

from simulators.faults import Fault, Harm
from simulators.stripe import BLIND_KEY, PRODUCT_KEY, READ_ONLY_KEY
from tests.simulators.stripe_stage import DAY, HOUR, Stage, behaviour, stage

__all__ = ["behaviour", "stage"]


def _arm(stage: Stage, harm: Harm, **fault: Any) -> None:
    stage.sim.faults.arm(Fault(harm=harm, path="/v1/invoices/.*", **fault))


def test_a_wrong_key_is_not_let_in(stage: Stage) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        stage.client("sk_test_nonsense").v1.customers.list()


def test_a_restricted_key_is_told_which_permission_it_lacks(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    reader = stage.client(READ_ONLY_KEY)
    reader.v1.invoices.retrieve(invoice)
    with pytest.raises(stripe.PermissionError, match="rak_invoice_write"):
        reader.v1.invoices.pay(invoice)
    with pytest.raises(stripe.PermissionError, match="rak_invoice_read"):
        stage.client(BLIND_KEY).v1.invoice_payments.list({"invoice": invoice})
    held = stage.client(PRODUCT_KEY).v1.invoices.update(invoice, {"auto_advance": False})
    assert held.auto_advance is False


def test_a_key_of_ones_own_may_do_what_it_says(stage: Stage) -> None:
    stage.sim.add_key("rk_test_prices_only", {"plan_read"})
    client = stage.client("rk_test_prices_only")
    client.v1.prices.list()
    with pytest.raises(stripe.PermissionError, match="rak_product_read"):
        client.v1.products.list()


def test_every_answer_names_its_request_and_version(stage: Stage) -> None:
    answer = requests.get(
        f"{stage.sim.url}/v1/account",
        headers={
            "Authorization": f"Bearer {stage.sim.api_key}",
            "Stripe-Version": "2026-10-28.endive",
        },
        timeout=10,
    )
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"


def test_the_same_key_replays_the_same_answer(stage: Stage) -> None:
    customer, _, invoice = stage.failing_renewal()
    with pytest.raises(stripe.CardError) as first:
        stage.api.v1.invoices.pay(invoice, options={"idempotency_key": "pay:1"})
    stage.sim.set_card(customer, "good")
    with pytest.raises(stripe.CardError) as second:
        stage.api.v1.invoices.pay(invoice, options={"idempotency_key": "pay:1"})
    assert second.value.json_body == first.value.json_body
    assert second.value.headers is not None
    assert second.value.headers["Idempotent-Replayed"] == "true"
    assert stage.api.v1.invoices.pay(invoice, options={"idempotency_key": "pay:2"}).status == "paid"


def test_a_key_runs_again_after_a_day(stage: Stage) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "make"}
    first = stage.api.v1.customers.create({"name": "Acme"}, options)
    stage.clock.advance(23 * HOUR)
    assert stage.api.v1.customers.create({"name": "Acme"}, options).id == first.id
    stage.clock.advance(HOUR)
    assert stage.api.v1.customers.create({"name": "Acme"}, options).id != first.id


def test_a_key_does_not_serve_two_requests(stage: Stage) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "make"}
    stage.api.v1.customers.create({"name": "Acme"}, options)
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as other:
        stage.api.v1.customers.create({"name": "Other"}, options)
    assert other.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        stage.api.v1.products.create({"name": "Acme"}, options)


def test_a_request_that_failed_validation_keeps_no_key(stage: Stage) -> None:
    customer, subscription, _ = stage.failing_renewal()
    options: stripe.RequestOptions = {"idempotency_key": "pause"}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="future"):
            stage.api.v1.subscriptions.update(
                subscription,
                {"pause_collection": {"behavior": "void", "resumes_at": 1}},
                options,
            )
    stage.api.v1.customers.update(customer, {"name": "Now"}, options)


def test_a_twin_under_way_is_turned_away_with_409(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    _arm(stage, Harm.SLOW, seconds=0.3)
    options: stripe.RequestOptions = {"idempotency_key": "hold"}
    first = threading.Thread(
        target=stage.api.v1.invoices.update, args=(invoice, {"auto_advance": False}, options)
    )
    first.start()
    while not stage.sim.front.keys_running():
        pass
    with pytest.raises(stripe.StripeError) as twin:
        stage.api.v1.invoices.update(invoice, {"auto_advance": False}, options)
    first.join()
    assert twin.value.http_status == 409
    assert twin.value.headers is not None
    assert twin.value.headers["Stripe-Should-Retry"] == "true"
    assert stage.sim.get(invoice)["auto_advance"] is False


def test_an_armed_500_is_a_result_and_replays(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    _arm(stage, Harm.STATUS, status=500)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            stage.api.v1.invoices.update(
                invoice, {"auto_advance": False}, {"idempotency_key": "hold"}
            )
    assert stage.sim.get(invoice)["auto_advance"] is True


def test_the_librarys_own_retry_gets_past_a_503(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    _arm(stage, Harm.STATUS, status=503)
    patient = stage.client(stage.sim.api_key, max_network_retries=1)
    assert patient.v1.invoices.update(invoice, {"auto_advance": False}).auto_advance is False
    assert [call.status for call in stage.sim.writes()] == [503, 200]


@pytest.mark.parametrize(
    ("harm", "acted"),
    [
        (Harm.TIMEOUT_BEFORE, False),
        (Harm.RESET_BEFORE, False),
        (Harm.TIMEOUT_AFTER, True),
        (Harm.RESET_AFTER, True),
    ],
)
def test_a_broken_connection_may_hide_that_it_was_done(
    stage: Stage, harm: Harm, acted: bool
) -> None:
    _, _, invoice = stage.failing_renewal()
    _arm(stage, harm)
    options: stripe.RequestOptions = {"idempotency_key": "hold"}
    with pytest.raises(stripe.APIConnectionError):
        stage.api.v1.invoices.update(invoice, {"auto_advance": False}, options)
    assert stage.sim.get(invoice)["auto_advance"] is not acted
    again = stage.api.v1.invoices.update(invoice, {"auto_advance": False}, options)
    assert again.auto_advance is False
    assert [call.status for call in stage.sim.writes()] == [0, 200]
    told = [event["request"]["idempotency_key"] for event in stage.events("invoice.updated")]
    assert told.count("hold") == 1


def test_a_502_after_acting_keeps_the_true_result_under_the_key(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    _arm(stage, Harm.STATUS_AFTER, status=502)
    options: stripe.RequestOptions = {"idempotency_key": "hold"}
    with pytest.raises(stripe.APIError):
        stage.api.v1.invoices.update(invoice, {"auto_advance": False}, options)
    assert stage.api.v1.invoices.update(invoice, {"auto_advance": False}, options).id == invoice


def test_a_page_of_html_is_no_answer_the_library_can_read(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    _arm(stage, Harm.HTML, status=502)
    with pytest.raises(stripe.APIError) as broken:
        stage.api.v1.invoices.retrieve(invoice)
    assert broken.value.http_status == 502


@pytest.mark.parametrize(
    "reason",
    "global-rate endpoint-rate global-concurrency endpoint-concurrency resource-specific".split(),
)
def test_every_kind_of_429_names_its_limit(stage: Stage, reason: str) -> None:
    _arm(stage, Harm.VENDOR, body={"name": "rate_limit", "reason": reason})
    with pytest.raises(stripe.RateLimitError) as limited:
        stage.client(stage.sim.api_key, max_network_retries=2).v1.invoices.retrieve("in_x")
    assert limited.value.headers is not None
    assert limited.value.headers["Stripe-Rate-Limited-Reason"] == reason
    assert len(stage.sim.requests) == 1


def test_a_lock_is_another_429_and_worth_a_retry(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    _arm(stage, Harm.VENDOR, body={"name": "lock_timeout"})
    with pytest.raises(stripe.RateLimitError) as locked:
        stage.api.v1.invoices.retrieve(invoice)
    assert locked.value.error is not None
    assert locked.value.error.code == "lock_timeout"
    assert locked.value.headers is not None
    assert locked.value.headers["Stripe-Should-Retry"] == "true"
    assert "Stripe-Rate-Limited-Reason" not in locked.value.headers


def test_real_limits_count_per_virtual_second(stage: Stage) -> None:
    stage.sim.limits.per_endpoint = 2
    stage.api.v1.customers.list()
    stage.api.v1.customers.list()
    with pytest.raises(stripe.RateLimitError):
        stage.api.v1.customers.list()
    stage.api.v1.products.list()
    stage.clock.advance(DAY)
    stage.api.v1.customers.list()


def test_pages_go_both_ways_and_say_whether_more_follow(stage: Stage) -> None:
    made = [stage.sim.add_customer(f"C{n}", f"c{n}@example.com") for n in range(5)]
    listed = stage.api.v1.customers.list
    first = listed({"limit": 2})
    assert ([row.id for row in first.data], first.has_more) == ([made[4], made[3]], True)
    second = listed({"limit": 3, "starting_after": made[3]})
    assert ([row.id for row in second.data], second.has_more) == (made[2::-1], False)
    back = listed({"limit": 2, "ending_before": made[1]})
    assert ([row.id for row in back.data], back.has_more) == ([made[3], made[2]], True)
    assert [row.id for row in first.auto_paging_iter()] == made[::-1]
    with pytest.raises(stripe.InvalidRequestError):
        listed({"limit": 101})


def test_lists_filter_for_real(stage: Stage) -> None:
    customer, subscription, invoice = stage.failing_renewal()
    stage.failing_renewal()
    listed = stage.api.v1.invoices.list
    assert [row.id for row in listed({"customer": customer, "status": "open"}).data] == [invoice]
    assert len(listed({"subscription": subscription}).data) == 2
    assert len(listed({"created": {"gte": stage.sim.get(invoice)["created"]}}).data) == 2
    assert listed({"collection_method": "send_invoice"}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="Invalid status"):
        stage.api.raw_request("get", "/v1/invoices?status=failed")


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("data.payments", True),
        ("data.parent.subscription_details.subscription", True),
        ("data.payments.data.payment.payment_intent", False),
    ],
)
def test_four_levels_are_expanded_and_a_fifth_is_refused(
    stage: Stage, path: str, fits: bool
) -> None:
    stage.failing_renewal()
    refusal = pytest.raises(stripe.InvalidRequestError, match="more than 4 levels")
    with contextlib.nullcontext() if fits else refusal:
        stage.api.v1.invoices.list({"expand": [path]})


def test_what_cannot_be_expanded_is_refused(stage: Stage) -> None:
    stage.failing_renewal()
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(customer\)"):
        stage.api.v1.invoices.list({"expand": ["customer"]})


def test_payments_show_only_when_expanded(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    assert "payments" not in stage.api.v1.invoices.retrieve(invoice)
    assert "payments" in stage.api.v1.invoices.retrieve(invoice, {"expand": ["payments"]})


def test_search_speaks_stripes_language(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example", metadata={"tier": "vip"})
    stage.sim.add_customer("Other", "ap@other.example")
    found = stage.api.v1.customers.search
    assert [row.id for row in found({"query": "metadata['tier']:'vip'"}).data] == [customer]
    assert [row.id for row in found({"query": "email~'acme' AND created>0"}).data] == [customer]
    assert len(found({"query": "name:'Acme' OR name:'Other'"}).data) == 2
    assert [row.id for row in found({"query": "-name:'Other'"}).data] == [customer]
    with pytest.raises(stripe.InvalidRequestError, match="unsupported search field"):
        found({"query": "shoe_size:44"})


def test_search_may_lag(stage: Stage) -> None:
    stage.sim.behaviour.search_lag = HOUR
    stage.sim.add_customer("Acme", "ap@acme.example")
    assert stage.api.v1.customers.search({"query": "name:'Acme'"}).data == []
    stage.clock.advance(HOUR)
    assert len(stage.api.v1.customers.search({"query": "name:'Acme'"}).data) == 1


def test_finalized_invoices_take_little_and_paid_ones_less(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    update = stage.api.v1.invoices.update
    with pytest.raises(stripe.InvalidRequestError, match="collection_method"):
        update(invoice, {"collection_method": "send_invoice", "days_until_due": 3})
    stage.sim.customer_pays(invoice, card="good")
    update(invoice, {"metadata": {"hold": "1"}})
    assert stage.sim.get(invoice)["metadata"] == {"hold": "1"}
    with pytest.raises(stripe.InvalidRequestError, match="can't be updated in this way"):
        update(invoice, {"description": "x"})


def test_metadata_merges_and_an_empty_value_removes_a_key(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    update = stage.api.v1.invoices.update
    update(invoice, {"metadata": {"a": "1", "b": "2"}})
    update(invoice, {"metadata": {"a": ""}})
    assert stage.sim.get(invoice)["metadata"] == {"b": "2"}
    update(invoice, {"metadata": ""})
    assert stage.sim.get(invoice)["metadata"] == {}


def test_the_log_tells_every_call(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    stage.api.v1.invoices.update(invoice, {"auto_advance": False}, {"idempotency_key": "hold"})
    stage.api.v1.invoices.retrieve(invoice)
    call = stage.sim.writes()[0]
    assert (call.method, call.path, call.status) == ("POST", f"/v1/invoices/{invoice}", 200)
    assert (call.params, call.idempotency_key) == ({"auto_advance": "false"}, "hold")
    assert len(stage.sim.requests) == 2
    stage.sim.forget_requests()
    assert stage.sim.requests == []
