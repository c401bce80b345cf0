"""API keys of the simulated account. None of them is or ever was a real one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulators.stripe.errors import ApiError
from simulators.stripe.shapes import ACCOUNT

FULL_KEY = "sk_test_simulated_full_access_no_secret"
"""May do everything."""
READ_ONLY_KEY = "rk_test_simulated_read_only_no_secret"
"""The audit's key: every read permission, no write."""
PRODUCT_KEY = "rk_test_simulated_product_no_secret"
"""What the product needs: reads, invoices, subscriptions, customers, portal, webhook endpoints."""
BLIND_KEY = "rk_test_simulated_no_invoices_no_secret"
"""Reads everything but invoices: for the message that names the missing permission."""

_READS = frozenset(
    "customer_read subscription_read invoice_read charge_read payment_intent_read "
    "payment_method_read product_read plan_read coupon_read event_read".split()
)
_PRODUCT = _READS | frozenset(
    "invoice_write subscription_write customer_write customer_portal_write customer_portal_read "
    "webhook_write webhook_read".split()
)


@dataclass(frozen=True)
class Key:
    """A key and its permissions (without `rak_`); None means all."""

    secret: str
    permissions: frozenset[str] | None = None

    def may(self, permission: str | None) -> bool:
        """Whether the key has a permission; a write permission includes the read."""
        if permission is None or self.permissions is None:
            return True
        write = re.sub("_read$", "_write", permission)
        return permission in self.permissions or write in self.permissions


def default_keys() -> dict[str, Key]:
    """The keys every simulated account has."""
    return {
        FULL_KEY: Key(FULL_KEY),
        READ_ONLY_KEY: Key(READ_ONLY_KEY, _READS),
        PRODUCT_KEY: Key(PRODUCT_KEY, _PRODUCT),
        BLIND_KEY: Key(BLIND_KEY, _READS - {"invoice_read"}),
    }


def masked(secret: str) -> str:
    """A key as Stripe shows it in messages."""
    return f"{secret[:8]}{'*' * 10}{secret[-4:]}"


def unauthorized(secret: str | None) -> ApiError:
    """401 for no key or a wrong one."""
    if secret is None:
        return ApiError(
            401,
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY').",
            headers={"WWW-Authenticate": 'Bearer realm="Stripe"'},
        )
    return ApiError(401, f"Invalid API Key provided: {masked(secret)}")


def forbidden(key: Key, permission: str) -> ApiError:
    """403 that names the missing permission."""
    return ApiError(
        403,
        f"The provided key '{masked(key.secret)}' does not have the required permissions for this "
        f"endpoint on account '{ACCOUNT}'. Having the 'rak_{permission}' permission would allow "
        "this request to continue.",
    )
