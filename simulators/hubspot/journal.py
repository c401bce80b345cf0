"""The webhooks journal: what changed, kept for three days, to be fetched in order by who missed it.

The bodies of the two calls come from HubSpot's own library; what stands in a journal's file is in
no library, so its shape here is ours and unverified.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from simulators.hubspot.access import require
from simulators.hubspot.calls import Call, Reply
from simulators.hubspot.errors import invalid, no_such_path, not_found
from simulators.hubspot.portal import Change, Portal
from simulators.hubspot.schema import iso

KEPT_FOR = timedelta(days=3)
URL_LIVES = timedelta(minutes=5)
MOST_PER_BATCH = 100
FILES = "/_files/journal/"
_ACTIONS = {
    "creation": "CREATE",
    "propertyChange": "UPDATE",
    "deletion": "DELETE",
    "merge": "MERGE",
    "restore": "RESTORE",
}


@dataclass(frozen=True)
class Entry:
    """One file of the journal: what one commit changed, as far as anybody subscribed to it."""

    offset: str
    at: datetime
    events: tuple[Any, ...]


@dataclass
class Subscription:
    """What is written into the journal; no properties and no ids mean all of them."""

    id: int
    wire: dict[str, Any]
    filters: dict[int, dict[str, Any]]


class Journal:
    """The entries, oldest first, and the files that were handed out."""

    def __init__(self, portal: Portal) -> None:
        self.url = ""
        self.subscriptions: dict[int, Subscription] = {}
        self._portal = portal
        self._entries: list[Entry] = []
        self._handed: dict[str, tuple[Entry, datetime]] = {}
        portal.watchers.append(self.tell)

    def tell(self, changes: list[Change]) -> None:
        """Keep what was subscribed to; called at commit, under the portal's lock."""
        both = [end for change in changes for end in _ends(change)]
        events = [
            event
            for subscription in self.subscriptions.values()
            if subscription.wire["portalId"] == self._portal.portal_id
            for event in self._events(subscription, both)
        ]
        if events:
            self.write(events)

    def write(self, events: Iterable[Any]) -> None:
        """An entry with exactly these events: of another portal of the app, or odd ones."""
        now = self._portal.clock.now()
        self._entries.append(Entry(str(uuid.uuid4()), now, tuple(events)))

    def kept(self) -> list[Entry]:
        """The entries of the last three days."""
        oldest = self._portal.clock.now() - KEPT_FOR
        self._entries = [entry for entry in self._entries if entry.at >= oldest]
        return self._entries

    def after(self, offset: str) -> list[Entry]:
        """What came after an entry; 404 when it is not kept any more."""
        places = {entry.offset: place for place, entry in enumerate(self.kept())}
        if offset not in places:
            raise not_found(f"No journal entry has the offset {offset}")
        return self._entries[places[offset] + 1 :]

    def handed(self, entry: Entry) -> dict[str, Any]:
        """Where to fetch an entry's file, for five minutes."""
        token = secrets.token_urlsafe(16)
        ends = self._portal.clock.now() + URL_LIVES
        self._handed[token] = (entry, ends)
        return {
            "url": f"{self.url}{FILES}{token}",
            "currentOffset": entry.offset,
            "expiresAt": iso(ends),
        }

    def file(self, token: str) -> Reply:
        """The file behind an address; whoever has the address may read it until it expires."""
        entry, ends = self._handed.get(token, (None, None))
        if entry is None or ends is None or ends <= self._portal.clock.now():
            return Reply(403, "<Error><Code>AccessDenied</Code></Error>", _XML)
        body = {
            "offset": entry.offset,
            "publishedAt": iso(entry.at),
            "journalEvents": list(entry.events),
        }
        return Reply(200, body)

    def _events(
        self, subscription: Subscription, changes: Iterable[Change]
    ) -> Iterable[dict[str, Any]]:
        wanted = subscription.wire
        told: dict[tuple[str, str], dict[str, Any]] = {}
        for change in changes:
            action = _action(change)
            type_id = self._portal.types[change.type].id
            if action not in wanted["actions"] or type_id != wanted["objectTypeId"]:
                continue
            if wanted.get("objectIds") and int(change.id) not in wanted["objectIds"]:
                continue
            names = wanted.get("properties") or []
            if action == "UPDATE" and names and change.name not in names:
                continue
            others = wanted.get("associatedObjectTypeIds") or []
            if others and self._portal.types[change.about["toType"]].id not in others:
                continue
            if not self._passes(subscription, change):
                continue
            event = told.setdefault((action, change.id), self._event(change, action, type_id))
            if change.name is not None:
                event.setdefault("properties", {})[change.name] = change.value
        return told.values()

    def _event(self, change: Change, action: str, type_id: str) -> dict[str, Any]:
        event = {
            "type": "association" if change.kind == "associationChange" else "object",
            "portalId": self._portal.portal_id,
            "occurredAt": iso(change.at),
            "action": action,
            "objectTypeId": type_id,
            "objectId": int(change.id),
            "changeSource": change.source.type,
            "sourceId": change.source.id,
        }
        if change.kind == "associationChange":
            to = self._portal.types[change.about["toType"]].id
            return event | {
                "associatedObjectTypeId": to,
                "associatedObjectId": int(change.about["toObjectId"]),
                "associationTypeId": change.about["typeId"],
            }
        return event | dict(change.about)

    def _passes(self, subscription: Subscription, change: Change) -> bool:
        record = self._portal.get(change.type, change.id)
        values: Mapping[str, str] = {} if record is None else record.values
        conditions = [
            condition
            for one in subscription.filters.values()
            for condition in one["filter"]["conditions"]
        ]
        return all(_holds(condition, values) for condition in conditions)


