"""Examines the key, the permissions, the webhook endpoint and the portal, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.stripe.client import StripeApi
from connectors.stripe.dashboard import DASHBOARD_ONLY
from connectors.stripe.events import EVENTS
from connectors.stripe.versions import API_VERSION
from domain.errors import Gone, KidgloveError, Misconfigured, Rejected, Unauthorized
from domain.ports import Finding, Health

SKEW = timedelta(seconds=60)
"""A fifth of the signature's tolerance, which leaves room for slow deliveries."""
NOBODY = "kidglove_doctor_probe"
"""An id that no object has: a permitted write to it is answered "no such object"."""
READS = (
    ("customers", "rak_customer_read"),
    ("subscriptions", "rak_subscription_read"),
    ("invoices", "rak_invoice_read"),
    ("charges", "rak_charge_read"),
    ("prices", "rak_plan_read"),
    ("coupons", "rak_coupon_read"),
    ("events", "rak_event_read"),
)
WRITES: tuple[tuple[str, str, Mapping[str, Any], str], ...] = (
    ("quiet invoices", "invoices/{id}", {"auto_advance": False}, "rak_invoice_write"),
    ("quiet subscriptions", "subscriptions/{id}", {"metadata": {}}, "rak_subscription_write"),
    ("make payment links", "billing_portal/sessions", {"customer": NOBODY}, "customer portal"),
)
ENDPOINTS = "Dashboard > Developers > Webhooks"


class Doctor:
    """Implements `Examines`."""

    def __init__(
        self, api: StripeApi, clock: Callable[[], datetime], *, webhook_url: str | None = None
    ) -> None:
        self._api = api
        self._clock = clock
        self._webhook_url = webhook_url

    def examine(self) -> Sequence[Finding]:
        """See `Examines.examine`: about a dozen calls, none of which can change anything."""
        key = self._key()
        found = [key]
        if key.health is not Health.WRONG:
            found += [self._readable(path, scope) for path, scope in READS]
            found += [self._writable(*one) for one in WRITES]
            found.append(self._clocks())
            found += self._endpoint()
            found.append(self._portal())
        return [*found, *DASHBOARD_ONLY]

    def _key(self) -> Finding:
        try:
            body = self._api.get("customers", {"limit": 1})
        except Misconfigured:
            body = {}
        except Unauthorized as error:
            return _wrong("key", error)
        except KidgloveError as error:
            return Finding(
                check="key", health=Health.WRONG, detail=error.message, remedy=error.remedy
            )
        rows = body.get("data") or [{}]
        says_live = rows[0].get("livemode")
        is_live = not self._api.is_test_key
        mode = "live mode" if is_live else "test mode"
        if isinstance(says_live, bool) and says_live is not is_live:
            return Finding(
                check="key",
                health=Health.WRONG,
                detail=f"the key is of {mode}, the account's data is of the other",
                remedy="Use the key of the mode that is meant.",
            )
        return Finding(check="key", health=Health.OK, detail=f"{mode}, API version {API_VERSION}")

    def _readable(self, path: str, scope: str) -> Finding:
        check = f"read {path}"
        try:
            self._api.get(path, {"limit": 1})
        except KidgloveError as error:
            return _wrong(check, error)
        return Finding(check=check, health=Health.OK, detail=scope)

    def _writable(self, what: str, path: str, params: Mapping[str, Any], scope: str) -> Finding:
        try:
            self._api.post(path, params, id=NOBODY, key=None)
        except (Gone, Rejected):
            return Finding(check=what, health=Health.OK, detail=scope)
        except KidgloveError as error:
            return _wrong(what, error)
        return Finding(
            check=what,
            health=Health.UNKNOWN,
            detail="a write to an object that does not exist was accepted",
            remedy="Check that the base address is Stripe's.",
        )

    def _clocks(self) -> Finding:
        theirs = self._api.server_time
        if theirs is None:
            return Finding(
                check="clock", health=Health.UNKNOWN, detail="Stripe's answers carry no date"
            )
        skew = abs(self._clock() - theirs)
        if skew > SKEW:
            return Finding(
                check="clock",
                health=Health.WRONG,
                detail=f"this machine and Stripe differ by {int(skew.total_seconds())} s",
                remedy="Let this machine keep its time by NTP: webhooks are refused beyond 300 s.",
            )
        return Finding(
            check="clock", health=Health.OK, detail=f"{int(skew.total_seconds())} s apart"
        )

    def _endpoint(self) -> list[Finding]:
        check = "webhook endpoint"
        if self._webhook_url is None:
            return [
                Finding(
                    check=check,
                    health=Health.UNKNOWN,
                    detail="our public address is not configured, so the endpoint is not known",
                    remedy="Set the public address; lost events are listed every few minutes.",
                )
            ]
        try:
            body = self._api.get("webhook_endpoints", {"limit": 100})
        except KidgloveError as error:
            return [_wrong(check, error)]
        rows = [one for one in body.get("data") or [] if isinstance(one, dict)]
        ours = [one for one in rows if _same(str(one.get("url")), self._webhook_url)]
        if not ours:
            return [
                Finding(
                    check=check,
                    health=Health.WRONG,
                    detail=f"no endpoint sends to {self._webhook_url}",
                    remedy=f"{ENDPOINTS}: add it with API version {API_VERSION} and the events of "
                    "docs/setup-stripe.md.",
                )
            ]
        return [finding for one in ours for finding in _endpoint_findings(one)]

    def _portal(self) -> Finding:
        check = "customer portal"
        try:
            body = self._api.get("billing_portal/configurations", {"is_default": True, "limit": 1})
        except KidgloveError as error:
            return _wrong(check, error)
        rows = [one for one in body.get("data") or [] if isinstance(one, dict)]
        if not rows:
            return Finding(
                check=check,
                health=Health.WRONG,
                detail="there is no default configuration, so no payment link can be made",
                remedy="Dashboard > Settings > Billing > Customer portal: save it once.",
            )
        update = (rows[0].get("features") or {}).get("payment_method_update") or {}
        if not rows[0].get("active") or not update.get("enabled"):
            return Finding(
                check=check,
                health=Health.WRONG,
                detail="the default configuration does not let customers update their card",
                remedy="Dashboard > Settings > Billing > Customer portal > Payment methods.",
            )
        return Finding(check=check, health=Health.OK, detail="customers may update their card")


