"""How the org tells others: outbound messages (SOAP) and flow callouts (JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from simulators.clock import SimClock
from simulators.hooks import Post, Postman
from simulators.salesforce.derived import closed_status, value_of
from simulators.salesforce.org import Change, Org, Row
from simulators.salesforce.schema import Kind
from simulators.salesforce.values import show

_OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_MOST_PER_ENVELOPE = 100


def _growing() -> tuple[timedelta, ...]:
    waits, total, wait = [], 0, 10
    while total + wait <= 24 * 3600:
        waits.append(timedelta(seconds=wait))
        total += wait
        wait = min(wait * 2, 2 * 3600)
    return tuple(waits)


RETRY_AFTER = _growing()
"""Outbound messages: growing waits of at most 2 hours."""
_LIFE = timedelta(hours=24)
"""An outbound message older than this is dropped, however often it was tried."""


class OrgPostman(Postman):
    """One dial for both kinds: outbound messages are retried for a day, flow callouts never.

    A flow callout that fails without a Salesforce update behind it is not retried at all.
    """

    def __init__(self, clock: SimClock, *, seed: int = 0) -> None:
        super().__init__(clock, retry_after=RETRY_AFTER, seed=seed)
        self._flows = Postman(clock, retry_after=(), seed=seed + 1)
        self._flows.delivered = self.delivered
        self._flows.dropped = self.dropped

    def call_out(self, post: Post) -> None:
        """Queue a flow callout."""
        self._flows.dial = self.dial
        self._flows.send(post)

    def flush(self) -> int:
        """Deliver everything queued now; returns how many requests were made."""
        self._flows.dial = self.dial
        return super().flush() + self._flows.flush()

    def idle(self) -> bool:
        """True when nothing is queued or under way."""
        return super().idle() and self._flows.idle()


@dataclass
class _Notification:
    id: str
    object: str
    record: str


@dataclass
class _Envelope:
    id: str
    notes: list[_Notification]
    sealed: bool = False


@dataclass
class Watch:
    """Who is told about which fields, and how. `echoes` False leaves out the sync's own edits."""

    url: str
    kind: str
    fields: tuple[str, ...]
    echoes: bool
    api_key: str
    api_key_header: str
    action: str
    envelope: _Envelope | None = field(default=None)


