"""Both CRMs behind one set of verbs, so that one story can be played on either.

A side is what a CSM does and sees; what the vendor calls its fields stays in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from simulators.hubspot import HubspotSim
from simulators.salesforce import SalesforceSim


@dataclass(frozen=True, kw_only=True)
class SeenTask:
    """One of our tasks, as somebody looking at the CRM sees it."""

    id: str
    key: str
    subject: str
    body: str
    owner: str
    """The owner's name."""
    due: date
    is_done: bool
    is_high: bool


@dataclass(frozen=True, kw_only=True)
class SeenFields:
    """What we keep on the account, in words that both CRMs share."""

    status: str | None
    quiet: str | None
    amount: float | None


class Side(Protocol):
    """One CRM in the hands of its people: csm, owner, manager and fallback."""

    system: str
    phone: str
    city: str
    site: str
    """What this CRM calls an account's telephone, its town and its website."""

    @property
    def people(self) -> dict[str, str]: ...

    def add_account(self, name: str, *, customer: str | None) -> str:
        """An account of the owner's and the CSM's."""
        ...

    def say(self, account: str, word: str | None, *, until: date | None = None) -> None:
        """The CSM sets the status: `held`, `released`, another word, or None."""
        ...

    def promise(self, account: str, day: date | None) -> None: ...

    def edit(self, account: str, field: str, value: str | None) -> None:
        """The CSM types something into a field of the account, by the CRM's own name."""
        ...

    def value(self, account: str, field: str) -> Any:
        """What stands in a field of the account; None if nothing does."""
        ...

    def row(self, account: str) -> dict[str, Any]:
        """Everything that the CRM shows of an account, stamps included."""
        ...

    def keep_messages(self, *, kept: bool) -> None:
        """Keep what this CRM has to tell, or let it go."""
        ...

    def tasks(self, account: str) -> list[SeenTask]:
        """Our tasks of an account, oldest first."""
        ...

    def complete(self, task: SeenTask, outcome: str | None = None) -> None:
        """The CSM completes a task; `outcome` is will_pay, no_answer or None."""
        ...

    def snooze(self, task: SeenTask, day: date) -> None: ...

    def note(self, task: SeenTask, text: str) -> None:
        """The CSM writes a line under the text of the task."""
        ...

    def talk(self, account: str) -> None:
        """The CSM logs a call with the customer."""
        ...

    def leave(self, person: str) -> None:
        """Somebody leaves the company."""
        ...

    def fields(self, account: str) -> SeenFields: ...

    def delete(self, account: str) -> None: ...

    def calls(self) -> int:
        """API calls so far."""
        ...

    def writes(self) -> int:
        """API calls so far that changed something."""
        ...


def living(side: Side, account: str) -> SeenTask:
    """The one task of the case itself, its escalation left out."""
    found = [one for one in side.tasks(account) if "-e" not in one.key]
    assert len(found) == 1, [one.subject for one in found]
    return found[0]


@dataclass
class SalesforceSide:
    """The simulated Salesforce org."""

    org: SalesforceSim
    people: dict[str, str]
    system: str = "salesforce"
    phone: str = "Phone"
    city: str = "BillingCity"
    site: str = "Website"

    def add_account(self, name: str, *, customer: str | None) -> str:
        return self.org.add_account(
            name,
            owner=self.people["owner"],
            Stripe_Customer_Id__c=customer,
            CSM__c=self.people["csm"],
            Health_Score__c=62,
        )

    def say(self, account: str, word: str | None, *, until: date | None = None) -> None:
        words = {"held": "In Resolution", "released": "Released"}
        self._edit(
            account,
            Dunning_Status__c=words.get(word, word) if word else None,
            Dunning_Hold_Until__c=until.isoformat() if until else None,
        )

    def promise(self, account: str, day: date | None) -> None:
        self._edit(account, Dunning_Promise_Date__c=day.isoformat() if day else None)

    def edit(self, account: str, field: str, value: str | None) -> None:
        self._edit(account, **{field: value})

    def value(self, account: str, field: str) -> Any:
        return self.org.get(account)[field]

    def row(self, account: str) -> dict[str, Any]:
        return dict(self.org.get(account))

    def keep_messages(self, *, kept: bool) -> None:
        self.org.postman.dial.held = kept

    def tasks(self, account: str) -> list[SeenTask]:
        names = {row["Id"]: row["Name"] for row in self.org.rows("User")}
        return [
            SeenTask(
                id=row["Id"],
                key=row["Dunning_Key__c"],
                subject=row["Subject"],
                body=row["Description"] or "",
                owner=str(names.get(row["OwnerId"], row["OwnerId"])),
                due=date.fromisoformat(row["ActivityDate"]),
                is_done=row["IsClosed"],
                is_high=row["Priority"] == "High",
            )
            for row in self.org.rows("Task")
            if row.get("Dunning_Key__c") and row.get("WhatId") == account
        ]

    def complete(self, task: SeenTask, outcome: str | None = None) -> None:
        words = {"will_pay": "Reached - will pay", "no_answer": "No answer"}
        self.org.human(self.people["csm"]).complete_task(
            task.id, words[outcome] if outcome else None
        )

    def snooze(self, task: SeenTask, day: date) -> None:
        self._task(task, ActivityDate=day.isoformat())

    def note(self, task: SeenTask, text: str) -> None:
        self._task(task, Description=f"{task.body}\n{text}")

    def talk(self, account: str) -> None:
        self.org.add_event(
            account, "Called them", start=self.org.clock.now(), owner=self.people["csm"]
        )

    def leave(self, person: str) -> None:
        self.org.deactivate(self.people[person])

    def fields(self, account: str) -> SeenFields:
        row = self.org.get(account)
        status, quiet = row.get("Payment_Status__c"), row.get("Dunning_Quiet_State__c")
        return SeenFields(
            status={"Payment failed": "failed", "Past due": "past_due"}.get(
                str(status), _small(status)
            ),
            quiet=_small(quiet),
            amount=row.get("Amount_Past_Due__c"),
        )

    def delete(self, account: str) -> None:
        self.org.human(self.people["csm"]).delete("Account", account)

    def calls(self) -> int:
        return len(self.org.app.requests)

    def writes(self) -> int:
        return sum(bool(one.wrote) for one in self.org.app.requests)

    def _edit(self, account: str, **fields: Any) -> None:
        self.org.human(self.people["csm"]).update("Account", account, fields)

    def _task(self, task: SeenTask, **fields: Any) -> None:
        self.org.human(self.people["csm"]).update("Task", task.id, fields)


