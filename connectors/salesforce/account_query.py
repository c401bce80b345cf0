"""The one query that reads accounts with everything a case needs, built from what is mapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connectors.salesforce import soql
from connectors.salesforce.errors import NoAccess
from domain.errors import Misconfigured
from domain.facts import Role
from domain.ports import ReadPlan

TASKS_SHOWN = 40
"""Ours come first, so that only human tasks beyond the newest few are left out."""
TICKETS_SHOWN = 50
"""More open cases than this are one number to a person anyway."""
USER_FIELDS = ("Id", "Name", "IsActive", "Email", "Title", "TimeZoneSidKey")
CONTACT_FIELDS = ("Id", "Name", "FirstName", "Email", "IsDeleted")
TASK_FIELDS = (
    "Id",
    "Subject",
    "Description",
    "Status",
    "Priority",
    "ActivityDate",
    "OwnerId",
    "Owner.Name",
    "IsClosed",
    "CompletedDateTime",
    "CreatedById",
    "LastModifiedDate",
    "TaskSubtype",
)
EVENT_FIELDS = ("Id", "Subject", "StartDateTime", "Owner.Name")
CASE_FIELDS = ("Id", "CaseNumber", "Subject", "Priority")
ACCOUNT_FIELDS = (
    "Id",
    "Name",
    "IsDeleted",
    "MasterRecordId",
    "LastModifiedById",
    "LastModifiedDate",
)


class Part(StrEnum):
    """What an account can be read without. The value is what a person is told is missing."""

    TICKETS = "cases"
    EVENTS = "events"
    CONTACT = "contacts"


EVERY_PART = frozenset(Part)


@dataclass(frozen=True, kw_only=True)
class AccountQuery:
    """What to select for a plan. `away_field` is the user field that tells who is away, if any.

    An urgent one may use the calls that are kept in reserve.
    """

    plan: ReadPlan
    away_field: str | None = None
    urgent: bool = False

    @property
    def people(self) -> Mapping[Role, str]:
        """The relationship path of each role; the owner and the owner's manager come for free."""
        fields = {Role.OWNER: "OwnerId", Role.MANAGER: "Owner.ManagerId", **self.plan.people_fields}
        return {role: relationship(field) for role, field in fields.items()}

    @property
    def account_fields(self) -> tuple[str, ...]:
        """The account's own fields: the mapped ones, who its people are, and whose customer."""
        plan = self.plan
        people = [one for one in plan.people_fields.values() if "." not in one]
        return tuple(filter(None, [*plan.account_fields, *people, plan.customer_field]))

    def text(self, where: str, *, now: datetime, parts: frozenset[Part] = EVERY_PART) -> str:
        """The query for the accounts that `where` selects."""
        plan = self.plan
        fields = [*ACCOUNT_FIELDS, *map(soql.name, self.account_fields)]
        user = [*USER_FIELDS, *([soql.name(self.away_field)] if self.away_field else [])]
        for path in self.people.values():
            fields += [f"{path}.{one}" for one in user]
        if plan.contact_field and Part.CONTACT in parts:
            path = relationship(plan.contact_field)
            fields += [f"{path}.{one}" for one in CONTACT_FIELDS]
        fields.append(self._tasks())
        if Part.TICKETS in parts:
            fields.append(_TICKETS)
        if Part.EVENTS in parts:
            fields.append(_events(now))
        return soql.select(fields, "Account", where=where)

    def where(self, ids: Iterable[str], customers: Iterable[str]) -> str:
        """The condition for accounts by id or by payment customer."""
        wanted: list[str] = []
        if listed := list(ids):
            wanted.append(f"Id IN {soql.in_list(listed)}")
        if claimed := list(customers):
            field = soql.name(self.plan.customer_field)
            wanted.append(f"(IsDeleted = false AND {field} IN {soql.in_list(claimed)})")
        return " OR ".join(wanted)

    def dispensable(self, problem: NoAccess, parts: frozenset[Part]) -> frozenset[Part]:
        """The parts that a refusal is about; all of them when it names nothing that we know."""
        names = {problem.entity, *problem.names}
        contact = relationship(self.plan.contact_field) if self.plan.contact_field else "Contact"
        # VENDOR: a lookup to an object that we may not see leads to the nameless entity Name
        # (SOQL and SOSL Reference, polymorphic relationships); users are always visible.
        telling: dict[Part, set[str]] = {
            Part.TICKETS: {"Case", "Cases"},
            Part.EVENTS: {"Event", "Events"},
            Part.CONTACT: {"Contact", "Name", contact},
        }
        if not any(names):
            return parts
        return frozenset(part for part in parts if telling[part] & names)

    def explained(self, problem: NoAccess) -> Misconfigured:
        """The refusal in terms of the mapped field that is missing or hidden."""
        mapped = [
            *self.plan.account_fields,
            *self.plan.people_fields.values(),
            *filter(None, (self.plan.contact_field, self.plan.task_outcome_field)),
            *filter(None, (self.plan.task_key_field, self.plan.customer_field, self.away_field)),
        ]
        named = next(
            (
                field
                for field in mapped
                for name in problem.names
                if name in (field, *field.split("."), *relationship_or_nothing(field).split("."))
            ),
            problem.row,
        )
        return Misconfigured(
            f"the Salesforce field {named or '(not named)'} does not exist or is hidden from the "
            "integration user",
            row=named,
            remedy=problem.remedy,
        )

    def _tasks(self) -> str:
        plan = self.plan
        extra = [soql.name(one) for one in (plan.task_key_field, plan.task_outcome_field) if one]
        key = plan.task_key_field
        wanted = f"({key} != null OR IsClosed = true)" if key else "IsClosed = true"
        first = f"IsClosed ASC, {key} DESC NULLS LAST, " if key else ""
        inner = soql.select(
            [*TASK_FIELDS, *extra],
            "Tasks",
            where=f"IsDeleted = false AND {wanted}",
            order=f"{first}CompletedDateTime DESC NULLS LAST",
            limit=TASKS_SHOWN,
        )
        return f"({inner})"