class JournalApi:
    """Answers for `/webhooks-journal/journal...`."""

    def __init__(self, portal: Portal, journal: Journal) -> None:
        self._portal = portal
        self._journal = journal

    def answer(self, call: Call) -> Reply:
        """One entry, or a batch of them; 204 when nothing is there yet."""
        require(call.grant, ("developer.webhooks_journal.read",))
        kept = self._journal.kept()
        match call.method, call.parts:
            case "GET", ("earliest",):
                return self._one(kept[:1])
            case "GET", ("latest",):
                return self._one(kept[-1:])
            case "GET", ("offset", offset, "next"):
                return self._one(self._journal.after(offset)[:1])
            case "GET", ("batch", "earliest", count):
                return self._batch(kept[: _count(count)])
            case "GET", ("batch", "latest", count):
                return self._batch(kept[-_count(count) :])
            case "GET", ("batch", offset, "next", count):
                return self._batch(self._journal.after(offset)[: _count(count)])
            case "POST", ("batch", "read"):
                wanted = call.record().get("inputs") or []
                return self._batch([entry for entry in kept if entry.offset in wanted])
            case _:
                raise no_such_path()

    def _one(self, entries: list[Entry]) -> Reply:
        return Reply(200, self._journal.handed(entries[0])) if entries else Reply(204)

    def _batch(self, entries: list[Entry]) -> Reply:
        now = iso(self._portal.now())
        shown = [self._journal.handed(entry) for entry in entries]
        body = {"status": "COMPLETE", "results": shown, "startedAt": now, "completedAt": now}
        return Reply(200, body)


