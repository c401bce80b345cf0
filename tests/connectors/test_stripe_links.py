"""The link for a new card: its kind, its afterlife, and that nobody of ours opens it."""

from __future__ import annotations

import pytest

from connectors.stripe.connector import StripeConnector
from domain.errors import Bug, Gone, Misconfigured, OutcomeUnknown
from domain.ports import PaymentLink
from tests.connectors.stripe_stage import Json, ScriptedStripe, connect, refusal

MAKE = "POST /v1/billing_portal/sessions"
URL = "https://billing.stripe.com/p/session/test_YWNjdF8x"


def session(**over: object) -> Json:
    return {
        "id": "bps_1",
        "object": "billing_portal.session",
        "url": URL,
        "flow": {"type": "payment_method_update"},
        "after_expiration": {"type": "customer_login"},
    } | over


@pytest.fixture
def scripted() -> ScriptedStripe:
    return ScriptedStripe()


@pytest.fixture
def connector(scripted: ScriptedStripe, monkeypatch: pytest.MonkeyPatch) -> StripeConnector:
    return connect(scripted, monkeypatch)


@pytest.mark.req("R78", partly="the check of a mail's body stands with the mail")
def test_the_link_opens_the_form_for_a_new_card(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(MAKE, session())
    link = connector.make_link("cus_1", key="link:1")
    assert link == PaymentLink(url=URL, opens="payment_method_update", survives_expiry=True)
    assert scripted.sent[0].params == {
        "customer": "cus_1",
        "flow_data[type]": "payment_method_update",
        "after_expiration[type]": "customer_login",
    }


@pytest.mark.req("R79", partly="that a scanner's GET leaves it usable is proven by the simulator")
def test_making_the_link_opens_nothing(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(MAKE, session())
    connector.make_link("cus_1", key="link:1")
    assert [f"{one.method} {one.path}" for one in scripted.sent] == [MAKE]


def test_the_link_is_in_no_log(
    connector: StripeConnector,
    scripted: ScriptedStripe,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    scripted.on(MAKE, session())
    connector.make_link("cus_1", key="link:1")
    written = capsys.readouterr()
    assert URL not in caplog.text + written.out + written.err


def test_a_link_without_an_afterlife_says_so(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(MAKE, session(after_expiration=None))
    link = connector.make_link("cus_1", key="link:1")
    assert isinstance(link, PaymentLink)
    assert link.survives_expiry is False


def test_a_portal_that_was_never_set_up_names_the_page(
    connector: StripeConnector, scripted: ScriptedStripe
) -> None:
    scripted.on(MAKE, refusal(400, message="No configuration provided"))
    error = connector.make_link("cus_1", key="link:1")
    assert isinstance(error, Misconfigured)
    assert "Customer portal" in error.remedy


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(400, "resource_missing", param="customer"), Gone),
        (refusal(503, type="api_error"), OutcomeUnknown),
        (session(url=""), Bug),
    ],
)
def test_a_failure_is_the_answer(
    connector: StripeConnector, scripted: ScriptedStripe, answer: Json, expected: type[Exception]
) -> None:
    scripted.on(MAKE, answer)
    assert isinstance(connector.make_link("cus_1", key="link:1"), expected)
