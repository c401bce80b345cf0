"""The account's objects, in the order Stripe lists them, and the record of every change."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.clock import SimClock
from simulators.stripe import shapes
from simulators.stripe.behaviour import Behaviour
from simulators.stripe.cards import CardSpec
from simulators.stripe.errors import missing
from simulators.stripe.mailer import Mailer

Obj = dict[str, Any]
Place = tuple[int, int, str]
_NESTS = frozenset({dict, list})


def clone(node: Any) -> Any:
    """A deep copy of JSON."""
    kind = type(node)
    if kind is dict:
        return {
            key: clone(value) if type(value) in _NESTS else value for key, value in node.items()
        }
    if kind is list:
        return [clone(part) if type(part) in _NESTS else part for part in node]
    return node


def difference(old: Any, new: Any) -> Any:
    """What `previous_attributes` shows for a field that went from `old` to `new`."""
    hashes = isinstance(old, dict) and isinstance(new, dict) and "object" not in old
    if not hashes:
        return clone(old)
    return {
        key: difference(old.get(key), new.get(key))
        for key in [*old, *(key for key in new if key not in old)]
        if old.get(key) != new.get(key)
    }


@dataclass
class InvoiceLife:
    """What Stripe knows about collecting one invoice and does not show."""

    token: int = 0
    first_failed_at: int | None = None
    window_from: int | None = None
    planned_for: int | None = None
    last_pay: str | None = None
    wasted_on: str | None = None
    ended: bool = False
    automation_ended: bool = False
    automation_run: int = 0
    asks: bool = False
    number: str | None = None


@dataclass
class Rhythm:
    """From which moment a subscription's periods are counted, and how many are over."""

    anchor: int
    interval: str
    count: int
    step: int = 0
    opening: int | None = None
    token: int = 0
    next_invoice_number: str | None = None


@dataclass(frozen=True)
class Cause:
    """Who made a change: null ids mean Stripe itself."""

    request: str | None = None
    key: str | None = None


@dataclass
class Shelf:
    """All objects of one kind, and which belong to whom."""

    items: dict[str, Obj] = field(default_factory=dict)
    order: list[Place] = field(default_factory=list)
    owned: dict[str, list[Place]] = field(default_factory=dict)


OWNER = {"invoice_payment": "invoice", "discount": "subscription"}
"""By which field a kind is looked up most; `customer` for the others."""


