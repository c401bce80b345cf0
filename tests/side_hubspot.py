"""The simulated HubSpot account as a side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from html import escape, unescape
from typing import Any
from zoneinfo import ZoneInfo

from simulators.faults import Fault, FaultDial, Harm
from simulators.hooks import Postman
from simulators.hubspot import HubspotSim
from simulators.hubspot.troubles import whole
from tests.sides import SeenFields, SeenTask

DETAILS = {
    "customer": "stripe_customer_id",
    "csm": "kidglove_csm",
    "health": "kidglove_health_score",
    "health_at": "kidglove_health_score_at",
    "cs_tier": "kidglove_cs_tier",
    "expansion": "kidglove_expansion_arr",
    "renewal_call": "kidglove_renewal_call",
    "contract": "kidglove_contract_type",
    "contract_end": "kidglove_contract_end",
    "override": "kidglove_vip_override",
}
OVERRIDES = {"always": "always_personal", "never": "never_vip"}
OUTCOMES = {
    "will_pay": "reached_will_pay",
    "card_updated": "card_updated",
    "needs_time": "needs_time",
    "no_answer": "no_answer",
}
PAYER = "Billing contact"
"""The label of a contact's association that the shipped mapping names."""
WRITES = ".*/tasks/batch/(create|update)"