class SubscriptionsApi:
    """Answers for `/webhooks-journal/subscriptions...`."""

    def __init__(self, portal: Portal, journal: Journal, app_id: str) -> None:
        self._portal = portal
        self._journal = journal
        self._app_id = app_id
        self._next = 500

    def answer(self, call: Call) -> Reply:
        """Read, make or end a subscription or one of its filters."""
        verb = "read" if call.method == "GET" else "write"
        require(call.grant, (f"developer.webhooks_journal.subscriptions.{verb}",))
        held = self._journal.subscriptions
        match call.method, call.parts:
            case "GET", ():
                return Reply(200, {"results": [one.wire for one in held.values()]})
            case "POST", ():
                return Reply(201, self._new(call))
            case "DELETE", ("portals", id):
                if id == str(self._portal.portal_id):
                    held.clear()
                return Reply(204)
            case "POST", ("filters",):
                body = call.record()
                one = self._held(str(body.get("subscriptionId")))
                made = self._mint()
                now = round(self._portal.clock.seconds() * 1000)
                one.filters[made] = {"id": made, "createdAt": now, "filter": body["filter"]}
                return Reply(201, {"filterId": made})
            case "GET", ("filters", "subscription", id):
                return Reply(200, list(self._held(id).filters.values()))
            case "GET" | "DELETE", ("filters", id):
                return self._filter(call.method, int(id))
            case "GET", (id,):
                return Reply(200, self._held(id).wire)
            case "DELETE", (id,):
                del held[self._held(id).id]
                return Reply(204)
            case _:
                raise no_such_path()

    def _new(self, call: Call) -> dict[str, Any]:
        given = call.record()
        one = self._portal.type_of(str(given.get("objectTypeId")))
        if one is None or given.get("subscriptionType") not in ("OBJECT", "ASSOCIATION"):
            raise invalid("A subscription needs a known objectTypeId and subscriptionType")
        if not given.get("actions"):
            raise invalid("A subscription needs actions")
        require(call.grant, one.reads)
        now = iso(self._portal.now())
        wire = {
            **given,
            "id": self._mint(),
            "appId": int(self._app_id),
            "objectTypeId": one.id,
            "portalId": int(given.get("portalId") or self._portal.portal_id),
            "createdAt": now,
            "updatedAt": now,
        }
        self._journal.subscriptions[wire["id"]] = Subscription(wire["id"], wire, {})
        return wire

    def _filter(self, method: str, id: int) -> Reply:
        for one in self._journal.subscriptions.values():
            if id in one.filters:
                if method == "GET":
                    return Reply(200, one.filters[id])
                del one.filters[id]
                return Reply(204)
        raise not_found(f"No filter {id}")

    def _held(self, id: str) -> Subscription:
        found = self._journal.subscriptions.get(int(id)) if id.isdigit() else None
        if found is None:
            raise not_found(f"No subscription {id}")
        return found

    def _mint(self) -> int:
        self._next += 1
        return self._next


_XML = {"Content-Type": "application/xml"}


def _action(change: Change) -> str:
    if change.kind == "associationChange":
        removed = change.about["associationRemoved"]
        return "ASSOCIATION_REMOVED" if removed else "ASSOCIATION_ADDED"
    return _ACTIONS[change.kind]


def _ends(change: Change) -> tuple[Change, ...]:
    """A change as every record in it sees it: a link has two ends."""
    if change.kind != "associationChange":
        return (change,)
    about = {
        **change.about,
        "toType": change.about["fromType"],
        "toObjectId": change.about["fromObjectId"],
        "typeId": change.about["reverseId"],
    }
    to = str(change.about["toType"]), str(change.about["toObjectId"])
    return (change, replace(change, type=to[0], id=to[1], about=about))


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_PER_BATCH:
        raise invalid(f"A batch holds 1 to {MOST_PER_BATCH} entries")
    return int(text)


def _holds(condition: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    text = values.get(str(condition.get("property")), "")
    value, several = condition.get("value") or "", condition.get("values") or []
    match condition.get("operator"):
        case "EQ":
            return text == value
        case "N_EQ":
            return text != value
        case "IN":
            return text in several
        case "NOT_IN":
            return text not in several
        case "IS_EMPTY":
            return text == ""
        case "IS_NOT_EMPTY":
            return text != ""
        case "CONTAINS":
            return value in text
        case "STARTS_WITH":
            return text.startswith(value)
        case "ENDS_WITH":
            return text.endswith(value)
        case _:
            return False
