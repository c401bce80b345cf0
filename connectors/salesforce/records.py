"""What a row of the account query means in our own words. Pure: rows in, records out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from connectors.kit.state import state_digest
from connectors.salesforce import ids, soql
from connectors.salesforce.account_query import AccountQuery, Part, relationship
from connectors.salesforce.client import Row
from connectors.salesforce.names import Names, at_path
from connectors.salesforce.tasks import TaskFields, work_item
from domain.facts import NOT_MAPPED, Contact, Person, Role, Ticket, Touch
from domain.leaf import Known, Leaf, Missing
from domain.ports import AccountRecord

LINE_LENGTH = 120
"""A touch is told in one line."""
KINDS: Mapping[str, str] = {"Call": "call", "Email": "email", "ListEmail": "email"}


@dataclass(frozen=True, kw_only=True)
class Children:
    """The child rows of one account, all pages of them."""

    tasks: Sequence[Row] = ()
    cases: Sequence[Row] = ()
    events: Sequence[Row] = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read rows of one query: what was asked, what could be read, when, and by whom."""

    query: AccountQuery
    parts: frozenset[Part]
    read_at: datetime
    instance_url: str
    names: Names
    own_user_id: str | None = None

    def record(self, row: Row, children: Children) -> AccountRecord:
        """One account. KeyError or ValueError if the row is not one."""
        plan = self.query.plan
        return AccountRecord(
            ref=ids.account(row["Id"]),
            name=row.get("Name") or "",
            url=self.url("Account", row["Id"]),
            read_at=self.read_at,
            fields={field: at_path(row, field) for field in plan.account_fields},
            people=self._people(row),
            customers=claimed(row, plan.customer_field),
            ap_contact=self._contact(row),
            tickets=self._tickets(children.cases),
            last_touch=self._last_touch(children),
            tasks=tuple(
                work_item(task, self._task_fields)
                for task in children.tasks
                if plan.task_key_field and task.get(plan.task_key_field)
            ),
            changed_by=row.get("LastModifiedById"),
            changed_at=_moment(row.get("LastModifiedDate")),
            digest=self._digest(row),
        )

    def _digest(self, row: Row) -> str | None:
        watched = self.names.written(row)
        is_read = watched.keys() <= set(self.query.account_fields)
        return state_digest([False, watched]) if watched and is_read else None

    def url(self, entity: str, id: str) -> str:
        """The page of a record for a person."""
        return f"{self.instance_url}/lightning/r/{entity}/{ids.to_18(id)}/view"

    @property
    def _task_fields(self) -> TaskFields:
        plan = self.query.plan
        return TaskFields(key=plan.task_key_field, outcome=plan.task_outcome_field)

    def _people(self, row: Row) -> dict[Role, Person]:
        found: dict[Role, Person] = {}
        for role, path in self.query.people.items():
            user = at_path(row, path)
            if isinstance(user, Mapping):
                found[role] = person(user, away_field=self.query.away_field, now=self.read_at)
        return found

    def _contact(self, row: Row) -> Leaf[Contact]:
        field = self.query.plan.contact_field
        if not field:
            return NOT_MAPPED
        if Part.CONTACT not in self.parts:
            return Missing(f"no access to {Part.CONTACT}")
        found = at_path(row, relationship(field))
        if not isinstance(found, Mapping):
            return Missing("no accounts-payable contact is set on the account")
        contact = Contact(
            id=ids.to_18(found["Id"]),
            name=found.get("Name") or "",
            first_name=found.get("FirstName"),
            email=found.get("Email"),
            is_gone=bool(found.get("IsDeleted")),
        )
        return self._known(contact)

    def _tickets(self, cases: Sequence[Row]) -> Leaf[tuple[Ticket, ...]]:
        if Part.TICKETS not in self.parts:
            return Missing(f"no access to {Part.TICKETS}")
        tickets = tuple(
            Ticket(
                id=ids.to_18(case["Id"]),
                title=case.get("Subject") or f"Case {case.get('CaseNumber') or ''}".strip(),
                priority=case.get("Priority"),
                url=self.url("Case", case["Id"]),
            )
            for case in cases
        )
        return self._known(tickets)

    def _last_touch(self, children: Children) -> Leaf[Touch | None]:
        # Half of the picture would name an older talk as the last one: worse than none.
        if Part.EVENTS not in self.parts:
            return Missing(f"no access to {Part.EVENTS}")
        touches = [_met(row) for row in children.events if row.get("StartDateTime")]
        touches += [_done(row) for row in children.tasks if self._is_human(row)]
        newest: Touch | None = max(touches, key=lambda touch: touch.at, default=None)
        return self._known(newest)

    def _is_human(self, task: Row) -> bool:
        key_field = self.query.plan.task_key_field
        creator = str(task.get("CreatedById") or "")
        is_ours = bool(key_field and task.get(key_field)) or (
            self.own_user_id is not None and ids.is_same(creator, self.own_user_id)
        )
        return bool(task.get("IsClosed") and task.get("CompletedDateTime")) and not is_ours

    def _known(self, value: Any) -> Known[Any]:
        return Known(value, ids.SYSTEM, self.read_at)


def person(user: Mapping[str, Any], *, away_field: str | None, now: datetime) -> Person:
    """A colleague as a user row tells. KeyError if it is not one."""
    return Person(
        id=ids.to_18(user["Id"]),
        name=user.get("Name") or "",
        is_active=bool(user.get("IsActive", True)),
        is_away=is_away(user.get(away_field), now=now) if away_field else False,
        zone=user.get("TimeZoneSidKey"),
        email=user.get("Email"),
        title=user.get("Title"),
    )


def is_away(value: Any, *, now: datetime) -> bool:
    """What an out-of-office field says: a ticked box, or a last day that is not over yet."""
    if not isinstance(value, str):
        return bool(value)
    if len(value) == 10:
        return date.fromisoformat(value) >= now.date()
    return soql.parsed_moment(value) > now if value else False


def claimed(row: Row, customer_field: str) -> tuple[str, ...]:
    """The payment customers that an account names: usually one, a list if an admin wrote one."""
    text = row.get(customer_field) if customer_field else None
    return tuple(str(text).replace(";", ",").replace(",", " ").split()) if text else ()


def _met(row: Row) -> Touch:
    return Touch(
        at=soql.parsed_moment(row["StartDateTime"]),
        kind="meeting",
        who=at_path(row, "Owner.Name") or "",
        line=(row.get("Subject") or "")[:LINE_LENGTH],
    )


def _done(row: Row) -> Touch:
    return Touch(
        at=soql.parsed_moment(row["CompletedDateTime"]),
        kind=KINDS.get(row.get("TaskSubtype") or "", "task"),
        who=at_path(row, "Owner.Name") or "",
        line=(row.get("Subject") or "")[:LINE_LENGTH],
    )


def _moment(text: str | None) -> datetime | None:
    return soql.parsed_moment(text) if text else None
