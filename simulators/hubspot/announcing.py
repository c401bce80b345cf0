"""How the account tells others: webhooks in arrays, signed, and tried again for a day."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from simulators.hooks import Post, Postman
from simulators.hubspot.portal import Change, Portal
from simulators.hubspot.schema import ObjectType

RETRY_AFTER = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, 120, 180, 240, 300, 480)
)
"""Ten more tries within 24 hours; the waits are ours, HubSpot spreads them by chance."""
MOST_PER_DELIVERY = 100
_CLASSIC = ("companies", "contacts", "deals", "tickets")
_KINDS = ("creation", "deletion", "merge", "restore", "propertyChange", "associationChange")
_SILENT = ("hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events")
_DECODED = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}


@dataclass(frozen=True)
class Subscription:
    """One thing to be told of, such as `company.propertyChange:hold`."""

    id: int
    kind: str
    type: ObjectType
    name: str | None
    generic: bool

    @property
    def text(self) -> str:
        """The `subscriptionType` of its events."""
        return f"{'object' if self.generic else self.type.singular}.{self.kind}"


@dataclass
class _Delivery:
    id: str
    events: list[dict[str, Any]]
    sealed: bool = False
    tries: int = 0


@dataclass
class Watch:
    """Who is told of what. `signed_url` is what the signature covers, `url` where it is sent."""

    url: str
    signed_url: str
    subscriptions: tuple[Subscription, ...]
    delivery: _Delivery | None = field(default=None)


class Announcer:
    """Watches commits and posts what was subscribed to, up to 100 events at a time.

    With `repeat_event_ids`, all events carry one id, which HubSpot never promised to be unique.
    """

    def __init__(
        self, portal: Portal, postman: Postman, *, app_id: str, secret: str, seed: int
    ) -> None:
        self.watches: list[Watch] = []
        self.repeat_event_ids = False
        self.secret = secret
        self._portal = portal
        self._postman = postman
        self._app_id = app_id
        self._random = random.Random(seed)
        self._events = itertools.count(3_944_863_254)
        self._subscriptions = itertools.count(3_327_050)
        portal.watchers.append(self.tell)

    def watch(self, url: str, subscriptions: Sequence[str], signed_url: str | None = None) -> None:
        """Start telling `url`.

        A subscription is `company.creation` or `company.propertyChange:name` for what has words of
        its own, and `object.creation:0-27` or `object.propertyChange:0-27:name` for everything.
        ValueError for what cannot be subscribed to.
        """
        made = tuple(self._subscription(text) for text in subscriptions)
        self.watches.append(Watch(url, signed_url or url, made))

    def tell(self, changes: list[Change]) -> None:
        """Queue what the watches ask for; called at commit, under the portal's lock."""
        for watch in self.watches:
            for change in changes:
                for one in watch.subscriptions:
                    for event in self._concerning(one, change):
                        self._add(watch, event)

    def _subscription(self, text: str) -> Subscription:
        named, _, rest = text.partition(":")
        noun, _, kind = named.partition(".")
        generic = noun == "object"
        type_name, _, name = rest.partition(":") if generic else (noun, "", rest)
        found = self._portal.type_of(type_name)
        if found is None or kind not in _KINDS:
            raise ValueError(f"nothing is known of {text}")
        if not generic and found.name not in _CLASSIC:
            raise ValueError(f"{text}: use object.{kind}:{found.id}")
        if kind == "propertyChange":
            one = found.properties.get(name)
            if one is None or one.calculated or name in _SILENT:
                raise ValueError(f"{text}: {name or 'no property'} cannot be subscribed to")
        elif name:
            raise ValueError(f"{text}: only a propertyChange names a property")
        return Subscription(next(self._subscriptions), kind, found, name or None, generic)

    def _concerning(self, one: Subscription, change: Change) -> Iterator[dict[str, Any]]:
        if change.kind != one.kind:
            return
        if one.kind == "associationChange":
            about = change.about
            ends = (("from", "to"), ("to", "from"))
            for start, end in ends if about["fromType"] != about["toType"] else ends[:1]:
                if about[f"{start}Type"] == one.type.name:
                    yield self._event(one, change, _association(self._portal, about, start, end))
        elif change.type == one.type.name and change.name == one.name:
            yield self._event(one, change, {})

    def _event(
        self, one: Subscription, change: Change, association: Mapping[str, Any]
    ) -> dict[str, Any]:
        event: dict[str, Any] = {
            "eventId": 1 if self.repeat_event_ids else next(self._events),
            "subscriptionId": one.id,
            "portalId": self._portal.portal_id,
            "appId": int(self._app_id),
            "occurredAt": round(change.at.timestamp() * 1000),
            "subscriptionType": one.text,
            "attemptNumber": 0,
            "changeSource": change.source.type,
            "sourceId": change.source.id,
        }
        if one.generic:
            event |= {"objectTypeId": one.type.id, "isSensitive": False}
        match change.kind:
            case "associationChange":
                return event | dict(association)
            case "merge":
                return event | {"objectId": int(change.id)} | dict(change.about)
            case "propertyChange":
                named = {"propertyName": change.name, "propertyValue": change.value}
                return event | {"objectId": int(change.id)} | named
            case "creation":
                return event | {"objectId": int(change.id), "changeFlag": "CREATED"}
            case "deletion":
                return event | {"objectId": int(change.id), "changeFlag": "DELETED"}
            case _:
                return event | {"objectId": int(change.id), "changeFlag": "RESTORED"}

    def _add(self, watch: Watch, event: dict[str, Any]) -> None:
        waiting = watch.delivery
        if waiting and not waiting.sealed and len(waiting.events) < MOST_PER_DELIVERY:
            waiting.events.append(event)
            return
        watch.delivery = made = _Delivery(f"delivery-{event['eventId']}", [event])

        def make() -> tuple[bytes, Mapping[str, str]]:
            return self._made(watch, made)

        self._postman.send(Post(made.id, watch.url, make, lambda status, _: 200 <= status < 300))
        if made.id in self._postman.dropped:
            watch.delivery = None

    def _made(self, watch: Watch, delivery: _Delivery) -> tuple[bytes, Mapping[str, str]]:
        with self._portal.lock:
            delivery.sealed = True
            events = [{**one, "attemptNumber": delivery.tries} for one in delivery.events]
            delivery.tries += 1
            if self._postman.dial.shuffle:
                self._random.shuffle(events)
            stamp = str(round(self._portal.clock.seconds() * 1000))
        body = json.dumps(events, ensure_ascii=False, separators=(",", ":")).encode()
        return body, {
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks)",
            "X-HubSpot-Signature": hashlib.sha256(self.secret.encode() + body).hexdigest(),
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Request-Timestamp": stamp,
            "X-HubSpot-Signature-v3": signature(self.secret, "POST", watch.signed_url, body, stamp),
        }


def signature(secret: str, method: str, url: str, body: bytes, stamp: str) -> str:
    """The v3 signature of a request: base64 of an HMAC-SHA256 over its parts."""
    signed = f"{method}{decoded(url)}".encode() + body + stamp.encode()
    made = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return base64.b64encode(made).decode()


def decoded(url: str) -> str:
    """The URL as it is signed: twelve escapes are decoded, all others stay."""
    for escape, character in _DECODED.items():
        url = url.replace(escape, character).replace(escape.lower(), character)
    return url


def _association(portal: Portal, about: Mapping[str, Any], start: str, end: str) -> dict[str, Any]:
    names = (portal.types[about[f"{side}Type"]].singular.upper() for side in (start, end))
    return {
        "associationType": "_TO_".join(names),
        "fromObjectId": int(about[f"{start}ObjectId"]),
        "toObjectId": int(about[f"{end}ObjectId"]),
        "associationRemoved": about["associationRemoved"],
        "isPrimaryAssociation": about["isPrimaryAssociation"],
    }
