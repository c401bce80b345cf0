"""Each row of the table, and that nothing hopeful hides behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.stripe.errors import TABLE, Declined, Refusal, translate
from domain.errors import (
    Bug,
    Gone,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)


def refused(status: int | None, code: str | None = None, **more: Any) -> KidgloveError:
    asked: dict[str, Any] = {"type": "invalid_request_error", "is_write": True} | more
    return translate(Refusal(call="POST invoices/{id}", status=status, code=code, **asked))


@pytest.mark.parametrize(
    ("status", "type", "code", "on_read", "on_write"),
    [
        (429, "invalid_request_error", "lock_timeout", Transient, Transient),
        (429, "invalid_request_error", "rate_limit", RateLimited, RateLimited),
        (429, None, None, RateLimited, RateLimited),
        (400, "invalid_request_error", "rate_limit", RateLimited, RateLimited),
        (400, "invalid_request_error", "lock_timeout", Transient, Transient),
        (409, "idempotency_error", "idempotency_key_in_use", Transient, Transient),
        (409, "invalid_request_error", None, Transient, Transient),
        (400, "idempotency_error", None, Bug, Bug),
        (401, "invalid_request_error", None, Unauthorized, Unauthorized),
        (400, "invalid_request_error", "api_key_expired", Unauthorized, Unauthorized),
        (400, "invalid_request_error", "platform_api_key_expired", Unauthorized, Unauthorized),
        (400, "invalid_request_error", "secret_key_required", Unauthorized, Unauthorized),
        (403, "invalid_request_error", None, Misconfigured, Misconfigured),
        (400, "invalid_request_error", "livemode_mismatch", Misconfigured, Misconfigured),
        (400, "invalid_request_error", "testmode_charges_only", Misconfigured, Misconfigured),
        (404, "invalid_request_error", "url_invalid", Misconfigured, Misconfigured),
        (404, "invalid_request_error", "resource_missing", Gone, Gone),
        (400, "invalid_request_error", "resource_missing", Gone, Gone),
        (402, "card_error", "card_declined", Declined, Declined),
        (
            400,
            "invalid_request_error",
            "invoice_payment_intent_requires_action",
            Declined,
            Declined,
        ),
        (400, "invalid_request_error", "parameter_unknown", Bug, Bug),
        (400, "invalid_request_error", "parameter_missing", Bug, Bug),
        (400, "invalid_request_error", "invoice_not_editable", Rejected, Rejected),
        (400, "invalid_request_error", None, Rejected, Rejected),
        (424, "api_error", None, Transient, OutcomeUnknown),
        (500, "api_error", None, Transient, OutcomeUnknown),
        (502, None, None, Transient, OutcomeUnknown),
        (503, "api_error", None, Transient, OutcomeUnknown),
        (504, None, None, Transient, OutcomeUnknown),
        (200, None, None, Bug, OutcomeUnknown),
    ],
)
def test_each_answer_has_its_class(
    status: int, type: str, code: str, on_read: type[Exception], on_write: type[Exception]
) -> None:
    read, written = (
        refused(status, code, type=type, is_write=is_write) for is_write in (False, True)
    )
    assert (read.__class__, written.__class__) == (on_read, on_write)


def test_every_row_is_reached_by_its_own_answer() -> None:
    for row in TABLE:
        wanted = Refusal(
            call="x", is_write=False, status=row.status or 400, type=row.type, code=row.code
        )
        first = next(
            one
            for one in TABLE
            if one.status in (None, wanted.status)
            and one.type in (None, wanted.type)
            and one.code in (None, wanted.code)
        )
        assert first is row


@pytest.mark.parametrize("status", [None, 100, 302, 404, 410, 418, 451, 599])
def test_what_nobody_explained_is_a_bug_and_never_transient(status: int | None) -> None:
    assert isinstance(refused(status, "never_heard_of", type="new_error"), Bug)


def test_a_missing_permission_is_named_with_the_remedy() -> None:
    message = "The provided key 'rk_test_abc123' does not have 'rak_invoice_write'."
    error = refused(403, message=message)
    assert isinstance(error, Misconfigured)
    assert error.row == "rak_invoice_write"
    assert "rak_invoice_write" in error.remedy


def test_the_wait_that_the_answer_names_is_kept() -> None:
    error = refused(429, headers={"Retry-After": "7"})
    assert isinstance(error, RateLimited)
    assert error.after == timedelta(seconds=7)


@pytest.mark.parametrize("value", ["", "soon", "-3", "Wed, 21 Oct 2026 07:28:00 GMT", "٣"])
def test_a_wait_that_is_no_number_is_none(value: str) -> None:
    error = refused(429, headers={"Retry-After": value})
    assert isinstance(error, RateLimited)
    assert error.after is None


def test_the_field_that_was_refused_is_named() -> None:
    error = refused(400, param="pause_collection[resumes_at]")
    assert isinstance(error, Rejected)
    assert error.field == "pause_collection[resumes_at]"


def test_no_secret_and_no_address_gets_into_the_message() -> None:
    error = refused(400, message="No such customer for ap@example.com with sk_live_topsecret1")
    assert "ap@example.com" not in error.message
    assert "topsecret1" not in error.message
