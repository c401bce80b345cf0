"""Reads accounts, with people, contact, cases, tasks and the last talk, in one call per hundred."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from connectors.salesforce import ids, soql
from connectors.salesforce.account_query import (
    EVERY_PART,
    USER_FIELDS,
    AccountQuery,
    Part,
    asked,
)
from connectors.salesforce.client import Gateway, Row
from connectors.salesforce.errors import NoAccess
from connectors.salesforce.names import Names
from connectors.salesforce.records import Children, Reading, claimed, person
from domain.errors import Bug, Gone, KidgloveError, Misconfigured
from domain.facts import Person
from domain.ports import AccountRecord, FoundAccounts, ReadPlan

DENIED_FOR = timedelta(minutes=10)
"""How long a part without access is not asked for again: asking costs a second call each time."""
PERSON_FOR = timedelta(minutes=5)
"""How long a colleague is remembered: someone who leaves may get one task more."""
MERGES = 3
"""How often an account may have been merged on since we linked it; beyond, a person looks."""

Found = Mapping[str, FoundAccounts | KidgloveError]


class AccountReader:
    """`ReadsAccounts` for Salesforce. One query reads up to 100 accounts with everything."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        instance_url: str,
        now: Callable[[], datetime],
        names: Names,
        away_field: str | None = None,
    ) -> None:
        self._gateway = gateway
        self._instance_url = instance_url.rstrip("/")
        self._now = now
        self._away_field = away_field
        self._names = names
        self._denied: dict[Part, datetime] = {}
        self._people: dict[str, tuple[datetime, Person]] = {}

    def read_accounts(
        self,
        *,
        ids: Sequence[str] = (),
        customers: Sequence[str] = (),
        plan: ReadPlan,
        urgent: bool = False,
    ) -> Found:
        """See `ReadsAccounts.read_accounts`. Raises `Misconfigured` if a mapped field is missing.

        Cases, events and contacts that may not be read become `Missing`; the rest is answered.
        """
        if customers and not plan.customer_field:
            raise Misconfigured("no field holds the payment customer", row="customer_field")
        query = AccountQuery(plan=plan, away_field=self._away_field, urgent=urgent)
        wanted, answers = _normal(ids)
        for some_ids, some_customers in asked(
            list(dict.fromkeys(wanted.values())), list(dict.fromkeys(customers))
        ):
            answers |= self._answer(query, wanted, some_ids, some_customers)
        return answers

    def person(self, id: str) -> Person | KidgloveError:
        """See `ReadsAccounts.person`. One call, then remembered for minutes."""
        try:
            known = ids.admitted(id, where="fallback owner")
        except Misconfigured as problem:
            return problem
        kept = self._people.get(known)
        if kept is not None and self._now() - kept[0] < PERSON_FOR:
            return kept[1]
        try:
            found = self._queue(known) if known.startswith("00G") else self._user(known)
        except Gone as problem:
            return problem
        self._people[known] = (self._now(), found)
        return found

    def _user(self, id: str) -> Person:
        fields = [*USER_FIELDS, *([self._away_field] if self._away_field else [])]
        row = self._gateway.row("User", id, fields, what=f"user {id}")
        return person(row, away_field=self._away_field, now=self._now())

    def _queue(self, id: str) -> Person:
        row = self._gateway.row("Group", id, ("Id", "Name", "Type"), what=f"queue {id}")
        return Person(id=ids.to_18(row["Id"]), name=row.get("Name") or "")

    def _answer(
        self,
        query: AccountQuery,
        wanted: Mapping[str, str],
        some_ids: Sequence[str],
        customers: Sequence[str],
    ) -> dict[str, FoundAccounts | KidgloveError]:
        rows, parts = self._rows(query, query.where(some_ids, customers))
        rows = self._with_survivors(query, rows)
        reading = Reading(
            query=query,
            parts=parts,
            read_at=self._now(),
            instance_url=self._instance_url,
            own_user_id=self._gateway.user_id,
            names=self._names,
        )
        by_id = {ids.to_18(row["Id"]): row for row in rows}
        answers: dict[str, FoundAccounts | KidgloveError] = {}
        for as_asked, full in wanted.items():
            if full in some_ids:
                survivor = _survivor(by_id, full)
                answers[as_asked] = self._found(reading, [survivor] if survivor else [])
        for customer in customers:
            claims = [
                row
                for row in rows
                if not row.get("IsDeleted") and customer in claimed(row, query.plan.customer_field)
            ]
            answers[customer] = self._found(reading, claims)
        return answers

    def _found(self, reading: Reading, rows: Sequence[Row]) -> FoundAccounts | KidgloveError:
        newest_first = sorted(rows, key=lambda row: row.get("LastModifiedDate") or "", reverse=True)
        records: list[AccountRecord] = []
        for row in newest_first:
            what = f"account {row['Id']}"
            children = Children(
                tasks=self._gateway.children(row, "Tasks", what=what),
                cases=self._gateway.children(row, "Cases", what=what),
                events=self._gateway.children(row, "Events", what=what),
            )
            try:
                records.append(reading.record(row, children))
            except (KeyError, ValueError, TypeError) as problem:
                return Bug(f"{what} came in an unknown form ({type(problem).__name__})")
        return FoundAccounts(records=tuple(records))

    def _with_survivors(self, query: AccountQuery, rows: list[Row]) -> list[Row]:
        """The rows and those of the accounts that they were merged into: more calls only then."""
        for _ in range(MERGES):
            known = {ids.to_18(row["Id"]) for row in rows}
            masters = {
                ids.to_18(row["MasterRecordId"])
                for row in rows
                if row.get("IsDeleted") and row.get("MasterRecordId")
            }
            if not masters - known:
                break
            rows = rows + self._rows(query, query.where(sorted(masters - known), ()))[0]
        return rows

    def _rows(self, query: AccountQuery, where: str) -> tuple[list[Row], frozenset[Part]]:
        """The rows, and the parts that they have. A part without access is left out and asked
        for again after a while; a mapped field without access is the admin's to repair."""
        now = self._now()
        parts = frozenset(
            part
            for part in EVERY_PART
            if part not in self._denied or now - self._denied[part] >= DENIED_FOR
        )
        while True:
            try:
                # queryAll: archived tasks are talks too, and a merged account is a deleted one.
                return self._gateway.query(
                    query.text(where, now=now, parts=parts),
                    what="accounts",
                    all_rows=True,
                    urgent=query.urgent,
                ), parts
            except NoAccess as problem:
                lost = query.dispensable(problem, parts)
                if not lost:
                    raise query.explained(problem) from None
                parts -= lost
                self._denied |= dict.fromkeys(lost, now)


def _normal(
    asked_ids: Sequence[str],
) -> tuple[dict[str, str], dict[str, FoundAccounts | KidgloveError]]:
    wanted: dict[str, str] = {}
    refused: dict[str, FoundAccounts | KidgloveError] = {}
    for one in asked_ids:
        try:
            wanted[one] = ids.to_18(one)
        except ValueError:
            refused[one] = Gone(f"the account id {soql.quoted(one[:20])} is no Salesforce id")
    return wanted, refused


def _survivor(by_id: Mapping[str, Row], id: str) -> Row | None:
    row = by_id.get(id)
    for _ in range(MERGES + 1):
        if row is None or not row.get("IsDeleted"):
            return row
        master = row.get("MasterRecordId")
        row = by_id.get(ids.to_18(master)) if master else None
    return None
