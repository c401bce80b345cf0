"""Both simulated CRMs in the same words: who is in them, what was called, what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from bench.stage import Stage

NO_CLOCKWORK = {
    "KIDGLOVE_POLL_CRM_SECONDS": "864000",
    "KIDGLOVE_POLL_EVENTS_SECONDS": "864000",
    "KIDGLOVE_RECONCILE_SECONDS": "864000",
    # A worker is never replaced by a fresh one, so that its memory can be watched.
    "KIDGLOVE_WORKER_MAX_JOBS": "1000000",
}
"""Settings under which nothing runs by the clock: only what the benchmark asks for is counted."""


class Crm(Protocol):
    """One simulated CRM."""

    system: str
    records_per_write: int
    """How many records the vendor lets one call write: the floor of calls."""

    def add(self, name: str, customer: str, *, is_vip: bool = True) -> str:
        """An account that names its Stripe customer; its id. Whoever has a CSM is a VIP."""
        ...

    def edit(self, account: str) -> None:
        """The CSM changes the health score, which the mapping brings to Stripe."""
        ...

    def forget(self) -> None:
        """Start counting anew."""
        ...

    def reads(self) -> int:
        """Calls since then that changed nothing, logins left out."""
        ...

    def writes(self) -> int:
        """Calls since then that changed something."""
        ...

    def has_task(self, account: str) -> bool:
        """Whether one of our tasks stands on the account."""
        ...

    def lift_limits(self) -> None:
        """Allow any number of calls: they are counted, and held against the limits afterwards."""
        ...

    def least(self, calls: int) -> dict[str, float]:
        """What the vendor's own limits make of so many calls."""
        ...


class Salesforce:
    """The simulated org."""

    system = "salesforce"
    records_per_write = 200
    DAILY = 100_000
    """Calls a day of the smallest Enterprise Edition org; there is no limit to their rate."""

    def __init__(self, stage: Stage) -> None:
        self._org, self._csm = stage.org, stage.csm

    def add(self, name: str, customer: str, *, is_vip: bool = True) -> str:
        """See `Crm.add`."""
        more = {"CSM__c": self._csm} if is_vip else {}
        return self._org.add_account(name, owner=self._csm, Stripe_Customer_Id__c=customer, **more)

    def edit(self, account: str) -> None:
        """See `Crm.edit`."""
        self._org.human(self._csm).update("Account", account, {"Health_Score__c": 71})

    def forget(self) -> None:
        """See `Crm.forget`."""
        self._org.forget_requests()

    def reads(self) -> int:
        """See `Crm.reads`."""
        return sum(not one.wrote and "/oauth2/" not in one.path for one in self._org.requests)

    def writes(self) -> int:
        """See `Crm.writes`."""
        return len(self._org.writes())

    def has_task(self, account: str) -> bool:
        """See `Crm.has_task`."""
        return any(row.get("WhatId") == account for row in self._org.rows("Task"))

    def lift_limits(self) -> None:
        """See `Crm.lift_limits`."""
        self._org.set_quota(1_000_000_000)

    def least(self, calls: int) -> dict[str, float]:
        """See `Crm.least`."""
        return {"seconds": 0.0, "share_of_a_day": round(calls / self.DAILY, 4)}


class Hubspot:
    """The simulated HubSpot account."""

    system = "hubspot"
    records_per_write = 100
    DAILY = 250_000
    WINDOW = 100
    """Calls a day and in ten seconds of the smallest tier."""

    def __init__(self, stage: Stage) -> None:
        self._portal, self._csm = stage.portal, stage.portal_csm

    def add(self, name: str, customer: str, *, is_vip: bool = True) -> str:
        """See `Crm.add`."""
        more = {"kidglove_csm": self._csm} if is_vip else {}
        return self._portal.add_company(name, owner=self._csm, stripe_customer_id=customer, **more)

    def edit(self, account: str) -> None:
        """See `Crm.edit`."""
        self._portal.human(self._csm).set_company(account, kidglove_health_score=71)

    def forget(self) -> None:
        """See `Crm.forget`."""
        self._portal.forget_requests()

    def reads(self) -> int:
        """See `Crm.reads`."""
        return len(self._portal.requests) - self.writes()

    def writes(self) -> int:
        """See `Crm.writes`."""
        return len(self._portal.writes())

    def has_task(self, account: str) -> bool:
        """See `Crm.has_task`."""
        return bool(self._portal.linked("companies", account, "tasks"))

    def lift_limits(self) -> None:
        """See `Crm.lift_limits`."""
        self._portal.set_limits(burst=1_000_000, search=1_000_000, daily=1_000_000_000)

    def least(self, calls: int) -> dict[str, float]:
        """See `Crm.least`."""
        return {
            "seconds": round(calls / self.WINDOW * 10, 1),
            "share_of_a_day": round(calls / self.DAILY, 4),
        }


CRMS: Mapping[str, Callable[[Stage], Crm]] = {"salesforce": Salesforce, "hubspot": Hubspot}
