"""The simulated Salesforce org as a side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from simulators.faults import Fault, FaultDial, Harm
from simulators.hooks import Postman
from simulators.salesforce import SalesforceSim
from tests.sides import SeenFields, SeenTask, small

DETAILS = {
    "customer": "Stripe_Customer_Id__c",
    "csm": "CSM__c",
    "health": "Health_Score__c",
    "health_at": "Health_Score_At__c",
    "cs_tier": "CS_Tier__c",
    "expansion": "Expansion_ARR__c",
    "renewal_call": "Renewal_Call__c",
    "contract": "Contract_Type__c",
    "contract_end": "Contract_End__c",
    "override": "VIP_Override__c",
}
OVERRIDES = {"always": "Always personal", "never": "Never VIP"}
OUTCOMES = {
    "will_pay": "Reached - will pay",
    "card_updated": "Card updated",
    "needs_time": "Needs time",
    "no_answer": "No answer",
}
WRITES = ".*/composite.*"
LIMIT = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]


@dataclass
class SalesforceSide:
    """The simulated Salesforce org."""

    org: SalesforceSim
    people: dict[str, str]
    system: str = "salesforce"
    title: str = "Salesforce"
    phone: str = "Phone"
    city: str = "BillingCity"
    site: str = "Website"
    status: str = "Payment_Status__c"
    calls_to_write: int = 1
    misses_a_task_after: timedelta = timedelta(0)

    @property
    def faults(self) -> FaultDial:
        return self.org.faults

    @property
    def postman(self) -> Postman:
        return self.org.postman

    # ------------------------------------------------------------ what is on record

    def add_account(self, name: str, *, customer: str | None, **details: Any) -> str:
        said = {"csm": self.people["csm"], "health": 62, "customer": customer, **details}
        return self.org.add_account(name, owner=self.people["owner"], **_fields(said))

    def set(self, account: str, **details: Any) -> None:
        self._edit(account, **_fields(details))

    def add_person(self, name: str, *, zone: str) -> str:
        return self.org.add_user(name, zone=zone)

    def add_payer(self, account: str, first: str, last: str, mail: str) -> str:
        contact = self.org.add_contact(account, first, last, mail)
        self._edit(account, AP_Contact__c=contact)
        return contact

    def add_ticket(self, account: str, title: str) -> None:
        self.org.add_case(account, title, priority="High")

    def add_meeting(self, account: str, title: str, at: datetime) -> None:
        self.org.add_event(account, title, start=at, owner=self.people["csm"])

    # ------------------------------------------------------------ what the CSM says

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

    def overwrite_status(self, account: str, status: str) -> None:
        self._edit(account, Payment_Status__c={"current": "Current"}[status])

    def value(self, account: str, field: str) -> Any:
        return self.org.get(account)[field]

    def row(self, account: str) -> dict[str, Any]:
        return dict(self.org.get(account))

    def keep_messages(self, *, kept: bool) -> None:
        self.org.postman.dial.held = kept

    # ------------------------------------------------------------ tasks

    def tasks(self, account: str) -> list[SeenTask]:
        return [self._seen(row) for row in self._ours() if row.get("WhatId") == account]

    def every_task(self) -> list[SeenTask]:
        return [self._seen(row) for row in self._ours()]

    def _ours(self) -> list[dict[str, Any]]:
        return [row for row in self.org.rows("Task") if row.get("Dunning_Key__c")]

    def _seen(self, row: dict[str, Any]) -> SeenTask:
        names = {one["Id"]: one["Name"] for one in self.org.rows("User")}
        return SeenTask(
            id=row["Id"],
            key=row["Dunning_Key__c"],
            subject=row["Subject"],
            body=row["Description"] or "",
            text=row["Description"] or "",
            owner=str(names.get(row["OwnerId"], row["OwnerId"])),
            contact=row["WhoId"],
            due=date.fromisoformat(row["ActivityDate"]),
            made_at=datetime.fromisoformat(row["CreatedDate"].replace("+0000", "+00:00")),
            is_done=row["IsClosed"],
            is_high=row["Priority"] == "High",
            is_call=row["TaskSubtype"] == "Call",
        )

    def copied(self, task: SeenTask, account: str, *, key: bool) -> str:
        return self.org.add_task(
            account,
            task.subject,
            owner=self.people["csm"],
            due=task.due,
            Description=task.text,
            **({"Dunning_Key__c": task.key} if key else {}),
        )

    def task_row(self, id: str) -> dict[str, Any]:
        return dict(self.org.get(id))

    def complete(self, task: SeenTask, outcome: str | None = None) -> None:
        self.org.human(self.people["csm"]).complete_task(
            task.id, OUTCOMES[outcome] if outcome else None
        )

    def snooze(self, task: SeenTask, day: date) -> None:
        self._task(task, ActivityDate=day.isoformat())

    def note(self, task: SeenTask, text: str) -> None:
        self._task(task, Description=f"{task.body}\n{text}")

    def note_above(self, task: SeenTask, text: str) -> None:
        self._task(task, Description=f"{text}\n{task.body}")

    def give(self, task: SeenTask, person: str) -> None:
        self._task(task, OwnerId=self.people[person])

    def lower(self, task: SeenTask) -> None:
        self._task(task, Priority="Low")

    def remove(self, task: SeenTask) -> None:
        self.org.human(self.people["csm"]).delete("Task", task.id)

    def talk(self, account: str) -> None:
        csm = self.org.human(self.people["csm"])
        said = {"Subject": "Called them", "WhatId": account, "TaskSubtype": "Call"}
        csm.complete_task(csm.create("Task", said))

    def leave(self, person: str) -> None:
        self.org.deactivate(self.people[person])

    def fields(self, account: str) -> SeenFields:
        row = self.org.get(account)
        status, quiet = row.get("Payment_Status__c"), row.get("Dunning_Quiet_State__c")
        return SeenFields(
            status={"Payment failed": "failed", "Past due": "past_due"}.get(
                str(status), small(status)
            ),
            quiet=small(quiet),
            amount=row.get("Amount_Past_Due__c"),
        )

    def delete(self, account: str) -> None:
        self.org.human(self.people["csm"]).delete("Account", account)

    def merge(self, survivor: str, account: str) -> str:
        customer = self.org.get(account)["Stripe_Customer_Id__c"]
        self.org.merge_accounts(survivor, account, {"Stripe_Customer_Id__c": customer})
        return survivor

    def allow_twins(self) -> None:
        field = self.org.schema()["Account"].fields[DETAILS["customer"]]
        self.org._org.replace_field("Account", replace(field, unique=False))

    # ------------------------------------------------------------ troubles

    def refuse_tasks(self, words: str, *, only_changes: bool = False) -> None:
        self.org.add_rule("Task", lambda new, old: words if old or not only_changes else None)

    def accept_tasks(self) -> None:
        self.org.clear_rules()

    def use_up_calls(self) -> None:
        self.org.use_up_quota()

    def allow_calls(self) -> None:
        self.org.set_quota(1_000_000)

    def refuse_a_write(self) -> None:
        self.faults.arm(Fault(harm=Harm.STATUS, method="POST", path=WRITES, status=403, body=LIMIT))

    def lose_answers(self, *, times: int) -> None:
        self.faults.arm(Fault(harm=Harm.RESET_AFTER, method="POST", path=WRITES, times=times))

    # ------------------------------------------------------------ counts

    def state(self) -> dict[str, Any]:
        return self.org.state(volatile=False)

    def calls(self) -> int:
        return len(self.org.app.requests)

    def writes(self) -> int:
        return sum(bool(one.wrote) for one in self.org.app.requests)

    def _edit(self, account: str, **fields: Any) -> None:
        self.org.human(self.people["csm"]).update("Account", account, fields)

    def _task(self, task: SeenTask, **fields: Any) -> None:
        self.org.human(self.people["csm"]).update("Task", task.id, fields)


def _fields(details: dict[str, Any]) -> dict[str, Any]:
    """Details by the names of the org's own fields."""
    said = details | {
        name: OVERRIDES[value] for name, value in details.items() if name == "override" and value
    }
    return {DETAILS[name]: value for name, value in said.items()}
