"""A simulated portal, a connector to it, and the few words that the HubSpot tests share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.doctor import Expected
from connectors.hubspot.names import Names
from connectors.hubspot.schema import GROUP, GROUP_LABEL, WANTED
from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter
from connectors.kit.retry import Retry
from domain.errors import KidgloveError
from domain.ids import Ref
from domain.ports import AccountRecord, FoundAccounts, ReadPlan, Receipt, TaskChange
from mappings.mapping_file import default_mapping
from mappings.translate import read_plan
from simulators.clock import SimClock
from simulators.hubspot import HubspotSim

START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
CUSTOMER = "cus_RvUprq"
NAMES = Names(
    task_key="kidglove_key",
    customer="stripe_customer_id",
    resolution="billing_resolution_status",
    task_outcome="kidglove_outcome",
    watched=("billing_resolution_status", "billing_resolution_until"),
)
PATIENT = Timeouts(connect=2, read=10)
HASTY = Timeouts(connect=2, read=0.4)
"""For the tests in which the vendor never answers."""


def at_once(_: float) -> None:
    """Sleep without sleeping."""


PLAN: ReadPlan = read_plan(default_mapping("hubspot"))


class Stage:
    """One portal with a CSM, an owner and one company; and a connector to it."""

    def __init__(self, *, unique_tasks: bool = True, account_type: str = "STANDARD") -> None:
        self.clock = SimClock(START)
        self.sim = HubspotSim(self.clock, account_type=account_type)
        if not unique_tasks:
            self.sim.set_unique_on("tasks", False)
        for kind in (ids.COMPANIES, ids.TASKS):
            group = {"name": GROUP, "label": GROUP_LABEL}
            self.sim.install(kind, [one.body for one in WANTED if one.kind == kind], [group])
        self.owner = self.sim.add_owner("Felix Nordstrom", zone="Europe/Berlin")
        self.csm = self.sim.add_owner("Dana Ruiz", zone="America/Los_Angeles")
        self.spare = self.sim.add_owner("Sam Spare")
        self.company = self.sim.add_company(
            "Aurelius Partners",
            owner=self.owner,
            stripe_customer_id=CUSTOMER,
            kidglove_csm=self.csm,
            kidglove_health_score=62,
        )
        self.ref = Ref("hubspot", "account", self.company)

    def connector(
        self,
        *,
        timeouts: Timeouts = PATIENT,
        limiter: Limiter | None = None,
        search_limiter: Limiter | None = None,
        names: Names = NAMES,
        expected: Mapping[str, Any] | None = None,
        token: str | None = None,
    ) -> HubspotConnector:
        """A connector of its own, as another worker would have."""
        portal = {"portal_id": str(self.sim.portal_id), "fallback_owner_id": self.spare}
        return HubspotConnector(
            token or self.sim.service_key,
            names=names,
            expected=Expected(**{**portal, **(expected or {})}),
            clock=self.clock.now,
            limiter=limiter,
            search_limiter=search_limiter,
            base_url=self.sim.url,
            timeouts=timeouts,
            retry=Retry(sleep=at_once),
        )

    def read(self, connector: HubspotConnector, plan: ReadPlan = PLAN) -> AccountRecord:
        """The one company as the connector reads it."""
        found = connector.read_accounts(customers=[CUSTOMER], plan=plan)[CUSTOMER]
        assert isinstance(found, FoundAccounts), found
        return found.records[0]

    def tasks(self) -> list[dict[str, str]]:
        """Our tasks in the portal."""
        return [row for row in self.sim.rows("tasks") if row.get("kidglove_key")]

    def pin(self) -> str | None:
        """What is pinned on the company."""
        return self.sim.get("companies", self.company).get("hs_pinned_engagement_id")


@contextmanager
def staged(*, unique_tasks: bool = True, account_type: str = "STANDARD") -> Iterator[Stage]:
    """A stage that serves until the block ends."""
    stage = Stage(unique_tasks=unique_tasks, account_type=account_type)
    with stage.sim:
        yield stage


def kept(stage: Stage, **change: Any) -> TaskChange:
    """A task on the one company, with whatever the test is about."""
    return TaskChange(
        **{
            "key": "k-1",
            "account": stage.ref,
            "subject": "Payment hiccup: Aurelius Partners, $14,200",
            "text": "Do: call Ana Lima",
            "owner_id": stage.csm,
            "due_on": date(2026, 11, 25),
            **change,
        }
    )


def receipt(answers: Sequence[Receipt | KidgloveError], place: int = 0) -> Receipt:
    """The answer at this place, which is no refusal."""
    answer = answers[place]
    assert isinstance(answer, Receipt), answer
    return answer