def _endpoint_findings(endpoint: Mapping[str, Any]) -> list[Finding]:
    name = f"webhook endpoint {endpoint.get('id')}"
    found = []
    if endpoint.get("status") != "enabled":
        found.append(
            Finding(
                check=name,
                health=Health.WRONG,
                detail=f"it is {endpoint.get('status')}",
                remedy=f"{ENDPOINTS}: enable it.",
            )
        )
    version = endpoint.get("api_version")
    if version != API_VERSION:
        found.append(
            Finding(
                check=name,
                health=Health.WRONG,
                detail=f"it sends {version or 'the account default version'}, not {API_VERSION}",
                remedy=f"{ENDPOINTS}: a version cannot be changed; add a second endpoint with "
                f"{API_VERSION}, give us its secret as well, then remove the first.",
            )
        )
    events = endpoint.get("enabled_events") or []
    missing = [] if "*" in events else [one for one in EVENTS if one not in events]
    if missing:
        found.append(
            Finding(
                check=name,
                health=Health.WRONG,
                detail=f"{len(missing)} events are missing: {', '.join(missing)}",
                remedy=f"{ENDPOINTS}: add them.",
            )
        )
    return found or [
        Finding(check=name, health=Health.OK, detail=f"{API_VERSION}, all {len(EVENTS)} events")
    ]


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _wrong(check: str, error: KidgloveError) -> Finding:
    return Finding(check=check, health=Health.WRONG, detail=error.message, remedy=error.remedy)