@dataclass
class HubspotSide:
    """The simulated HubSpot account."""

    portal: HubspotSim
    people: dict[str, str]
    system: str = "hubspot"
    title: str = "HubSpot"
    phone: str = "phone"
    city: str = "city"
    site: str = "domain"
    status: str = "kidglove_payment_status"
    calls_to_write: int = 2
    # Deleted tasks are in no list of HubSpot's: the next look at the account misses them.
    misses_a_task_after: timedelta = timedelta(hours=13)

    @property
    def faults(self) -> FaultDial:
        return self.portal.faults

    @property
    def postman(self) -> Postman:
        return self.portal.postman

    # ------------------------------------------------------------ what is on record

    def add_account(self, name: str, *, customer: str | None, **details: Any) -> str:
        said = {"csm": self.people["csm"], "health": 62, "customer": customer, **details}
        return self.portal.add_company(
            name,
            owner=self.people["owner"],
            kidglove_escalation_owner=self.people["manager"],
            **_properties(said),
        )

    def set(self, account: str, **details: Any) -> None:
        self._edit(account, **_properties(details))

    def add_person(self, name: str, *, zone: str) -> str:
        return self.portal.add_owner(name, zone=zone)

    def add_payer(self, account: str, first: str, last: str, mail: str) -> str:
        contact = self.portal.add_contact(account, first, last, mail)
        label = self.portal.add_label("companies", "contacts", PAYER)
        self._csm.link(("companies", account), ("contacts", contact), label)
        return contact

    def add_ticket(self, account: str, title: str) -> None:
        self.portal.add_ticket(account, title, priority="HIGH")

    def add_meeting(self, account: str, title: str, at: datetime) -> None:
        self.portal.add_meeting(account, title, at=at, owner=self.people["csm"])

    # ------------------------------------------------------------ what the CSM says

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

    def overwrite_status(self, account: str, status: str) -> None:
        self._edit(account, kidglove_payment_status=status)

    def value(self, account: str, field: str) -> Any:
        return self.portal.get("companies", account).get(field) or None

    def row(self, account: str) -> dict[str, Any]:
        return dict(self.portal.get("companies", account))

    def keep_messages(self, *, kept: bool) -> None:
        self.portal.postman.dial.held = kept

    # ------------------------------------------------------------ tasks

    def tasks(self, account: str) -> list[SeenTask]:
        ids = set(self.portal.linked("companies", account, "tasks"))
        return [one for one in self.every_task() if one.id in ids]

    def every_task(self) -> list[SeenTask]:
        users = {row["hubspot_owner_id"]: row for row in self.portal.rows("users")}
        rows = [row for row in self.portal.rows("tasks") if row.get("kidglove_key")]
        return [
            self._seen(row, users.get(row.get("hubspot_owner_id") or "", {}))
            for row in sorted(rows, key=lambda one: int(one["hs_object_id"]))
        ]

    def _seen(self, row: Mapping[str, str], user: Mapping[str, str]) -> SeenTask:
        id = row["hs_object_id"]
        zone = ZoneInfo(user.get("hs_standard_time_zone") or "America/New_York")
        name = f"{user.get('hs_given_name', '')} {user.get('hs_family_name', '')}".strip()
        return SeenTask(
            id=id,
            key=row["kidglove_key"],
            subject=row["hs_task_subject"],
            body=row.get("hs_task_body") or "",
            text=_read(row.get("hs_task_body") or ""),
            owner=name or "nobody",
            contact=next(iter(self.portal.linked("tasks", id, "contacts")), None),
            due=_moment(row["hs_timestamp"]).astimezone(zone).date(),
            made_at=_moment(row["hs_createdate"]),
            is_done=row["hs_task_status"] == "COMPLETED",
            is_high=row.get("hs_task_priority") == "HIGH",
            is_call=row.get("hs_task_type") == "CALL",
        )

    def copied(self, task: SeenTask, account: str, *, key: bool) -> str:
        return self.portal.add_task(
            account,
            task.subject,
            owner=self.people["csm"],
            due=datetime.combine(task.due, time(14), tzinfo=UTC),
            hs_task_body=escape(task.text, quote=False).replace("\n", "<br>"),
            **({"kidglove_key": task.key} if key else {}),
        )

    def task_row(self, id: str) -> dict[str, Any]:
        return dict(self.portal.get("tasks", id))

    def complete(self, task: SeenTask, outcome: str | None = None) -> None:
        more = {"kidglove_outcome": OUTCOMES[outcome]} if outcome else {}
        self._csm.complete_task(task.id, **more)

    def snooze(self, task: SeenTask, day: date) -> None:
        self._csm.snooze_task(task.id, datetime.combine(day, time(14), tzinfo=UTC))

    def note(self, task: SeenTask, text: str) -> None:
        self._csm.edit_task(task.id, hs_task_body=f"{task.body}<p>{text}</p>")

    def note_above(self, task: SeenTask, text: str) -> None:
        self._csm.edit_task(task.id, hs_task_body=f"<p>{text}</p>{task.body}")

    def give(self, task: SeenTask, person: str) -> None:
        self._csm.reassign_task(task.id, self.people[person])

    def lower(self, task: SeenTask) -> None:
        self._csm.edit_task(task.id, hs_task_priority="LOW")

    def remove(self, task: SeenTask) -> None:
        self._csm.delete_task(task.id)

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

    def merge(self, survivor: str, account: str) -> str:
        return self.portal.merge_companies(survivor, account)

    def allow_twins(self) -> None:
        named = self.portal._portal.types["companies"].properties[DETAILS["customer"]]
        self.portal._portal.define("companies", replace(named, unique=False))

    # ------------------------------------------------------------ troubles

    def refuse_tasks(self, words: str, *, only_changes: bool = False) -> None:
        self.portal.add_rule("tasks", lambda new, old: words if old or not only_changes else None)

    def accept_tasks(self) -> None:
        self.portal.clear_rules()

    def use_up_calls(self) -> None:
        self.portal.use_up_daily()

    def allow_calls(self) -> None:
        self.portal.set_limits(daily=10_000_000)

    def refuse_a_write(self) -> None:
        self.faults.arm(whole("daily", method="POST", path=WRITES))

    def lose_answers(self, *, times: int) -> None:
        self.faults.arm(Fault(harm=Harm.RESET_AFTER, method="POST", path=WRITES, times=times))

    # ------------------------------------------------------------ counts

    def state(self) -> dict[str, Any]:
        return self.portal.state(volatile=False)

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


def _properties(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details by the names of the portal's own properties, which know days and no hours."""
    said = dict(details) | {
        name: OVERRIDES[value] for name, value in details.items() if name == "override" and value
    }
    return {
        DETAILS[name]: value.date() if isinstance(value, datetime) else value
        for name, value in said.items()
    }


def _read(html: str) -> str:
    """What somebody reads on the page: a line for each block, tags and entities resolved."""
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"<br>|</(?:p|li)>", "\n", html)))


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))
