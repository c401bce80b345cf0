"""Who the colleagues are: owners, with the zone, hours and absence of the users behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.hubspot import ids
from connectors.hubspot.errors import MissingScope
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.wire import Row, moment_or_none
from domain.errors import Gone, KidgloveError, Misconfigured
from domain.facts import Person

KEPT_FOR = timedelta(minutes=5)
"""How long colleagues are remembered: someone who goes away may get one task more."""
USER_PROPERTIES = (
    "hs_email",
    "hs_internal_user_id",
    "hs_standard_time_zone",
    "hs_working_hours",
    "hs_out_of_office_hours",
    "hs_availability_status",
    "hs_job_title",
)
DUE = time(17, 0)
"""When a day's work is due for somebody whose hours nobody entered."""
LOOK_AHEAD = 9
"""Days in which somebody who works one day a week has a working day that is not over."""
_DAYS: Mapping[str, frozenset[int]] = {
    "MONDAY": frozenset({0}),
    "TUESDAY": frozenset({1}),
    "WEDNESDAY": frozenset({2}),
    "THURSDAY": frozenset({3}),
    "FRIDAY": frozenset({4}),
    "SATURDAY": frozenset({5}),
    "SUNDAY": frozenset({6}),
    "MONDAY_TO_FRIDAY": frozenset(range(5)),
    "SATURDAY_SUNDAY": frozenset({5, 6}),
    "EVERY_DAY": frozenset(range(7)),
}


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """One owner: the person, and the hours of each weekday (0 is Monday) in minutes."""

    person: Person
    user_id: str | None = None
    hours: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    def due_at(self, day: date, *, zone: str) -> datetime:
        """The end of this colleague's working day, in their zone (`zone` where none is known)."""
        end = self.hours.get(day.weekday(), (0, DUE.hour * 60))[1]
        at = time(23, 59) if end >= 24 * 60 else time(end // 60, end % 60)
        return datetime.combine(day, at, zone_of(self.person.zone or zone))

    def next_due_at(self, day: date, *, now: datetime, zone: str) -> datetime:
        """The end of the first of their working days, from this day on, that is not over: nobody
        is given work that is late already, or due while they are off.

        Whose hours nobody entered works on the day that was asked for, or from Monday to Friday.
        """
        first = max(day, self.day_of(now, zone=zone))
        for one in (first + timedelta(days=later) for later in range(LOOK_AHEAD)):
            works = one.weekday() in self.hours if self.hours else one == day or one.weekday() < 5
            if works and (due := self.due_at(one, zone=zone)) > now:
                return due
        return self.due_at(day, zone=zone)

    def day_of(self, moment: datetime, *, zone: str) -> date:
        """Which day a moment is where this colleague works."""
        return moment.astimezone(zone_of(self.person.zone or zone)).date()


@dataclass(frozen=True, kw_only=True)
class Directory:
    """All colleagues as they were read at one time."""

    colleagues: Mapping[str, Colleague]
    zone: str = "UTC"

    def owner_of_user(self, user_id: str) -> str | None:
        """The owner id of a user id; the two are never the same number."""
        return next((id for id, one in self.colleagues.items() if one.user_id == user_id), None)


class People:
    """The directory of one portal, read when first needed and kept for minutes.

    Users tell zone, hours and absence; without access to them everybody is simply there.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        now: Callable[[], datetime],
        zone: Callable[[], str] = lambda: "UTC",
    ) -> None:
        self._gateway = gateway
        self._now = now
        self._zone = zone
        self._kept: tuple[datetime, Directory] | None = None

    def current(self) -> Directory:
        """The directory now."""
        if self._kept is None or self._now() - self._kept[0] >= KEPT_FOR:
            self._kept = (self._now(), self._read())
        return self._kept[1]

    def person(self, id: str) -> Person | KidgloveError:
        """One owner. A user id is told apart from an owner id, which people often confuse."""
        try:
            known = ids.admitted(id, where="fallback owner")
        except Misconfigured as problem:
            return problem
        directory = self.current()
        if (found := directory.colleagues.get(known)) is not None:
            return found.person
        if (owner := directory.owner_of_user(known)) is not None:
            return Misconfigured(
                f"{known} is a user id; that person's owner id is {owner}",
                row="fallback owner",
                remedy=f"Configure {owner}.",
            )
        return Gone(f"there is no owner {known}")

    def _read(self) -> Directory:
        users = self._users()
        by_user = {_text(one, "hs_internal_user_id") or str(one.get("id")): one for one in users}
        by_mail = {(_text(one, "hs_email") or "").casefold(): one for one in users}
        found: dict[str, Colleague] = {}
        for archived in (False, True):
            for row in self._gateway.owners(archived=archived):
                # VENDOR: a deactivated owner has no userId any more, but may still say whose.
                user_id = row.get("userId") or row.get("userIdIncludingInactive")
                user = by_user.get(str(user_id)) or by_mail.get(
                    str(row.get("email") or "-").casefold()
                )
                one = self._colleague(row, user, is_active=not archived)
                found.setdefault(one.person.id, one)
        return Directory(colleagues=found, zone=self._zone())

    def _users(self) -> list[Row]:
        try:
            return self._gateway.page(ids.USERS, USER_PROPERTIES, what="users")
        except MissingScope:
            return []

    def _colleague(self, owner: Row, user: Row | None, *, is_active: bool) -> Colleague:
        name = " ".join(filter(None, (owner.get("firstName"), owner.get("lastName"))))
        person = Person(
            id=ids.known(owner["id"]),
            name=name or str(owner.get("email") or owner["id"]),
            is_active=is_active and not owner.get("archived", False),
            is_away=user is not None and is_away(user, now=self._now()),
            zone=_zone_name(_text(user, "hs_standard_time_zone")),
            email=owner.get("email"),
            title=_text(user, "hs_job_title"),
        )
        user_id = owner.get("userId") or owner.get("userIdIncludingInactive")
        return Colleague(
            person=person,
            user_id=str(user_id) if user_id else None,
            hours=working_hours(_text(user, "hs_working_hours")),
        )


def is_away(user: Row, *, now: datetime) -> bool:
    """Whether a user is away: by the switch that they set, or by an absence that lasts now."""
    if (_text(user, "hs_availability_status") or "").lower() == "away":
        return True
    for one in _listed(_text(user, "hs_out_of_office_hours")):
        start = moment_or_none(one.get("startTimestamp") or one.get("start"))
        end = moment_or_none(one.get("endTimestamp") or one.get("end"))
        if (start is None or start <= now) and end is not None and now < end:
            return True
    return False


def working_hours(text: str | None) -> dict[int, tuple[int, int]]:
    """Start and end of each weekday in minutes, the latest end counting; empty if unreadable."""
    found: dict[int, tuple[int, int]] = {}
    for one in _listed(text):
        try:
            start, end = int(one["startMinute"]), int(one["endMinute"])
        except (KeyError, TypeError, ValueError):
            continue
        for day in _DAYS.get(str(one.get("days") or "").upper(), frozenset()):
            before = found.get(day, (start, end))
            found[day] = (min(before[0], start), max(before[1], end))
    return found


def zone_of(name: str) -> ZoneInfo:
    """A zone by its IANA name; UTC for one that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _zone_name(text: str | None) -> str | None:
    """An IANA name; HubSpot's own form writes `america_slash_new_york` for `America/New_York`."""
    if not text:
        return None
    plain = text.replace("_slash_", "/")
    if plain == text:
        return text
    return "/".join("_".join(map(str.capitalize, part.split("_"))) for part in plain.split("/"))


def _listed(text: str | None) -> list[Mapping[str, Any]]:
    try:
        said = json.loads(text) if text else []
    except ValueError:
        return []
    return [one for one in said if isinstance(one, Mapping)] if isinstance(said, list) else []


def _text(row: Row | None, name: str) -> str | None:
    value = (row or {}).get("properties", {}).get(name)
    return str(value) if value not in (None, "") else None
