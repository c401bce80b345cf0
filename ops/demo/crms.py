"""The simulated CRMs as the story sees them: one set of hands and eyes, whatever the vendor."""

from __future__ import annotations

import html
import json
import re
import secrets
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from ops.demo.vendors import Vendor

HOME = ZoneInfo("America/New_York")
"""Where the people of the story work."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One customer of the cast, by its ids: `account` in Salesforce, `company` in HubSpot."""

    name: str
    customer: str
    subscription: str
    account: str
    company: str


@dataclass(frozen=True, kw_only=True)
class Task:
    """One of our tasks as a person sees it."""

    id: str
    subject: str
    text: str
    owner: str
    is_closed: bool
    where: str


class Crm(Vendor):
    """One simulated CRM. `people` are its ids of the cast, by short names."""

    system: str
    title: str

    def __init__(self, url: str, *, people: Mapping[str, str], login: Mapping[str, Any]) -> None:
        super().__init__(url)
        self.people = people
        self.login = login

    def do(self, verb: str, **arguments: Any) -> Any:
        """What the admin or a person does, or reads."""
        found = self.post(f"/_sim/do/{verb}", arguments)
        return found["result"] if isinstance(found, dict) and "result" in found else found

    @abstractmethod
    def connect(self, edge: str) -> dict[str, str]:
        """Let it tell the edge what people change; returns what an admin would configure."""

    @abstractmethod
    def where(self, member: Member) -> str:
        """The member's record, in the words of the CRM's people."""

    @abstractmethod
    def set_status(self, person: str, member: Member, *, resolving: bool) -> str:
        """A person marks an account in resolution, or takes the word back; says what was set."""

    @abstractmethod
    def set_end(self, person: str, member: Member, day: date) -> str:
        """A person says until when; says what was set."""

    @abstractmethod
    def talk(self, person: str, member: Member, subject: str, at: datetime) -> None:
        """A person logs a talk with the customer."""

    @abstractmethod
    def snooze(self, person: str, task: Task, day: date) -> None:
        """A person moves a task to another day."""

    @abstractmethod
    def tasks(self, member: Member) -> list[tuple[str, Task]]:
        """Our tasks of a member with their keys, oldest first."""

    @abstractmethod
    def task(self, id: str) -> Task:
        """One task."""

    @abstractmethod
    def fields(self, member: Member) -> dict[str, Any]:
        """What we keep on the record: status, quiet, due and problem."""

    def living_task(self, member: Member) -> Task:
        """The one task of a case, not those of its escalation."""
        living = [task for key, task in self.tasks(member) if "-e" not in key]
        if len(living) != 1:
            raise LookupError(f"{member.name} has {len(living)} living tasks, not one")
        return living[0]


class Salesforce(Crm):
    """The simulated Salesforce org."""

    system = "salesforce"
    title = "Salesforce"
    watched = ("Dunning_Status__c", "Dunning_Hold_Until__c", "Dunning_Promise_Date__c")
    """The fields whose change the org tells by outbound message, as in the shipped package."""

    def connect(self, edge: str) -> dict[str, str]:
        """See `Crm.connect`."""
        secret = secrets.token_hex(16)
        hook = f"{edge}/webhooks/salesforce/outbound/{secret}"
        self.do("watch", url=hook, fields=self.watched)
        return {
            "SALESFORCE__INSTANCE_URL": "https://kidglove.my.salesforce.com",
            "SALESFORCE__API_BASE": self.url,
            "SALESFORCE__CLIENT_ID": self.login["consumer_key"],
            "SALESFORCE__CLIENT_SECRET": self.login["consumer_secret"],
            "SALESFORCE__ORGANIZATION_ID": self.login["organization_id"],
            "SALESFORCE__FALLBACK_OWNER": self.people["desk"],
            "SALESFORCE__WEBHOOK_SECRETS": json.dumps([secret]),
        }

    def where(self, member: Member) -> str:
        """See `Crm.where`."""
        return f"Salesforce Account {member.account}"

    def set_status(self, person: str, member: Member, *, resolving: bool) -> str:
        """See `Crm.set_status`."""
        return self._set(person, member, "Dunning_Status__c", "In Resolution" if resolving else "")

    def set_end(self, person: str, member: Member, day: date) -> str:
        """See `Crm.set_end`."""
        return self._set(person, member, "Dunning_Hold_Until__c", day.isoformat())

    def talk(self, person: str, member: Member, subject: str, at: datetime) -> None:
        """See `Crm.talk`."""
        owner = self.people[person]
        self.do(
            "add_event",
            account=member.account,
            subject=subject,
            start=at.isoformat(),
            owner=owner,
        )

    def snooze(self, person: str, task: Task, day: date) -> None:
        """See `Crm.snooze`."""
        self._edit(person, "Task", task.id, ActivityDate=day.isoformat())

    def tasks(self, member: Member) -> list[tuple[str, Task]]:
        """See `Crm.tasks`."""
        return [
            (row["Dunning_Key__c"], self._task(row))
            for row in self.do("rows", object="Task")
            if row.get("Dunning_Key__c") and row["WhatId"] == member.account
        ]

    def task(self, id: str) -> Task:
        """See `Crm.task`."""
        return self._task(self.do("get", id=id))

    def fields(self, member: Member) -> dict[str, Any]:
        """See `Crm.fields`."""
        row = self.do("get", id=member.account)
        status = str(row["Payment_Status__c"]).lower()
        return {
            "status": "failed" if status == "payment failed" else status,
            "quiet": str(row["Dunning_Quiet_State__c"]).lower(),
            "due": row["Amount_Past_Due__c"],
            "problem": row["Dunning_Sync_Error__c"],
        }

    def _task(self, row: Mapping[str, Any]) -> Task:
        return Task(
            id=row["Id"],
            subject=row["Subject"],
            text=row["Description"] or "",
            owner=self.do("get", id=row["OwnerId"])["Name"],
            is_closed=row["IsClosed"],
            where=f"Salesforce Task {row['Id']}",
        )

    def _set(self, person: str, member: Member, field: str, value: str) -> str:
        self._edit(person, "Account", member.account, **{field: value or None})
        return f"{field} = {value or '(empty)'}"

    def _edit(self, person: str, kind: str, id: str, **fields: Any) -> None:
        user = self.people[person]
        self.do("human_update", user_id=user, object=kind, id=id, fields=fields)


