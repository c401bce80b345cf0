"""Building and moving the simulated world from a test or the demo: everything but the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from simulators.stripe import (
    dunning,
    endings,
    history,
    life,
    people,
    plans,
    routes_invoices,
    routes_subscriptions,
)
from simulators.stripe.cards import parse_card
from simulators.stripe.endpoints import Desk
from simulators.stripe.front import Front
from simulators.stripe.periods import boundary, length_in_months
from simulators.stripe.portal import Seen as PortalSeen
from simulators.stripe.world import Cause, Obj, World, clone


class Verbs:
    """What a test does to the account. Each verb takes the world's lock."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.world: World = front.world

    def add_webhook_endpoint(
        self, url: str, events: Sequence[str] = ("*",), *, api_version: str | None = None
    ) -> tuple[str, str]:
        """Register an endpoint; its id and its signing secret."""
        with self.world.lock:
            endpoint, secret = self._front.hooks.add(url, list(events), api_version)
            return endpoint["id"], secret

    def roll_secret(self, endpoint: str, *, overlap: timedelta = timedelta(hours=24)) -> str:
        """A new signing secret; for `overlap` hooks carry two signatures."""
        with self.world.lock:
            return self._front.hooks.roll(endpoint, overlap=overlap)

    def resend(self, event: str, endpoint: str) -> None:
        """The Dashboard's "resend" button."""
        with self.world.lock:
            self._front.hooks.send(self.world.get("event", event), endpoint)

    def add_customer(
        self,
        name: str,
        email: str | None,
        *,
        card: str | None = "good",
        metadata: Mapping[str, str] | None = None,
        country: str = "US",
        currency: str = "usd",
        id: str | None = None,
    ) -> str:
        """A customer with a default card that behaves as `card` says; None: no card."""
        world = self.world
        with world.lock, self._person():
            customer = people.new_customer(
                world,
                id=id,
                name=name,
                email=email,
                currency=currency,
                metadata=dict(metadata or {}),
            )
            if card is not None:
                method = people.new_method(world, parse_card(card), country=country)
                people.attach(world, method, customer)
                people.set_default(world, customer, method["id"])
            return str(customer["id"])

    def add_subscription(
        self,
        customer: str,
        *,
        amount: int | None = None,
        currency: str = "usd",
        interval: str = "month",
        interval_count: int = 1,
        quantity: int = 1,
        started_months_ago: int = 0,
        next_renewal_in: timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
        description: str | None = None,
        id: str | None = None,
        history: Sequence[history.Entry] = (),
        next_invoice_number: str | None = None,
        product: str = "Plan",
        price: str | None = None,
        coupon: str | None = None,
    ) -> str:
        """A running subscription with its paid past; `amount` is per unit, in minor units.

        `price` names an existing price instead. The card of the customer counts from the next
        renewal on; the past was paid except for what `history` tells.
        """
        world = self.world
        with world.lock, self._person():
            owner = world.customer(customer)
            if price is not None:
                chosen = world.get("price", price, param="price")
            elif amount is not None:
                chosen = self._price(product, amount, currency, interval, interval_count)
            else:
                raise ValueError("say either amount or price")
            recurring = chosen["recurring"]
            rhythm = (recurring["interval"], recurring["interval_count"])
            now = world.now()
            if next_renewal_in is None:
                renewal = boundary(now, *rhythm, 1)
            else:
                renewal = now + int(next_renewal_in.total_seconds())
            periods = 1 + int(started_months_ago / length_in_months(*rhythm) + 1e-9)
            periods = max([periods, *(entry[1] for entry in history)])
            start = boundary(renewal, *rhythm, -periods)
            subscription = plans.new_subscription(
                world,
                owner,
                [(chosen, quantity)],
                anchor=renewal,
                step=-periods,
                created=start,
                id=id,
                metadata=dict(metadata or {}),
                description=description,
            )
            if coupon is not None:
                found = plans.new_discount(
                    world, coupon, customer=customer, subscription=subscription["id"]
                )
                subscription["discounts"] = [found]
            self._finish(subscription, periods, history, next_invoice_number)
            return str(subscription["id"])

    def _finish(
        self,
        subscription: Obj,
        periods: int,
        entries: Sequence[history.Entry],
        next_invoice_number: str | None,
    ) -> None:
        world = self.world
        history.write_history(world, subscription, periods, entries)
        rhythm = world.rhythms[subscription["id"]]
        rhythm.step = -1
        rhythm.next_invoice_number = next_invoice_number
        period = life.current_period(world, subscription)
        subscription["items"] = life.items_with_period(subscription, period)
        world.emit("customer.subscription.created", subscription)
        life.schedule_renewal(world, subscription)

    def add_price(
        self,
        *,
        amount: int | str | None = None,
        currency: str = "usd",
        interval: str = "month",
        interval_count: int = 1,
        tiers: Sequence[Mapping[str, Any]] = (),
        tiers_mode: str | None = None,
        usage_type: str = "licensed",
        product: str = "Plan",
    ) -> str:
        """A price of any shape; tiers as in the API (`up_to`, `unit_amount`, `flat_amount`)."""
        world = self.world
        with world.lock, self._person():
            spec = plans.PriceSpec(
                currency=currency,
                unit_amount=None if amount is None else str(amount),
                interval=interval,
                interval_count=interval_count,
                usage_type=usage_type,
                tiers=tuple(dict(tier) for tier in tiers),
                tiers_mode=tiers_mode or ("graduated" if tiers else None),
            )
            return str(plans.new_price(world, self._product(product), spec)["id"])

    def _product(self, name: str) -> str:
        for product in self.world.newest_first("product"):
            if product["name"] == name:
                return str(product["id"])
        return str(plans.new_product(self.world, name)["id"])

    def _price(self, product: str, amount: int, currency: str, interval: str, count: int) -> Obj:
        world = self.world
        owner = self._product(product)
        rhythm = {"interval": interval, "interval_count": count}
        for price in world.newest_first("price"):
            if (
                price["product"] == owner
                and price["unit_amount"] == amount
                and price["currency"] == currency
                and price["recurring"] is not None
                and rhythm.items() <= price["recurring"].items()
                and price["transform_quantity"] is None
                and price["recurring"]["usage_type"] == "licensed"
            ):
                return price
        spec = plans.PriceSpec(
            currency=currency, unit_amount=str(amount), interval=interval, interval_count=count
        )
        return plans.new_price(world, owner, spec)

    def set_card(self, customer: str, card: str) -> None:
        """The bank changes its mind about the default card; nobody is told."""
        world = self.world
        with world.lock:
            owner = world.customer(customer)
            chosen = owner["invoice_settings"]["default_payment_method"]
            if chosen is None:
                raise ValueError(f"{customer} has no default card")
            world.cards[chosen] = parse_card(card)

    def customer_updates_card(self, customer: str, card: str = "good") -> str:
        """The customer enters a new card in the portal: attached and default; its id."""
        world = self.world
        with world.lock, self._person():
            owner = world.customer(customer)
            method = people.new_method(world, parse_card(card))
            people.attach(world, method, owner)
            people.set_default(world, owner, method["id"])
            return str(method["id"])

    def network_updates_card(self, customer: str) -> None:
        """The card network renews the default card by itself: new expiry, good again."""
        world = self.world
        with world.lock:
            chosen = world.customer(customer)["invoice_settings"]["default_payment_method"]
            method = world.get("payment_method", chosen)
            world.cards[chosen] = parse_card("good")
            for life_ in world.lives.values():
                if life_.wasted_on == chosen:
                    life_.wasted_on = None
            year = method["card"]["exp_year"] + 4
            world.edit(method, "payment_method.automatically_updated", {"card.exp_year": year})

    def customer_pays(self, invoice: str, *, card: str | None = None) -> bool:
        """The customer pays on the hosted page, with the card on file or a new one."""
        world = self.world
        with world.lock, self._person():
            found = world.get("invoice", invoice)
            if found["status"] not in ("open", "uncollectible"):
                raise ValueError(f"{invoice} is {found['status']}, nothing to pay")
            method = None
            if card is not None:
                method = people.new_method(world, parse_card(card))
                people.attach(world, method, world.customer(found["customer"]))
            return dunning.pay(world, found, method, on_session=True) is None

    def dashboard_update_invoice(self, invoice: str, **fields: Any) -> None:
        """A colleague changes an invoice in the Dashboard."""
        world = self.world
        with world.lock, self._person():
            routes_invoices.update(world, world.get("invoice", invoice), _form(fields))

    def dashboard_update_subscription(self, subscription: str, **fields: Any) -> None:
        """A colleague changes a subscription in the Dashboard; None unsets a field."""
        with self.world.lock, self._person():
            routes_subscriptions.update_subscription(self._desk(subscription, fields))

    def dashboard_cancel_subscription(self, subscription: str) -> None:
        """A colleague cancels a subscription now."""
        with self.world.lock, self._person():
            endings.cancel(self.world, self.world.get("subscription", subscription))

    def void(self, invoice: str) -> None:
        """A colleague voids an invoice."""
        with self.world.lock, self._person():
            endings.void(self.world, self.world.get("invoice", invoice))

    def mark_uncollectible(self, invoice: str) -> None:
        """A colleague forgives an invoice."""
        with self.world.lock, self._person():
            found = self.world.get("invoice", invoice)
            endings.mark_uncollectible(self.world, found, "user_forgiven")

    def scan_portal(self, url: str) -> PortalSeen:
        """A mail scanner fetches a portal link; that uses nothing up."""
        with self.world.lock:
            return self._front.portal.scan(url)

    def customer_opens_portal(
        self, url: str, *, email: str | None = None, card: str | None = None
    ) -> PortalSeen:
        """A person opens a portal link; with `card` they also enter a new card if it works."""
        with self.world.lock:
            seen = self._front.portal.visit(url, email=email)
            session = self._front.portal.session(url)
        if card is not None and seen in ("open", "recovered"):
            self.customer_updates_card(session["customer"], card)
        return seen

    def invoices(self, customer: str, status: str | None = None) -> list[Obj]:
        """The customer's invoices, oldest first."""
        with self.world.lock:
            rows = [clone(row) for row in self.world.newest_first("invoice", customer)]
            return [row for row in reversed(rows) if status in (None, row["status"])]

    def get(self, id: str) -> Obj:
        """Any object by its id; KeyError when there is none."""
        with self.world.lock:
            found = self.world.anything(id)
            if found is None:
                raise KeyError(id)
            copy: Obj = clone(found)
            return copy

    def _person(self) -> AbstractContextManager[None]:
        return self.world.caused_by(Cause(self._front.new_request(), None))

    def _desk(self, id: str, fields: Mapping[str, Any]) -> Desk:
        front = self._front
        return Desk(self.world, front.hooks, front.portal, (id,), _form(fields))


def _form(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(int(value.timestamp()))
    if isinstance(value, Mapping):
        return {key: _form(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_form(part) for part in value]
    return str(value)
