"""The webhooks journal: what HubSpot noted of our companies and tasks, fetched instead of received.

It needs no public address and keeps three days, but an app with a client id and secret. The library
has no client for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests

from connectors.hubspot import ids
from connectors.hubspot.errors import classified, stated
from connectors.hubspot.webhook import event_key
from connectors.hubspot.wire import moment_or_none
from connectors.kit.limits import Limiter, Unlimited
from connectors.kit.retry import Retry
from connectors.kit.tokens import TokenProvider
from connectors.kit.transport import transport_error
from domain.errors import Gone, KidgloveError, Transient
from domain.ids import Ref
from domain.ports import Hint, Page

VERSION = "2026-03"
"""The newest that has the journal: the files of 2026-09 do not name it."""
PREFIX = "journal:"
"""Tells a cursor of the journal from one of the search."""
ENTRIES = 50
"""Of one page; the most that HubSpot gives is a hundred, and each is a file to fetch."""
_SUBSCRIPTIONS = f"/webhooks-journal/subscriptions/{VERSION}"
WATCHED: Mapping[str, str] = {ids.COMPANIES: "account", ids.TASKS: "task"}
_KINDS = {ids.TYPE_IDS[kind]: ours for kind, ours in WATCHED.items()}
Companies = Callable[[Sequence[str]], Mapping[str, Sequence[str]]]
"""The companies of each task."""


@dataclass(frozen=True, kw_only=True)
class Interest:
    """What the journal is asked to note of one kind of record. No properties mean all."""

    kind: str
    properties: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("CREATE", "UPDATE", "DELETE", "MERGE", "RESTORE")

    def body(self, portal_id: str) -> dict[str, Any]:
        """The subscription as HubSpot wants it."""
        return {
            "subscriptionType": "OBJECT",
            "objectTypeId": ids.TYPE_IDS[self.kind],
            "portalId": int(portal_id),
            "actions": list(self.actions),
            "objectIds": [],
            "properties": list(self.properties),
        }


class Journal:
    """`ListsChanges` over the journal, and the subscriptions that fill it."""

    def __init__(
        self,
        tokens: TokenProvider,
        session: requests.Session,
        *,
        base_url: str,
        companies_of: Companies,
        limiter: Limiter | None = None,
        retry: Retry | None = None,
        portal_id: str = "",
        interests: Sequence[Interest] = (),
    ) -> None:
        """With a `portal_id`, the first look asks the journal for those interests that it does not
        note yet: a mapping may name other properties than when the journal was set up."""
        self._portal_id = portal_id
        self._unchecked = tuple(interests) if portal_id else ()
        self._tokens = tokens
        self._session = session
        self._base = base_url.rstrip("/")
        self._companies_of = companies_of
        self._limiter = limiter or Unlimited()
        self._retry = retry or Retry()

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """See `ListsChanges.changes`. A cursor that is older than three days, or that is another
        way's, begins with the oldest entry that is kept: the sweeps find what was lost before."""
        self._ask_for_what_is_missing()
        offset = (cursor or "").removeprefix(PREFIX) if (cursor or "").startswith(PREFIX) else ""
        entries = self._entries(offset)
        hints: list[Hint] = []
        for entry in entries:
            hints += self._hints(self._file(str(entry["url"])))
        last = str(entries[-1]["currentOffset"]) if entries else offset
        return Page(
            hints=tuple(self._with_companies(hints)),
            cursor=PREFIX + last,
            is_last=len(entries) < ENTRIES,
        )

    def lacking(self, interests: Sequence[Interest]) -> list[Interest]:
        """What the journal does not note yet."""
        said = self._call("GET", _SUBSCRIPTIONS).get("results") or []
        return [one for one in interests if not any(_covers(row, one) for row in said)]

    def subscribe(self, interest: Interest, *, portal_id: str) -> None:
        """Ask the journal for something. Asked twice it is noted twice: see `lacking` first."""
        self._call("POST", _SUBSCRIPTIONS, interest.body(portal_id))

    def _ask_for_what_is_missing(self) -> None:
        for one in self.lacking(self._unchecked) if self._unchecked else ():
            self.subscribe(one, portal_id=self._portal_id)
        self._unchecked = ()

    def _entries(self, offset: str) -> list[Mapping[str, Any]]:
        base = f"/webhooks-journal/journal/{VERSION}/batch"
        first = f"{base}/earliest/{ENTRIES}"
        if not offset:
            return list(self._call("GET", first).get("results") or [])
        try:
            said = self._call("GET", f"{base}/{offset}/next/{ENTRIES}")
        except Gone:
            said = self._call("GET", first)
        return list(said.get("results") or [])

    def _hints(self, said: Mapping[str, Any]) -> list[Hint]:
        found: list[Hint] = []
        for event in said.get("journalEvents") or ():
            if not isinstance(event, Mapping):
                continue
            kind = _KINDS.get(str(event.get("objectTypeId")))
            merged = event.get("mergedObjectIds")
            records = [
                event.get("objectId"),
                event.get("primaryObjectId"),
                event.get("newObjectId"),
                *(merged if isinstance(merged, list) else ()),
            ]
            if kind is None:
                continue
            found += [
                _hint(event, kind, str(one))
                for one in dict.fromkeys(records)
                if one not in (None, "", 0)
            ]
        return found

    def _with_companies(self, hints: Sequence[Hint]) -> list[Hint]:
        """The hints, those at tasks turned to the companies that the tasks hang on."""
        tasks = list(dict.fromkeys(one.ref.id for one in hints if one.ref.kind == "task"))
        companies = self._companies_of(tasks) if tasks else {}
        found: list[Hint] = []
        for one in hints:
            refs = [ids.account(id) for id in companies.get(one.ref.id, ())]
            if one.ref.kind != "task" or not refs:
                refs = [one.ref]
            found += [
                Hint(ref=ref, topic=one.topic, event_id=one.event_id, at=one.at, record=one.record)
                for ref in refs
            ]
        return found

    # -- one call

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """One call with a live token; a stale one is renewed once."""
        is_write = method != "GET"

        def once() -> Mapping[str, Any]:
            token = self._tokens.token()
            reply = self._sent(method, path, token.value, body)
            if reply.status_code == 401:
                fresh = self._tokens.refresh(token.value)
                reply = self._sent(method, path, fresh.value, body)
            return _understood(reply, what="the journal", is_write=is_write)

        return self._retry(once, is_repeatable=not is_write)

    def _sent(
        self, method: str, path: str, token: str, body: Mapping[str, Any] | None
    ) -> requests.Response:
        with self._limiter.slot(False):
            try:
                return self._session.request(
                    method,
                    f"{self._base}{path}",
                    json=body,
                    headers={"Authorization": f"Bearer {token}"},
                    allow_redirects=False,
                )
            except requests.RequestException as problem:
                failure = transport_error(problem, call="the journal", is_write=method != "GET")
        raise failure

    def _file(self, url: str) -> Mapping[str, Any]:
        """One file of the journal.

        # VENDOR: its address is a bearer link at a storage service, for minutes; our token must
        # not travel there (webhooks journal guide).
        """

        def once() -> Mapping[str, Any]:
            try:
                reply = self._session.get(url, allow_redirects=False)
            except requests.RequestException as problem:
                failure = transport_error(problem, call="a journal file", is_write=False)
            else:
                if reply.status_code == 403:
                    raise Transient("the address of a journal file has run out; it is asked anew")
                return _understood(reply, what="a journal file", is_write=False)
            raise failure

        return self._retry(once, is_repeatable=True)