def relationship(field: str) -> str:
    """The relationship path of a lookup field: `CSM__c` is followed as `CSM__r`, `OwnerId` as
    `Owner`, `Owner.ManagerId` as `Owner.Manager`. `Misconfigured` for a field that is no lookup."""
    path = relationship_or_nothing(soql.name(field))
    if not path:
        raise Misconfigured(
            f"{field} is no lookup field",
            row=field,
            remedy="Map a lookup to a user or contact: a custom one ends in __c, a standard in Id.",
        )
    return path


def relationship_or_nothing(field: str) -> str:
    """As `relationship`, with an empty text for a field that cannot be a lookup."""
    head, dot, last = field.rpartition(".")
    if last.endswith("__c"):
        return f"{head}{dot}{last.removesuffix('__c')}__r"
    if last.endswith("Id") and last != "Id":
        return f"{head}{dot}{last.removesuffix('Id')}"
    return ""


_TICKETS = "({})".format(
    soql.select(
        CASE_FIELDS,
        "Cases",
        where="IsDeleted = false AND IsClosed = false",
        order="Priority ASC, CreatedDate DESC",
        limit=TICKETS_SHOWN,
    )
)


def _events(now: datetime) -> str:
    inner = soql.select(
        EVENT_FIELDS,
        "Events",
        where=f"IsDeleted = false AND StartDateTime <= {soql.moment(now)}",
        order="StartDateTime DESC",
        limit=1,
    )
    return f"({inner})"


def asked(ids: Sequence[str], customers: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """The look-ups in groups that fit one query each."""
    both = [(one, "") for one in ids] + [("", one) for one in customers]
    return [
        ([one for one, _ in group if one], [one for _, one in group if one])
        for group in soql.slices(both, soql.IN_LIST)
    ]
