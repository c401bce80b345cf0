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
import structlog

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

log = structlog.get_logger(__name__)

VERSION = "2026-03"
"""The newest that has the journal: the files of 2026-09 do not name it."""
PREFIX = "journal:"
"""Tells a cursor of the journal from one of the search."""
ENTRIES = 50
"""Of one page; the most that HubSpot gives is a hundred, and each is a file to fetch."""
_SUBSCRIPTIONS = f"/webhooks-journal/subscriptions/{VERSION}"
WATCHED: Mapping[str, str] = {ids.COMPANIES: "account", ids.TASKS: "task"}
_KINDS = {ids.TYPE_IDS[kind]: ours for kind, ours in WATCHED.items()}
# VENDOR: a client-credentials token opens only what its request names: the journal's own scopes
# and those of the kinds of records that are subscribed to (webhooks journal guide). That tasks go
# by the scope of contacts here, as they do in the CRM API, is an assumption.
SCOPES = (
    "developer.webhooks_journal.read",
    "developer.webhooks_journal.subscriptions.read",
    "developer.webhooks_journal.subscriptions.write",
    "crm.objects.companies.read",
    "crm.objects.contacts.read",
)
"""What the journal's token is asked for."""
# VENDOR: the words of such a refusal are in no document; RFC 6749 calls it invalid_scope.
REFUSED: Mapping[str, str] = {
    "scope": f"Give the app these scopes, install it anew, and try again: {', '.join(SCOPES)}.",
    "invalid_client": "Give the client id and the client secret that the app's page shows now.",
}
"""The vendor's words and the way out."""
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
            hints += self._hints(self._file_of(entry))
        named = [str(one["currentOffset"]) for one in entries if one.get("currentOffset")]
        last = named[-1] if named else offset
        return Page(
            hints=tuple(self._with_companies(hints)),
            cursor=PREFIX + last,
            is_last=len(entries) < ENTRIES or last == offset,
        )

    def lacking(self, interests: Sequence[Interest]) -> list[Interest]:
        """What the journal does not note yet."""
        said = self._call("GET", _SUBSCRIPTIONS).get("results") or []
        ours = [row for row in said if isinstance(row, Mapping) and self._is_ours(row)]
        return [one for one in interests if not any(_covers(row, one) for row in ours)]

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
            return _mappings(self._call("GET", first).get("results"), what="entry")
        try:
            said = self._call("GET", f"{base}/{offset}/next/{ENTRIES}")
        except Gone:
            said = self._call("GET", first)
        return _mappings(said.get("results"), what="entry")

    def _file_of(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """What stands in an entry's file, nothing if there is none: one odd entry must not keep
        from us what came after it."""
        url = entry.get("url")
        if not isinstance(url, str) or not url:
            _skipped("an entry without an address")
            return {}
        try:
            return self._file(url)
        except Gone:
            _skipped("an entry whose file is gone")
            return {}

    def _hints(self, said: Mapping[str, Any]) -> list[Hint]:
        found: list[Hint] = []
        for event in _mappings(said.get("journalEvents"), what="event"):
            kind = _KINDS.get(str(event.get("objectTypeId")))
            if kind is None or not self._is_ours(event):
                continue
            records = _records(event)
            if not records:
                _skipped("an event that names no record")
            found += [_hint(event, kind, one) for one in records]
        return found

    def _is_ours(self, row: Mapping[str, Any]) -> bool:
        """Whether an event or a subscription is about our portal.

        # VENDOR: the global journal tells of every portal in which the app is installed, and each
        # event names its own (journal entries guide). One that names none is taken for ours.
        """
        theirs = row.get("portalId")
        return not self._portal_id or theirs is None or str(theirs) == self._portal_id

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


def _mappings(said: Any, *, what: str) -> list[Mapping[str, Any]]:
    """The objects of a list; what is none is left out with a word in the log."""
    rows = said if isinstance(said, list) else []
    found = [one for one in rows if isinstance(one, Mapping)]
    if said is not None and (not isinstance(said, list) or len(found) < len(rows)):
        _skipped(f"an {what} that is no object")
    return found


def _records(event: Mapping[str, Any]) -> list[str]:
    """The records that an event names, each once; what is no record id is left out."""
    merged = event.get("mergedObjectIds")
    named = [
        event.get("objectId"),
        event.get("primaryObjectId"),
        event.get("newObjectId"),
        *(merged if isinstance(merged, list) else ()),
    ]
    found: list[str] = []
    for one in named:
        if one is None or one in ("", 0):
            continue
        try:
            found.append(ids.known(one))
        except ValueError:
            _skipped("a record id that is no number")
    return list(dict.fromkeys(found))


def _skipped(reason: str) -> None:
    log.warning("journal.skipped", reason=reason)


def _hint(event: Mapping[str, Any], kind: str, record: str) -> Hint:
    verb = str(event.get("action") or "changed").lower()
    return Hint(
        ref=Ref(ids.SYSTEM, kind, record),
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