class World:
    """One account's truth. Every method expects the caller to hold `lock`."""

    def __init__(self, clock: SimClock, behaviour: Behaviour, *, seed: int = 0) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.lock = threading.RLock()
        self.mailer = Mailer(clock)
        self.cause = Cause()
        self.cards: dict[str, CardSpec] = {}
        self.lives: dict[str, InvoiceLife] = {}
        self.rhythms: dict[str, Rhythm] = {}
        self.tiers: dict[str, list[Obj]] = {}
        self.announce: Callable[[Obj], None] = lambda event: None
        self.shelves: dict[str, Shelf] = {}
        self.deleted_customers: set[str] = set()
        self.invoice_pages = "https://invoice.stripe.com"
        self.portal_pages = "https://billing.stripe.com"
        self.seed = seed
        self._pretended: float | None = None
        self._counters: dict[str, itertools.count[int]] = {}
        self._places: dict[str, Place] = {}
        self._serial = itertools.count()

    def now(self) -> int:
        """The virtual moment in whole seconds, as Stripe shows it."""
        seconds = self.clock.seconds() if self._pretended is None else self._pretended
        return int(seconds + 1e-6)

    @property
    def is_history(self) -> bool:
        """Whether the past is being written: no events, no mails."""
        return self._pretended is not None

    @contextlib.contextmanager
    def pretending(self, moment: float) -> Iterator[None]:
        """Write history: inside, it is `moment`, and nobody hears of anything."""
        before, self._pretended = self._pretended, moment
        try:
            yield
        finally:
            self._pretended = before

    def at(self, moment: float, step: Callable[[], None]) -> None:
        """Let Stripe itself do `step` at `moment`: under the lock, with no request as cause."""

        def play() -> None:
            with self.lock, self.caused_by(Cause()):
                step()

        self.clock.at(datetime.fromtimestamp(moment, UTC), play)

    def after(self, delay: timedelta, step: Callable[[], None]) -> None:
        """Let Stripe itself do `step`, `delay` from now."""
        self.at(self.clock.seconds() + delay.total_seconds(), step)

    @contextlib.contextmanager
    def caused_by(self, cause: Cause) -> Iterator[None]:
        """Write `cause` into the events made inside."""
        before, self.cause = self.cause, cause
        try:
            yield
        finally:
            self.cause = before

    def new_id(self, prefix: str) -> str:
        """The next id of a kind; the same story makes the same ids."""
        number = next(self._counters.setdefault(prefix, itertools.count(1)))
        return f"{prefix}_{self.seed}Sim{number:010d}"

    def put(self, obj: Obj) -> Obj:
        """Add a new object."""
        shelf = self.shelves.setdefault(obj["object"], Shelf())
        place = (obj.get("created", 0), next(self._serial), obj["id"])
        shelf.items[obj["id"]] = obj
        self._places[obj["id"]] = place
        bisect.insort(shelf.order, place)
        owner = obj.get(OWNER.get(obj["object"], "customer"))
        if isinstance(owner, str):
            bisect.insort(shelf.owned.setdefault(owner, []), place)
        return obj

    def give(self, obj: Obj, owner: str) -> None:
        """Note that `obj` belongs to `owner` from now on."""
        shelf = self.shelves[obj["object"]]
        places = shelf.owned.setdefault(owner, [])
        if self._places[obj["id"]] not in places:
            bisect.insort(places, self._places[obj["id"]])

    def drop(self, obj: Obj) -> None:
        """Take an object out for good."""
        shelf = self.shelves[obj["object"]]
        place = self._places.pop(obj["id"])
        del shelf.items[obj["id"]]
        shelf.order.remove(place)
        for places in shelf.owned.values():
            if place in places:
                places.remove(place)

    def find(self, kind: str, id: str | None) -> Obj | None:
        """The object, or None."""
        shelf = self.shelves.get(kind)
        return shelf.items.get(id) if shelf is not None and id is not None else None

    def get(self, kind: str, id: str, *, param: str = "id") -> Obj:
        """The object, or Stripe's `resource_missing`."""
        found = self.find(kind, id)
        if found is None:
            raise missing(kind.rsplit(".", 1)[-1], id, param=param)
        return found

    def anything(self, id: str) -> Obj | None:
        """The object with that id, of whatever kind."""
        for shelf in self.shelves.values():
            if id in shelf.items:
                return shelf.items[id]
        return None

    def newest_first(
        self, kind: str, owner: str | None = None, *, before: Place | None = None
    ) -> Iterator[Obj]:
        """All objects of a kind, or all of one owner, in Stripe's list order, after a cursor."""
        shelf = self.shelves.get(kind)
        if shelf is None:
            return
        places = shelf.order if owner is None else shelf.owned.get(owner, [])
        start = len(places) if before is None else bisect.bisect_left(places, before)
        for index in range(start - 1, -1, -1):
            yield shelf.items[places[index][2]]

    def place(self, id: str) -> Place | None:
        """Where an object stands in its list."""
        return self._places.get(id)

    def alter(self, obj: Obj, changes: Mapping[str, Any]) -> Obj:
        """Set fields (dotted names reach inside); returns `previous_attributes`."""
        previous: Obj = {}
        for path, new in changes.items():
            *parents, leaf = path.split(".")
            node, shown = obj, previous
            for parent in parents:
                node = node[parent]
            if node.get(leaf) == new:
                continue
            for parent in parents:
                shown = shown.setdefault(parent, {})
            shown[leaf] = difference(node.get(leaf), new)
            node[leaf] = new
        return previous

    def edit(self, obj: Obj, event: str, changes: Mapping[str, Any]) -> bool:
        """Set fields and tell so; says whether anything changed."""
        previous = self.alter(obj, changes)
        if previous:
            self.emit(event, obj, previous)
        return bool(previous)

    def emit(self, type: str, obj: Obj, previous: Obj | None = None) -> Obj:
        """Record an event with a copy of the object, and announce it to the endpoints."""
        if self._pretended is not None:
            return {"pending_webhooks": 0}
        event = shapes.event(
            self.new_id("evt"),
            self.now(),
            type,
            clone(obj),
            request={"id": self.cause.request, "idempotency_key": self.cause.key},
        )
        if previous is not None:
            event["data"]["previous_attributes"] = clone(previous)
        self.put(event)
        self.announce(event)
        return event

    def customer(self, id: str) -> Obj:
        return self.get("customer", id, param="customer")

    def life(self, invoice: Obj) -> InvoiceLife:
        return self.lives.setdefault(invoice["id"], InvoiceLife())

    def subscription_of(self, invoice: Obj) -> Obj | None:
        """The subscription that an invoice bills, or None."""
        parent = invoice["parent"]
        if parent is None or parent["type"] != "subscription_details":
            return None
        return self.find("subscription", parent["subscription_details"]["subscription"])

    def payment_of(self, invoice: Obj) -> Obj | None:
        """The default invoice payment of an invoice, or None while it is a draft."""
        for payment in self.newest_first("invoice_payment", invoice["id"]):
            if payment["is_default"]:
                return payment
        return None

    def intent_of(self, invoice: Obj) -> Obj | None:
        """The payment intent of an invoice, or None while it is a draft."""
        payment = self.payment_of(invoice)
        if payment is None:
            return None
        return self.find("payment_intent", payment["payment"].get("payment_intent"))
