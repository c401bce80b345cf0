"""The one place that knows Stripe's SDK: pinned version, our timeouts, our retries, counted calls.

Bodies come back as plain JSON through `raw_request`. The SDK's own objects are not built: for a
page of 100 invoices that costs 0.33 s against 4 ms for the JSON, and a missing key in them raises
far from here. `connectors/stripe/wire.py` gives the JSON its types.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests
import stripe

from connectors.kit.http import Timeouts, new_session
from connectors.kit.limits import Limiter, Unlimited
from connectors.kit.retry import Retry
from connectors.kit.transport import transport_error
from connectors.stripe.errors import Refusal, translate
from connectors.stripe.versions import API_VERSION
from domain.boundary import assert_no_transaction
from domain.errors import Bug, KidgloveError, OutcomeUnknown, RateLimited

stripe.enable_telemetry = False  # VENDOR: otherwise an id file is written into the home directory
stripe.set_app_info("Kidglove")
# The SDK logs every address at INFO and whole bodies at DEBUG.
logging.getLogger("stripe").setLevel(logging.WARNING)

PAUSE = timedelta(seconds=1)
"""After a 429 without a wait: Stripe's windows are seconds, and all workers share the account."""


class StripeApi:
    """Calls Stripe: reads and key-carrying writes, each answer a JSON object.

    Every call raises the error class of `connectors.stripe.errors`, or `HttpInTransaction` when a
    database transaction is open. A write whose answer is lost is repeated under its key for some
    seconds and is then `OutcomeUnknown`. `calls` counts requests by method and resource.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        limiter: Limiter | None = None,
        timeouts: Timeouts | None = None,
        retry: Retry | None = None,
        pool: int = 10,
    ) -> None:
        timeouts = timeouts or Timeouts()
        self.calls: Counter[str] = Counter()
        self.is_test_key = "_test_" in api_key
        self._limiter = limiter or Unlimited()
        self._retry = retry or Retry()
        self._lock = threading.Lock()
        self._server_time: datetime | None = None
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": base_url.rstrip("/")} if base_url else None,
            max_network_retries=0,
            http_client=stripe.RequestsClient(
                timeout=timeouts.pair, session=new_session(timeouts=timeouts, pool=pool)
            ),
        )

    @property
    def server_time(self) -> datetime | None:
        """Stripe's clock as of the last answer, None before the first."""
        return self._server_time

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        urgent: bool = True,
    ) -> dict[str, Any]:
        """Read `path` (like "invoices/{id}"). Repeating it is free of consequences."""
        return self._call("get", path, params, id=id, key=None, urgent=urgent)

    def post(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        key: str | None,
        id: str | None = None,
    ) -> dict[str, Any]:
        """Write to `path` under the idempotency key. Without a key it is never repeated."""
        return self._call("post", path, params, id=id, key=key, urgent=True)

    def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        *,
        id: str | None,
        key: str | None,
        urgent: bool,
    ) -> dict[str, Any]:
        call = f"{method.upper()} {path}"
        url = "/v1/" + path.replace("{id}", quote(id or "", safe=""))
        options = dict(params or {})
        if key is not None:
            options["idempotency_key"] = key
        assert_no_transaction(call)

        def once() -> dict[str, Any]:
            with self._limiter.slot(urgent):
                return self._once(method, url, options, call=call)

        return self._retry(once, is_repeatable=method == "get" or key is not None)

    def _once(
        self, method: str, url: str, options: Mapping[str, Any], *, call: str
    ) -> dict[str, Any]:
        with self._lock:
            self.calls[call] += 1
        try:
            answer = self._client.raw_request(method, url, **options)
        except stripe.APIConnectionError as error:
            raise self._unanswered(error, call=call, is_write=method != "get") from error
        except stripe.StripeError as error:
            raise self._refused(error, call=call, is_write=method != "get") from error
        except UnicodeDecodeError as error:
            # VENDOR: the SDK decodes each body for its log before it looks at it.
            raise _unreadable(call, is_write=method != "get") from error
        self._note_time(answer.headers)
        if not isinstance(answer.data, dict):
            raise _unreadable(call, is_write=method != "get")
        return answer.data

    def _unanswered(
        self, error: stripe.APIConnectionError, *, call: str, is_write: bool
    ) -> KidgloveError:
        # VENDOR: the SDK wraps whatever its HTTP session raises, our own refusals too.
        cause = error.__cause__
        if isinstance(cause, KidgloveError):
            return cause
        if isinstance(cause, requests.RequestException):
            return transport_error(cause, call=call, is_write=is_write)
        return Bug(f"{call}: the SDK failed with {type(cause).__name__}")

    def _refused(self, error: stripe.StripeError, *, call: str, is_write: bool) -> KidgloveError:
        headers = error.headers or {}
        self._note_time(headers)
        body = error.json_body if isinstance(error.json_body, dict) else {}
        told = body.get("error")
        told = told if isinstance(told, dict) else {}
        refused = translate(
            Refusal(
                call=call,
                is_write=is_write,
                status=error.http_status,
                type=_word(told, "type"),
                code=_word(told, "code"),
                param=_word(told, "param"),
                decline_code=_word(told, "decline_code"),
                advice_code=_word(told, "advice_code"),
                message=_word(told, "message") or "",
                request_id=error.request_id,
                headers=headers,
            )
        )
        # VENDOR: this reason is about one object, the others about all we do (rate-limits).
        is_about_one = headers.get("Stripe-Rate-Limited-Reason") == "resource-specific"
        if isinstance(refused, RateLimited) and not is_about_one:
            self._limiter.pause(refused.after or PAUSE)
        return refused

    def _note_time(self, headers: Mapping[str, str]) -> None:
        date = headers.get("Date")
        if date:
            try:
                self._server_time = parsedate_to_datetime(date)
            except ValueError:
                self._server_time = None


def _unreadable(call: str, *, is_write: bool) -> KidgloveError:
    text = f"{call}: Stripe answered with something other than a JSON object"
    return OutcomeUnknown(text) if is_write else Bug(text)


def _word(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None
