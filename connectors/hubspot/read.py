"""Reads companies, with people, contact, tickets, tasks and the last talk, a hundred at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from connectors.hubspot import ids
from connectors.hubspot.account_parts import Hanging, Parts
from connectors.hubspot.claims import Claims
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.gateway import Gateway, slices
from connectors.hubspot.names import Names
from connectors.hubspot.people import People
from connectors.hubspot.records import (
    Pages,
    Reading,
    merged_into,
    newest_first,
    people_properties,
)
from connectors.hubspot.tasks import TaskFields
from connectors.hubspot.wire import Row
from domain.errors import Bug, Gone, KidgloveError, Misconfigured
from domain.facts import Person
from domain.ports import AccountRecord, FoundAccounts, ReadPlan

OWN_PROPERTIES = ("name", "domain", "hs_merged_object_ids")
Found = Mapping[str, FoundAccounts | KidgloveError]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The properties to read, and those of which the times are wanted too."""

    properties: tuple[str, ...]
    timed: tuple[str, ...] = ()


class AccountReader:
    """`ReadsAccounts` for HubSpot."""

    def __init__(
        self,
        gateway: Gateway,
        definitions: Definitions,
        people: People,
        names: Names,
        pages: Callable[[], Pages],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._gateway = gateway
        self._definitions = definitions
        self._people = people
        self._names = names
        self._pages = pages
        self._parts = Parts(gateway, now=now)
        self._claims = Claims(gateway, definitions)
        self._now = now

    def read_accounts(
        self,
        *,
        ids: Sequence[str] = (),
        customers: Sequence[str] = (),
        plan: ReadPlan,
        urgent: bool = False,
    ) -> Found:
        """See `ReadsAccounts.read_accounts`. Raises `Misconfigured` if a mapped property is
        missing. An id that was deleted finds nothing; one that cannot be an id is `Gone`.

        Tickets, talks and contacts that may not be read become `Missing`; the rest is answered.
        """
        if customers and not plan.customer_field:
            raise Misconfigured("no property holds the payment customer", row="customer_field")
        people = people_properties(plan, self._names.csm)
        self._definitions.need(*plan.account_fields, *people.values(), plan.customer_field)
        properties = [*OWN_PROPERTIES, *plan.account_fields, *people.values(), plan.customer_field]
        asked = _Asked(
            properties=tuple(dict.fromkeys(filter(None, properties))), timed=plan.timed_fields
        )
        wanted, answers = _normal(ids)
        by_id = self._by_id(list(dict.fromkeys(wanted.values())), asked, urgent=urgent)
        claims = self._claims.of(
            list(dict.fromkeys(customers)),
            plan.customer_field,
            read=partial(self._rows, asked=asked, what="companies", urgent=urgent),
        )
        rows = {
            str(row["id"]): row
            for row in [*by_id.values(), *(row for some in claims.values() for row in some)]
        }
        records = self._records(rows, plan, urgent=urgent)
        for as_asked, id in wanted.items():
            row = by_id.get(id)
            answers[as_asked] = (
                # None of that id any more: nothing was found, which is no failure to read.
                _found([row], records) if row is not None else FoundAccounts(records=())
            )
        for customer, some in claims.items():
            answers[customer] = _found(newest_first(some), records)
        return answers

    def person(self, id: str) -> Person | KidgloveError:
        """See `ReadsAccounts.person`."""
        return self._people.person(id)

    def _records(
        self, rows: Mapping[str, Row], plan: ReadPlan, *, urgent: bool
    ) -> dict[str, AccountRecord | Bug]:
        if not rows:
            return {}
        fields = TaskFields(key=plan.task_key_field, outcome=plan.task_outcome_field)
        hanging: dict[str, Hanging] = {}
        for some in slices(list(rows), 100):
            hanging |= self._parts.of(
                some, fields=fields, has_contact=bool(plan.contact_field), urgent=urgent
            )
        reading = Reading(
            plan=plan,
            definitions=self._definitions,
            directory=self._people.current(),
            pages=self._pages(),
            read_at=self._now(),
            names=self._names,
        )
        records: dict[str, AccountRecord | Bug] = {}
        for id, row in rows.items():
            try:
                records[id] = reading.record(row, hanging[id])
            except (KeyError, ValueError, TypeError, AttributeError) as problem:
                kind = type(problem).__name__
                records[id] = Bug(f"company {id} came in an unknown form ({kind})")
        return records

    def _by_id(self, wanted: Sequence[str], asked: _Asked, *, urgent: bool) -> dict[str, Row]:
        """The companies by the id that was asked for; a merged one by its survivor."""
        if not wanted:
            return {}
        rows = self._rows(wanted, asked=asked, what="companies", urgent=urgent)
        found = {str(row["id"]): row for row in rows}
        for row in rows:
            for old in merged_into(row):
                found.setdefault(old, row)
        for lost in [id for id in wanted if id not in found]:
            # VENDOR: a merge may give the survivor a new id; a single read by the old id leads
            # there, a batch read may not (companies guide, merging).
            try:
                survivor = self._gateway.one(ids.COMPANIES, lost, (), what=f"company {lost}")
            except Gone:
                continue
            again = self._rows(
                [str(survivor["id"])], asked=asked, what=f"company {lost}", urgent=urgent
            )
            for row in again:
                found[lost] = row
        return {id: found[id] for id in wanted if id in found}

    def _rows(
        self,
        some: Sequence[str],
        *,
        asked: _Asked,
        what: str,
        urgent: bool,
        id_property: str | None = None,
    ) -> list[Row]:
        """The rows; those that say something about a resolution with who said it, and when, and
        all of them with the times of the timed properties, if there are any."""
        rows = self._gateway.read(
            ids.COMPANIES, some, asked.properties, what=what, id_property=id_property, urgent=urgent
        )
        word = self._names.resolution
        spoken = [
            str(row["id"]) for row in rows if asked.timed or (word and row["properties"].get(word))
        ]
        if not spoken:
            return rows
        named = tuple(dict.fromkeys(filter(None, (word, *asked.timed))))
        told = {
            str(row["id"]): row.get("propertiesWithHistory")
            for row in self._gateway.read(
                ids.COMPANIES, spoken, named, what=what, history=named, urgent=urgent
            )
        }
        return [{**row, "propertiesWithHistory": told.get(str(row["id"]))} for row in rows]


def _normal(
    asked: Sequence[str],
) -> tuple[dict[str, str], dict[str, FoundAccounts | KidgloveError]]:
    wanted: dict[str, str] = {}
    refused: dict[str, FoundAccounts | KidgloveError] = {}
    for one in asked:
        try:
            wanted[one] = ids.known(one)
        except ValueError:
            refused[one] = Gone(f"the company id {one[:20]!r} is no HubSpot id")
    return wanted, refused


def _found(
    rows: Sequence[Row], records: Mapping[str, AccountRecord | Bug]
) -> FoundAccounts | KidgloveError:
    found = [records[str(row["id"])] for row in rows]
    for one in found:
        if isinstance(one, Bug):
            return one
    return FoundAccounts(records=tuple(one for one in found if isinstance(one, AccountRecord)))