class Hubspot(Crm):
    """The simulated HubSpot portal."""

    system = "hubspot"
    title = "HubSpot"
    watched = (
        "company.propertyChange:billing_resolution_status",
        "company.propertyChange:billing_resolution_until",
        "company.propertyChange:billing_promise_date",
    )
    """The changes that the shipped app subscribes to."""

    def connect(self, edge: str) -> dict[str, str]:
        """See `Crm.connect`."""
        hook = f"{edge}/webhooks/hubspot"
        self.do("watch", url=hook, subscriptions=self.watched)
        # Two months pass in a minute: the allowance of ten real seconds would only be waited for.
        self.do("set_limits", burst=10_000, search=1_000)
        return {
            "HUBSPOT__TOKEN": self.login["service_key"],
            "HUBSPOT__API_BASE": self.url,
            "HUBSPOT__PORTAL_ID": str(self.login["portal_id"]),
            "HUBSPOT__CALLS_PER_WINDOW": "10000",
            "HUBSPOT__FALLBACK_OWNER": self.people["desk"],
            "HUBSPOT__APP_SECRETS": json.dumps([self.login["client_secret"]]),
            "HUBSPOT__WEBHOOK_URL": hook,
        }

    def where(self, member: Member) -> str:
        """See `Crm.where`."""
        return f"HubSpot company {member.company}"

    def set_status(self, person: str, member: Member, *, resolving: bool) -> str:
        """See `Crm.set_status`."""
        word = "in_resolution" if resolving else ""
        return self._set(person, member, "billing_resolution_status", word)

    def set_end(self, person: str, member: Member, day: date) -> str:
        """See `Crm.set_end`."""
        return self._set(person, member, "billing_resolution_until", day.isoformat())

    def talk(self, person: str, member: Member, subject: str, at: datetime) -> None:
        """See `Crm.talk`."""
        owner, moment = self.people[person], at.isoformat()
        self.do("log_call", owner_id=owner, company=member.company, title=subject, at=moment)

    def snooze(self, person: str, task: Task, day: date) -> None:
        """See `Crm.snooze`."""
        until = datetime.combine(day, time(9), HOME).isoformat()
        self.do("snooze_task", owner_id=self.people[person], id=task.id, until=until)

    def tasks(self, member: Member) -> list[tuple[str, Task]]:
        """See `Crm.tasks`."""
        ids = self.do("linked", type_name="companies", id=member.company, to="tasks")
        rows = [self.do("get", type_name="tasks", id=id) for id in sorted(ids, key=int)]
        return [
            (row["kidglove_key"], self._task(id, row))
            for id, row in zip(sorted(ids, key=int), rows, strict=True)
            if row.get("kidglove_key")
        ]

    def task(self, id: str) -> Task:
        """See `Crm.task`."""
        return self._task(id, self.do("get", type_name="tasks", id=id))

    def fields(self, member: Member) -> dict[str, Any]:
        """See `Crm.fields`."""
        row = self.do("get", type_name="companies", id=member.company)
        due = row.get("kidglove_amount_due")
        return {
            "status": row.get("kidglove_payment_status"),
            "quiet": row.get("kidglove_quiet_state"),
            "due": float(due) if due else None,
            "problem": row.get("kidglove_sync_problem") or None,
        }

    def _task(self, id: str, row: Mapping[str, str]) -> Task:
        owners = {owner: short for short, owner in self.people.items()}
        short = owners.get(row.get("hubspot_owner_id", ""), "nobody")
        return Task(
            id=id,
            subject=row["hs_task_subject"],
            text=_plain(row.get("hs_task_body", "")),
            owner=NAMES.get(short, short),
            is_closed=row["hs_task_status"] == "COMPLETED",
            where=f"HubSpot task {id}",
        )

    def _set(self, person: str, member: Member, name: str, value: str) -> str:
        self.do(
            "human_update",
            owner_id=self.people[person],
            type_name="companies",
            id=member.company,
            properties={name: value},
        )
        return f"{name} = {value or '(empty)'}"


NAMES: Mapping[str, str] = {
    "ines": "Ines Okafor",
    "felix": "Felix Nordstrom",
    "morgan": "Morgan Vale",
    "priya": "Priya Raman",
    "salma": "Salma Haddad",
    "tomas": "Tomas Lind",
    "desk": "Billing Desk",
}
"""The cast by name."""
CRMS: Mapping[str, tuple[str, ...]] = {
    "salesforce": ("salesforce",),
    "hubspot": ("hubspot",),
    "both": ("salesforce", "hubspot"),
}
"""What can be asked for, and which CRMs that connects; the first one gets the tasks."""


def _plain(body: str) -> str:
    """The text of an HTML body, a line for each block."""
    lines = re.sub(r"<br\s*/?>|</(p|li|h\d|tr|div)>", "\n", body)
    return html.unescape(re.sub(r"<[^>]+>", "", lines)).strip()