class Announcer:
    """Watches commits and posts; payloads are built when they travel, from the latest state."""

    def __init__(
        self, org: Org, postman: OrgPostman, organization: str, integration_user: str
    ) -> None:
        self.watches: list[Watch] = []
        self._org = org
        self._postman = postman
        self._organization = organization
        self._integration_user = integration_user
        org.watchers.append(self.tell)

    def watch(
        self,
        url: str,
        kind: str,
        fields: Sequence[str],
        *,
        echoes: bool,
        api_key: str,
        api_key_header: str,
    ) -> Watch:
        """Start telling `url`; kind is outbound_message or flow."""
        if kind not in ("outbound_message", "flow"):
            raise ValueError(f"unknown kind of watch: {kind}")
        for name in fields:
            if name not in self._org.schema["Account"].fields:
                raise KeyError(f"Account has no field {name}")
        action = self._org.mint.next("04k")
        made = Watch(url, kind, tuple(fields), echoes, api_key, api_key_header, action)
        self.watches.append(made)
        return made

    def tell(self, changes: list[Change]) -> None:
        """Post what the watches ask for; called at commit, under the org's lock."""
        for watch in self.watches:
            told: set[str] = set()
            for change in changes:
                if change.id in told or not self._concerns(watch, change):
                    continue
                told.add(change.id)
                until = self._org.pending_until(change.id)
                if until is None:
                    self._post(watch, change)
                else:
                    # Sent when the transaction is through, so that a re-read finds it.
                    self._org.clock.at(until, partial(self._post_later, watch, change))

    def _concerns(self, watch: Watch, change: Change) -> bool:
        before, after = change.before, change.after
        if before is None or after is None:
            return False
        if change.user == self._integration_user and not watch.echoes:
            return False
        if change.object == "Account":
            return any(before.get(name) != after.get(name) for name in watch.fields)
        if change.object == "Task" and watch.kind == "flow" and after.get("Dunning_Key__c"):
            was = closed_status(self._org, before.get("Status"))
            return not was and closed_status(self._org, after.get("Status"))
        return False

    def _post_later(self, watch: Watch, change: Change) -> None:
        with self._org.lock:
            self._post(watch, change)

    def _post(self, watch: Watch, change: Change) -> None:
        if watch.kind == "flow":
            self._callout(watch, change)
            return
        note = _Notification(self._org.mint.next("04l"), change.object, change.id)
        waiting = watch.envelope
        if waiting and not waiting.sealed and len(waiting.notes) < _MOST_PER_ENVELOPE:
            waiting.notes.append(note)
            return
        watch.envelope = envelope = _Envelope(note.id, [note])

        made = self._org.clock.now()

        def make() -> tuple[bytes, Mapping[str, str]] | None:
            if self._org.clock.now() - made > _LIFE:
                return None
            headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
            return self._soap(watch, envelope), headers

        self._postman.send(Post(envelope.id, watch.url, make, _acknowledged))
        if envelope.id in self._postman.dropped:
            watch.envelope = None

    def _callout(self, watch: Watch, change: Change) -> None:
        event = self._org.mint.next("0I7")
        body = {
            "object": change.object,
            "id": change.id,
            "organization_id": self._organization,
            "event_id": event,
        }
        headers = {"Content-Type": "application/json", watch.api_key_header: watch.api_key}

        def make() -> tuple[bytes, Mapping[str, str]]:
            return json.dumps(body).encode(), headers

        post = Post(event, watch.url, make, lambda status, _: 200 <= status < 300)
        self._postman.call_out(post)

    def _soap(self, watch: Watch, envelope: _Envelope) -> bytes:
        with self._org.lock:
            envelope.sealed = True
            notes = "".join(self._note(watch, note) for note in envelope.notes)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
            f'<notifications xmlns="{_OUTBOUND}">'
            f"<OrganizationId>{self._organization}</OrganizationId>"
            f"<ActionId>{watch.action}</ActionId>"
            '<SessionId xsi:nil="true"/>'
            "<EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/67.0</EnterpriseUrl>"
            "<PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/67.0</PartnerUrl>"
            f"{notes}</notifications></soapenv:Body></soapenv:Envelope>"
        ).encode()

    def _note(self, watch: Watch, note: _Notification) -> str:
        row = self._org.get(note.record) or self._org.deleted(note.record) or {}
        values = "".join(
            f"<sf:{name}>{text}</sf:{name}>"
            for name in dict.fromkeys(("Id", *watch.fields, "SystemModstamp"))
            if (text := self._text(note.object, row, name)) is not None
        )
        return (
            f"<Notification><Id>{note.id}</Id>"
            f'<sObject xsi:type="sf:{note.object}"'
            ' xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
            f"{values}</sObject></Notification>"
        )

    def _text(self, object_name: str, row: Row, name: str) -> str | None:
        one = self._org.schema[object_name].fields[name]
        value: Any = show(one, value_of(self._org, object_name, row, name))
        if value is None:
            return None
        if one.kind is Kind.BOOLEAN:
            return "true" if value else "false"
        if one.kind is Kind.DATETIME:
            return str(value).replace("+0000", "Z")
        return escape(str(value))


def _acknowledged(status: int, body: bytes) -> bool:
    """A bare 200 is no acknowledgement: the Ack element must say true."""
    if status != 200:
        return False
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return False
    said = root.find(f".//{{{_OUTBOUND}}}notificationsResponse/{{{_OUTBOUND}}}Ack")
    return said is not None and (said.text or "").strip() in ("true", "1")
