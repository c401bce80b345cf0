"""Steering the simulated Stripe from another process, and comparing whole worlds."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import requests
import stripe

from tests.simulators.stripe_stage import DAY, HOUR, Inbox, Stage, behaviour, inbox, stage

__all__ = ["behaviour", "inbox", "stage"]


def _call(stage: Stage, method: str, path: str, /, **fields: Any) -> Any:
    answer = requests.request(method, f"{stage.sim.url}/_sim/{path}", json=fields, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_whole_story_can_be_told_over_http(stage: Stage, inbox: Inbox) -> None:
    endpoint, secret = _call(stage, "POST", "do/add_webhook_endpoint", url=inbox.url)
    assert endpoint.startswith("we_")
    assert secret.startswith("whsec_")
    customer = _call(
        stage,
        "POST",
        "do/add_customer",
        name="Acme",
        email="ap@acme.example",
        card="declines:insufficient_funds",
    )
    _call(
        stage,
        "POST",
        "do/add_subscription",
        customer=customer,
        amount=900,
        next_renewal_in=86400,
        history=[["failed_then_paid", 2, 5]],
    )
    _call(stage, "POST", "clock/advance", days=1, hours=2)
    assert [mail["kind"] for mail in _call(stage, "GET", "mails")] == ["payment_failed"]
    assert _call(stage, "POST", "delivery/flush") == len(inbox.got) > 0
    invoice = _call(stage, "POST", "do/invoices", customer=customer, status="open")[0]
    assert _call(stage, "POST", "do/customer_pays", invoice=invoice["id"], card="good") is True
    state = requests.get(f"{stage.sim.url}/_sim/state?volatile=false", timeout=10).json()
    assert state["objects"]["invoice"][invoice["id"]]["status"] == "paid"


def test_the_clock_can_be_read_and_set_flowing(stage: Stage) -> None:
    before = _call(stage, "GET", "clock")
    assert before["rate"] == 0
    assert _call(stage, "POST", "clock/rate", rate=60)["rate"] == 60
    assert _call(stage, "POST", "clock/rate", rate=0)["seconds"] >= before["seconds"]


def test_faults_are_armed_listed_and_cleared(stage: Stage) -> None:
    _call(stage, "POST", "faults", harm="status", status=503, path="/v1/customers")
    assert _call(stage, "GET", "faults")[0]["status"] == 503
    with pytest.raises(stripe.APIError):
        stage.api.v1.customers.list()
    _call(stage, "POST", "faults", harm="status", status=503, times=None)
    assert _call(stage, "DELETE", "faults") == []
    stage.api.v1.customers.list()


def test_switches_and_dials_are_turned(stage: Stage) -> None:
    assert _call(stage, "POST", "behaviour", on_resume="charge_soon", mail_delay=0, retry_days=[1])
    assert stage.sim.behaviour.on_resume == "charge_soon"
    assert _call(stage, "POST", "delivery", loss=0.5)["loss"] == 0.5
    assert _call(stage, "POST", "limits", per_account=1)["per_account"] == 1
    stage.api.v1.customers.list()
    with pytest.raises(stripe.RateLimitError):
        stage.api.v1.customers.list()
    assert [call["status"] for call in _call(stage, "GET", "requests")] == [200, 429]
    assert _call(stage, "DELETE", "requests") == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("do/add_customer", {"name": "Acme"}),
        ("do/make_coffee", {}),
        ("do/get", {"id": "in_nobody"}),
        ("faults", {"harm": "earthquake"}),
        ("behaviour", {"no_such_switch": 1}),
    ],
)
def test_a_wrong_order_is_answered_with_the_reason(
    stage: Stage, path: str, fields: dict[str, Any]
) -> None:
    answer = requests.post(f"{stage.sim.url}/_sim/{path}", json=fields, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_the_verbs_are_listed_with_what_they_take(stage: Stage) -> None:
    verbs = _call(stage, "GET", "")
    assert "next_renewal_in" in verbs["add_subscription"]
    assert {"add_customer", "set_card", "customer_pays", "void", "get"} <= set(verbs)


def test_a_world_is_json_and_two_equal_stories_make_equal_worlds(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    before = stage.sim.state(volatile=False)
    assert json.loads(json.dumps(stage.sim.state()))["requests"] == []
    stage.api.v1.invoices.retrieve(invoice)
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.v1.invoices.update(invoice, {"description": "no"})
    stage.api.v1.invoices.update(invoice, {"auto_advance": True})
    assert stage.sim.state(volatile=False) == before
    stage.api.v1.invoices.update(invoice, {"auto_advance": False})
    assert stage.sim.state(volatile=False) != before


def test_the_mailer_counts_by_customer_and_without_receipts(stage: Stage) -> None:
    one, _, _ = stage.failing_renewal()
    stage.failing_renewal(card="good")
    stage.clock.advance(HOUR)
    assert [mail.kind for mail in stage.sim.mailer.sent] == ["payment_failed", "receipt"]
    assert [mail.customer for mail in stage.sim.mailer.robotic()] == [one]
    assert stage.sim.mailer.robotic("cus_other") == []


def test_a_test_clock_moves_the_whole_account(stage: Stage) -> None:
    customer = stage.sim.add_customer("Acme", "ap@acme.example")
    stage.sim.add_subscription(customer, amount=900, next_renewal_in=DAY)
    now = int(stage.clock.seconds())
    clocks = stage.api.v1.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": now})
    assert clocks.advance(clock.id, {"frozen_time": now + 2 * 86400}).status == "advancing"
    assert clocks.retrieve(clock.id).status == "ready"
    assert len(stage.sim.invoices(customer, "paid")) == 2


def test_callers_and_the_clock_never_wait_for_each_other(stage: Stage) -> None:
    _, _, invoice = stage.failing_renewal()
    start = threading.Barrier(4)

    def toggle() -> None:
        start.wait()
        for turn in range(20):
            stage.api.v1.invoices.update(invoice, {"auto_advance": bool(turn % 2)})

    def advance() -> None:
        start.wait()
        for _ in range(40):
            stage.clock.advance(HOUR)

    threads = [threading.Thread(target=work) for work in (toggle, toggle, advance, advance)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert len(stage.sim.writes()) == 40
    assert {call.status for call in stage.sim.writes()} == {200}
