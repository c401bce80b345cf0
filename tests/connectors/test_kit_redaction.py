"""Nothing that opens a door, and nobody's address, is ever written down."""

from __future__ import annotations

import pytest
import structlog

from connectors.kit.redaction import MASK, redact, redact_event

SECRETS = [
    "sk_live_51AbCdEfGhIjKlMnOp",
    "rk_test_51AbCdEfGhIjKlMnOp",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "pi_3Qabc_secret_Zyx987",
    "pat-na1-1a2b3c4d-1111-2222-3333-444455556666",
    "00D5e000001ABCDEAC!AQcAQH0dMHZfz972Szmpkb58urFRkgeBGsxL_QJWwYMfAbUeeG7c1E6LYUfiDUkWe6H34",
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl",
    "https://billing.stripe.com/p/session/test_YWNjdF8x",
    "https://invoice.stripe.com/i/acct_x/live_YWNj",
    "http://127.0.0.1:8931/p/session/bps_1/secretpart",
    "ap+invoices@customer.example.co.uk",
    "Bearer abcdefgh12345678",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_does_not_survive_in_a_sentence(secret: str) -> None:
    assert secret not in redact(f"before {secret} after")


@pytest.mark.parametrize("secret", SECRETS)
def test_what_stands_around_a_secret_survives(secret: str) -> None:
    cleaned = redact(f"before {secret} after")
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


@pytest.mark.parametrize("secret", SECRETS)
def test_cleaning_twice_changes_nothing_more(secret: str) -> None:
    once = redact(f"x {secret} y")
    assert redact(once) == once


def test_a_password_inside_an_address_is_masked_and_the_host_is_kept() -> None:
    cleaned = redact("postgresql+psycopg://kid:hunter2@db.internal:5432/kidglove")
    assert cleaned == f"postgresql+psycopg://kid:{MASK}@db.internal:5432/kidglove"


def test_tokens_in_a_query_are_masked() -> None:
    cleaned = redact("GET https://x.example/cb?code=4/abc&state=9&access_token=zzz")
    assert cleaned == f"GET https://x.example/cb?code={MASK}&state=9&access_token={MASK}"


@pytest.mark.parametrize(
    "harmless",
    [
        "invoice in_1QabcDEF of cus_N1 is open",
        "quiet_invoice:invoice:in_1:2",
        "https://dashboard.stripe.com/test/customers/cus_1",
        "2026-11-21T09:58:00+00:00",
    ],
)
def test_what_people_need_stays(harmless: str) -> None:
    assert redact(harmless) == harmless


def test_the_processor_cleans_names_values_and_what_is_nested() -> None:
    event = redact_event(
        None,
        "info",
        {
            "event": "effect.failed",
            "account": 7,
            "api_key": "anything",
            "error": "no mail to ap@example.com",
            "answer": {"authorization": "x", "urls": ["https://billing.stripe.com/p/session/a"]},
            "raw": b"12345",
        },
    )
    assert event == {
        "event": "effect.failed",
        "account": 7,
        "api_key": MASK,
        "error": "no mail to [mail]",
        "answer": {"authorization": MASK, "urls": [f"https://billing.stripe.com/{MASK}"]},
        "raw": "[5 bytes]",
    }


def test_an_exception_written_as_text_is_cleaned_too() -> None:
    lines: list[str] = []
    log = structlog.wrap_logger(
        _Sink(lines),
        processors=[
            structlog.processors.format_exc_info,
            redact_event,
            structlog.processors.KeyValueRenderer(),
        ],
    )
    try:
        raise ValueError("refused for ap@example.com with sk_live_abc123")
    except ValueError:
        log.exception("it.failed")
    assert "ap@example.com" not in lines[0]
    assert "abc123" not in lines[0]


class _Sink:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def error(self, message: str) -> None:
        self._lines.append(message)