def _understood(reply: requests.Response, *, what: str, is_write: bool) -> Mapping[str, Any]:
    if reply.status_code == 204:
        return {}
    try:
        said = reply.json()
    except ValueError:
        said = None
    if reply.status_code < 300 and isinstance(said, Mapping):
        return said
    problem: KidgloveError = classified(
        reply.status_code, stated(said), record=what, is_write=is_write
    )
    raise problem


def _hint(event: Mapping[str, Any], kind: str, record: str) -> Hint:
    verb = str(event.get("action") or "changed").lower()
    return Hint(
        ref=Ref(ids.SYSTEM, kind, ids.known(record)),
        topic=f"{'company' if kind == 'account' else kind}.{verb}",
        event_id=f"journal:{event_key(event)[:40]}",
        at=moment_or_none(event.get("occurredAt")),
        record=record,
    )


def _covers(row: Mapping[str, Any], one: Interest) -> bool:
    """Whether a subscription that exists notes everything that is of interest."""
    names = {str(name) for name in row.get("properties") or ()}
    return (
        str(row.get("objectTypeId")) == ids.TYPE_IDS[one.kind]
        and set(one.actions) <= set(map(str, row.get("actions") or ()))
        and not row.get("objectIds")
        and (not names or (bool(one.properties) and set(one.properties) <= names))
    )
