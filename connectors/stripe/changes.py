"""Lists Stripe's events of the last 30 days, for whatever no webhook has brought."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog

from connectors.stripe.client import StripeApi
from connectors.stripe.events import EVENTS
from connectors.stripe.signals import hints
from connectors.stripe.webhook import incoming
from domain.errors import Bug
from domain.ports import Hint, Incoming, Page

log = structlog.get_logger(__name__)

AT_ONCE = 20
"""VENDOR: so many types fit into one list (api/events/list)."""
OVERLAP = timedelta(minutes=5)
"""Events become visible after they are created; asking twice is free, a gap is not."""
KEPT = timedelta(days=30)
"""VENDOR: older events are not listed (api/events)."""
CHUNKS = tuple(EVENTS[start : start + AT_ONCE] for start in range(0, len(EVENTS), AT_ONCE))


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where a listing stands: the span asked for, the chunk of types, the last event seen.

    `until` is fixed when a round begins, so that new events cannot move its pages.
    """

    since: int
    until: int | None = None
    chunk: int = 0
    after: str | None = None

    def text(self) -> str:
        """The opaque form that is stored."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @classmethod
    def read(cls, text: str) -> Cursor:
        """From the stored form. `Bug` if it is not one of ours."""
        try:
            stored = json.loads(text)
            return cls(
                since=int(stored["since"]),
                until=int(stored["until"]) if "until" in stored else None,
                chunk=int(stored.get("chunk", 0)),
                after=stored.get("after"),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise Bug("the stored cursor for Stripe's events cannot be read") from error


class EventLister:
    """Implements `ListsChanges`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """See `ListsChanges.changes`: one call, up to 100 events, newest first in each round.

        A round asks for every kind of event since the last round less five minutes; its last page
        `is_last` and carries the cursor of the next. None begins 30 days ago.
        """
        oldest = int((now - KEPT).timestamp())
        at = Cursor.read(cursor) if cursor else Cursor(since=oldest)
        if at.since < oldest:
            log.warning("stripe.events_lost", since=at.since, oldest=oldest)
            at = replace(at, since=oldest)
        if at.until is None:
            at = replace(at, until=int(now.timestamp()))
        params = {
            "types": list(CHUNKS[at.chunk]),
            "created": {"gte": at.since, "lte": at.until},
            "limit": 100,
        }
        if at.after is not None:
            params["starting_after"] = at.after
        body = self._api.get("events", params, urgent=False)
        events = body.get("data")
        if not isinstance(events, list):
            raise Bug("GET events: Stripe's list has no data")
        raw = tuple(incoming(_bytes(one)) for one in events)
        last = events[-1].get("id") if body.get("has_more") and events else None
        following = _next(at, last)
        return Page(
            hints=tuple(hint for one in raw for hint in _hints(one)),
            cursor=following.text(),
            is_last=following.until is None,
            raw=raw,
        )


def _next(at: Cursor, last: str | None) -> Cursor:
    """The next page, the next chunk of types, or the next round."""
    if last is not None:
        return replace(at, after=last)
    if at.chunk + 1 < len(CHUNKS):
        return replace(at, chunk=at.chunk + 1, after=None)
    until = at.until if at.until is not None else at.since
    return Cursor(since=max(at.since, until - int(OVERLAP.total_seconds())))


def _bytes(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def _hints(message: Incoming) -> tuple[Hint, ...]:
    return () if message.problem else tuple(hints(message.body))
