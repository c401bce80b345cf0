"""A simulated org, a connector to it, and the few words that the Salesforce tests share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import redis

from connectors.kit.http import Timeouts, new_session
from connectors.kit.limits import Limiter
from connectors.kit.retry import Retry
from connectors.kit.tokens import SharedTokens
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.doctor import Expected
from connectors.salesforce.login import jwt_tokens
from connectors.salesforce.names import Names
from domain.facts import Role
from domain.ids import Ref
from domain.ports import AccountRecord, FoundAccounts, ReadPlan
from simulators.clock import SimClock
from simulators.salesforce import SalesforceSim

INSTANCE = "https://acme.my.salesforce.com"
START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
CUSTOMER = "cus_RvUprq"
NAMES = Names(
    task_key="Dunning_Key__c",
    customer="Stripe_Customer_Id__c",
    resolution="Dunning_Status__c",
    task_outcome="Dunning_Outcome__c",
    watched=("Dunning_Status__c", "Dunning_Hold_Until__c"),
)
PLAN = ReadPlan(
    account_fields=(
        "Dunning_Status__c",
        "Dunning_Hold_Until__c",
        "Health_Score__c",
        "Contract_Type__c",
    ),
    people_fields={Role.CSM: "CSM__c", Role.ESCALATION: "Escalation_Owner__c"},
    contact_field="AP_Contact__c",
    task_outcome_field="Dunning_Outcome__c",
    task_key_field="Dunning_Key__c",
    customer_field="Stripe_Customer_Id__c",
)
PATIENT = Timeouts(connect=2, read=10)
HASTY = Timeouts(connect=2, read=0.4)
"""For the tests in which the vendor never answers."""


def at_once(_: float) -> None:
    """Sleep without sleeping."""


class Stage:
    """One org with a CSM, an owner with a manager, and one account; and a connector to it."""

    def __init__(self) -> None:
        self.clock = SimClock(START)
        self.sim = SalesforceSim(self.clock)
        self.manager = self.sim.add_user("Mona Berg")
        self.owner = self.sim.add_user("Felix Nordstrom", manager=self.manager)
        self.csm = self.sim.add_user("Dana Ruiz")
        self.queue = self.sim.add_queue("Payment cases")
        self.account = self.sim.add_account(
            "Aurelius Partners",
            owner=self.owner,
            Stripe_Customer_Id__c=CUSTOMER,
            CSM__c=self.csm,
            Health_Score__c=62,
        )
        self.ref = Ref("salesforce", "account", self.account)

    def tokens(self, store: redis.Redis | None = None) -> SharedTokens:
        """Tokens of the integration user, for one worker; shared through `store`."""
        said = self.sim.credentials()
        return jwt_tokens(
            consumer_key=said["consumer_key"],
            username=said["username"],
            private_key=said["private_key"],
            instance_url=INSTANCE,
            session=new_session(origins={INSTANCE: self.sim.url}),
            clock=self.clock.now,
            audience="https://test.salesforce.com",
            store=store,
        )

    def connector(
        self,
        *,
        timeouts: Timeouts = PATIENT,
        limiter: Limiter | None = None,
        away_field: str | None = None,
        expected: Mapping[str, Any] | None = None,
        store: redis.Redis | None = None,
    ) -> SalesforceConnector:
        """A connector of its own, as another worker would have."""
        org = {"organization_id": self.sim.organization_id, "fallback_owner_id": self.queue}
        return SalesforceConnector(
            tokens=self.tokens(store),
            instance_url=INSTANCE,
            names=NAMES,
            expected=Expected(**{**org, **(expected or {})}),
            clock=self.clock.now,
            limiter=limiter,
            session=new_session(timeouts=timeouts, origins={INSTANCE: self.sim.url}),
            away_field=away_field,
            retry=Retry(sleep=at_once),
        )

    def read(self, connector: SalesforceConnector, plan: ReadPlan = PLAN) -> AccountRecord:
        """The one account as the connector reads it."""
        found = connector.read_accounts(customers=[CUSTOMER], plan=plan)[CUSTOMER]
        assert isinstance(found, FoundAccounts)
        return found.records[0]

    def tasks(self) -> list[dict[str, Any]]:
        """Our tasks in the org."""
        return [dict(row) for row in self.sim.rows("Task") if row["Dunning_Key__c"]]


@contextmanager
def staged() -> Iterator[Stage]:
    """A stage that serves until the block ends."""
    stage = Stage()
    with stage.sim:
        yield stage
