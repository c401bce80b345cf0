"""Tiers and coupons that no list can carry, read once per process."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from connectors.stripe import wire
from connectors.stripe.client import StripeApi
from connectors.stripe.mrr import COUNTS, Catalog
from domain.errors import Gone

log = structlog.get_logger(__name__)


class CatalogReader:
    """Learns the prices and coupons that a customer's revenue needs.

    VENDOR: neither a price's tiers nor a coupon's reduction can be changed after creation
    (api/prices, api/coupons), so that what was learned stays true.
    """

    def __init__(self, api: StripeApi) -> None:
        self._api = api
        self._prices: dict[str, wire.Price] = {}
        self._coupons: dict[str, wire.Coupon] = {}

    def catalog(self, subscriptions: Sequence[wire.Subscription], *, urgent: bool) -> Catalog:
        for subscription in subscriptions:
            if subscription.status not in COUNTS:
                continue
            discounts = list(subscription.discounts)
            for item in subscription.items.data:
                discounts += item.discounts
                if item.price.billing_scheme == "tiered" and not item.price.tiers:
                    self._learn_price(item.price.id, urgent=urgent)
            for discount in discounts:
                if isinstance(discount, wire.Discount) and isinstance(discount.coupon, str):
                    self._learn_coupon(discount.coupon, urgent=urgent)
        return Catalog(prices=self._prices, coupons=self._coupons)

    def _learn_price(self, id: str, *, urgent: bool) -> None:
        if id not in self._prices:
            body = self._api.get("prices/{id}", {"expand": ["tiers"]}, id=id, urgent=urgent)
            self._prices[id] = wire.parse(wire.Price, body)

    def _learn_coupon(self, id: str, *, urgent: bool) -> None:
        if id not in self._coupons:
            params = {"expand": ["applies_to"]}
            try:
                body = self._api.get("coupons/{id}", params, id=id, urgent=urgent)
                self._coupons[id] = wire.parse(wire.Coupon, body)
            except Gone:
                # VENDOR: a deleted coupon goes on reducing, and nothing says by how much.
                log.warning("stripe.coupon_deleted", coupon=id)