@dataclass
class HubspotSide:
    """The simulated HubSpot account."""

    portal: HubspotSim
    people: dict[str, str]
    system: str = "hubspot"
    phone: str = "phone"
    city: str = "city"
    site: str = "domain"

    def add_account(self, name: str, *, customer: str | None) -> str:
        return self.portal.add_company(
            name,
            owner=self.people["owner"],
            stripe_customer_id=customer,
            kidglove_csm=self.people["csm"],
            kidglove_escalation_owner=self.people["manager"],
            kidglove_health_score=62,
        )

    def say(self, account: str, word: str | None, *, until: date | None = None) -> None:
        words = {"held": "in_resolution", "released": "released"}
        self._edit(
            account,
            billing_resolution_status=words.get(word, word) if word else None,
            billing_resolution_until=until,
        )

    def promise(self, account: str, day: date | None) -> None:
        self._edit(account, billing_promise_date=day)

    def edit(self, account: str, field: str, value: str | None) -> None:
        self._edit(account, **{field: value})

    def value(self, account: str, field: str) -> Any:
        return self.portal.get("companies", account).get(field) or None

    def row(self, account: str) -> dict[str, Any]:
        return dict(self.portal.get("companies", account))

    def keep_messages(self, *, kept: bool) -> None:
        self.portal.postman.dial.held = kept

    def tasks(self, account: str) -> list[SeenTask]:
        names = {id: name for name, id in self._names.items()}
        ids = set(self.portal.linked("companies", account, "tasks"))
        return [
            SeenTask(
                id=row["hs_object_id"],
                key=row["kidglove_key"],
                subject=row["hs_task_subject"],
                body=row.get("hs_task_body") or "",
                owner=names.get(row.get("hubspot_owner_id") or "", "nobody"),
                due=_local(row["hs_timestamp"]),
                is_done=row["hs_task_status"] == "COMPLETED",
                is_high=row.get("hs_task_priority") == "HIGH",
            )
            for row in sorted(self.portal.rows("tasks"), key=lambda one: int(one["hs_object_id"]))
            if row.get("kidglove_key") and row["hs_object_id"] in ids
        ]

    @property
    def _names(self) -> dict[str, str]:
        titles = {
            "csm": "Morgan Vale",
            "owner": "Felix Nordstrom",
            "manager": "Ines Okafor",
            "fallback": "Billing Ops",
        }
        return {titles[role]: id for role, id in self.people.items()}

    def complete(self, task: SeenTask, outcome: str | None = None) -> None:
        words = {"will_pay": "reached_will_pay", "no_answer": "no_answer"}
        more = {"kidglove_outcome": words[outcome]} if outcome else {}
        self._csm.complete_task(task.id, **more)

    def snooze(self, task: SeenTask, day: date) -> None:
        self._csm.snooze_task(task.id, datetime.combine(day, time(14), tzinfo=UTC))

    def note(self, task: SeenTask, text: str) -> None:
        self._csm.edit_task(task.id, hs_task_body=f"{task.body}<p>{text}</p>")

    def talk(self, account: str) -> None:
        self._csm.log_call(account, "Called them")

    def leave(self, person: str) -> None:
        self.portal.deactivate(self.people[person])

    def fields(self, account: str) -> SeenFields:
        row = self.portal.get("companies", account)
        amount = row.get("kidglove_amount_due")
        return SeenFields(
            status=row.get("kidglove_payment_status") or None,
            quiet=row.get("kidglove_quiet_state") or None,
            amount=float(amount) if amount else None,
        )

    def delete(self, account: str) -> None:
        self._csm.delete("companies", account)

    def calls(self) -> int:
        return len(self.portal.requests)

    def writes(self) -> int:
        return len(self.portal.writes())

    @property
    def _csm(self) -> Any:
        return self.portal.human(self.people["csm"])

    def _edit(self, account: str, **properties: Any) -> None:
        blank = {name: "" if value is None else value for name, value in properties.items()}
        self._csm.set_company(account, **blank)


def _small(word: object) -> str | None:
    return str(word).lower().replace(" ", "_") if word else None


def _local(stamp: str) -> date:
    """The day in New York, where these people work."""
    moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    return moment.astimezone(ZoneInfo("America/New_York")).date()
