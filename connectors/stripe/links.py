"""Makes the link on which a customer replaces the card on file, and never opens it."""

from __future__ import annotations

from typing import Any

from connectors.stripe.client import StripeApi
from domain.errors import Bug, KidgloveError, Misconfigured, Rejected
from domain.ports import PaymentLink

PORTAL = "Dashboard > Settings > Billing > Customer portal"


class LinkMaker:
    """Implements `MakesPaymentLinks`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def make_link(self, customer: str, *, key: str) -> PaymentLink | KidgloveError:
        """See `MakesPaymentLinks.make_link`. The same key within a day gives the same link.

        VENDOR: a portal link dies after five minutes unused; `after_expiration` turns a dead one
        into a mail-verified new session with the same form
        (changelog/endive/2026-10-28/session-recovery-for-expired-customer-portal-sessions).
        """
        params: dict[str, Any] = {
            "customer": customer,
            "flow_data": {"type": "payment_method_update"},
            "after_expiration": {"type": "customer_login"},
        }
        try:
            body = self._api.post("billing_portal/sessions", params, key=key)
        except Rejected as error:
            return Misconfigured(
                f"no portal session for {customer}: {error.message}",
                row="stripe.portal",
                remedy=f"{PORTAL}: save the settings once, and allow to update payment methods.",
            )
        except KidgloveError as error:
            return error
        url = body.get("url")
        flow = body.get("flow")
        if not isinstance(url, str) or not url:
            return Bug(f"the portal session for {customer} has no address")
        recovery = body.get("after_expiration")
        return PaymentLink(
            url=url,
            opens=str(flow.get("type", "unknown")) if isinstance(flow, dict) else "portal",
            survives_expiry=isinstance(recovery, dict) and recovery.get("type") == "customer_login",
        )
