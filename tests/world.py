"""A whole small world for tests: both simulated vendors, the edge, the store, and the engine
inline.

Everything between the rooms is real (HTTP, PostgreSQL, signatures); only the queue is skipped: the
relay runs the jobs itself, so that a story is the same on every run. Journeys through real queues
are in `tests/crashes` and in the demo.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from pydantic import SecretStr

from connectors.hubspot import ids
from connectors.hubspot.schema import GROUP, GROUP_LABEL, WANTED
from domain.case import Case
from domain.holds import QuietCertificate, Suppression
from domain.ids import AccountId, Ref
from ingress.app import Edge
from jobs import tasks
from jobs.relay import Relay
from jobs.runtime import PAYMENTS_SYSTEM, Runtime, bulk_sizes, install
from settings import HubspotSettings, SalesforceSettings, Settings, StripeSettings
from simulators.clock import SimClock
from simulators.hubspot import HubspotSim
from simulators.salesforce import SalesforceSim
from simulators.stripe import Behaviour, StripeSim
from simulators.wire import LoopbackServer
from tests.lanes import due_lanes
from tests.side_hubspot import HubspotSide
from tests.side_salesforce import SalesforceSide
from tests.sides import Side

START = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
"""A Friday morning in New York."""
ORG_SECRET = "path-secret-of-the-tests"
HUBSPOT_URL = "https://hooks.kidglove.example/webhooks/hubspot"
"""The public address, which HubSpot signs; a proxy leads from it to the edge."""
HUBSPOT_EVENTS = (
    *(
        f"company.propertyChange:{name}"
        for name in (
            "billing_resolution_status",
            "billing_resolution_until",
            "billing_promise_date",
            "kidglove_vip_override",
        )
    ),
    "company.merge",
    "company.deletion",
)


class InlineRelay(Relay):
    """A relay that runs each job at once instead of putting it on a queue."""

    sent: list[tuple[str, str]]
    deaf: bool = False

    def _send(self, queue: str, function: str, *arguments: object) -> None:
        self.sent.append((queue, function))
        getattr(tasks, function.rpartition(".")[2])(*arguments)


@dataclass
class World:
    """One simulated world. `settle` lets everything that is due happen; `advance` moves time."""

    clock: SimClock
    stripe: StripeSim
    org: SalesforceSim
    runtime: Runtime
    edge: LoopbackServer
    relay: InlineRelay
    people: dict[str, str] = field(default_factory=dict)
    runs_schedules: bool = False
    portal: HubspotSim | None = None
    sides: tuple[Side, ...] = ()
    """The connected CRMs, the primary one first."""

    # ------------------------------------------------------------ time

    def settle(self, rounds: int = 60) -> None:
        """Deliver hooks, run jobs, until nothing is left to do at this moment."""
        install(self.runtime)
        for _ in range(rounds):
            self.clock.run_due()
            posted = self.stripe.postman.flush() + self.org.postman.flush()
            posted += self.portal.postman.flush() if self.portal else 0
            tick = self.relay.tick()
            if not posted and not tick.jobs and not tick.timers and not self._waiting():
                return
        raise AssertionError(f"the world does not come to rest: {self._waiting()}")

    def advance(self, by: timedelta, *, settle: bool = True) -> None:
        """Move time, stopping wherever something is due on the way."""
        target = self.clock.now() + by
        if not settle:
            self.clock.advance_to(target)
            return
        self.settle()
        while True:
            stops = [moment for moment in self._next_stops() if moment < target]
            if not stops:
                break
            self.clock.advance_to(max(min(stops), self.clock.now()))
            self.settle()
        self.clock.advance_to(target)
        self.settle()

    def days(self, number: float) -> None:
        """Move so many days on."""
        self.advance(timedelta(days=number))

    def hours(self, number: float) -> None:
        """Move so many hours on."""
        self.advance(timedelta(hours=number))

    def _next_stops(self) -> list[datetime]:
        stops = [self.clock.next_due()]
        with self.runtime.store.begin() as tx:
            stops.append(tx.cases.next_timer())
            stops.append(tx.lanes.next_wake())
        return [moment for moment in stops if moment is not None]

    def _waiting(self) -> list[tuple[int, str]]:
        with self.runtime.store.begin() as tx:
            now = self.clock.now()
            due = due_lanes(tx, now, kinds=bulk_sizes(self.runtime.settings))
            if tx.inbox.has_new():
                return [(0, "inbox")]
        return [(int(lane.account), lane.kind) for lane in due]

    # ------------------------------------------------------------ looks

    def account(self, customer: str) -> AccountId:
        """Our account of a Stripe customer."""
        with self.runtime.store.begin() as tx:
            found = tx.links.account_of(Ref(PAYMENTS_SYSTEM, "customer", customer))
        assert found is not None, f"no account is known for {customer}"
        return found

    def case(self, customer: str) -> Case | None:
        """The latest case of a customer, or None."""
        with self.runtime.store.begin() as tx:
            account = tx.links.account_of(Ref(PAYMENTS_SYSTEM, "customer", customer))
            stored = tx.cases.latest(account) if account is not None else None
        return stored.case if stored else None

    def open_case(self, customer: str) -> Case:
        """The open case of a customer."""
        case = self.case(customer)
        assert case is not None, f"{customer} has no case"
        assert case.is_open, f"the case of {customer} is closed"
        return case

    def ledger(self, customer: str) -> dict[str, Suppression]:
        """The hold ledger of a customer by subject."""
        with self.runtime.store.begin() as tx:
            rows = tx.cases.ledger(self.account(customer))
        return {row.subject: row for row in rows}

    def certificate(self, customer: str) -> QuietCertificate | None:
        """The last quiet certificate of a customer."""
        with self.runtime.store.begin() as tx:
            return tx.cases.certificate(self.account(customer))

    def alerts(self) -> list[str]:
        """The texts of the open alerts, oldest first."""
        with self.runtime.store.begin() as tx:
            return [alert.text for alert in reversed(tx.audit.alerts())]

    def tasks(self, account: str | None = None, *, open_only: bool = False) -> list[dict[str, Any]]:
        """Our tasks in the CRM (those with a key), oldest first."""
        found = [row for row in self.org.rows("Task") if row.get("Dunning_Key__c")]
        if account is not None:
            found = [row for row in found if row.get("WhatId") == account]
        return [row for row in found if not (open_only and row["IsClosed"])]

    def task(self, account: str) -> dict[str, Any]:
        """The one living task of an account; fails if there are more or none."""
        living = [row for row in self.tasks(account) if "-e" not in row["Dunning_Key__c"]]
        assert len(living) == 1, [row["Subject"] for row in living]
        return living[0]

    def robotic(self, customer: str) -> list[Any]:
        """The automatic mails that Stripe sent this customer, receipts left out."""
        return list(self.stripe.mailer.robotic(customer))

    # ------------------------------------------------------------ people

    def customer(
        self,
        name: str = "Aurelius Partners",
        *,
        amount: int = 1_420_000,
        card: str = "declines:insufficient_funds",
        renews_in: timedelta = timedelta(hours=2),
    ) -> str:
        """A paying customer in Stripe alone; the CRMs are the sides' own business."""
        customer = self.stripe.add_customer(name, _mail(name), card=card)
        self.stripe.add_subscription(
            customer, amount=amount, started_months_ago=24, next_renewal_in=renews_in
        )
        return customer

    def csm(self, account: str, **fields: object) -> None:
        """The CSM edits the account in the CRM."""
        self.org.human(self.people["csm"]).update("Account", account, fields)

    def vip(
        self,
        name: str = "Aurelius Partners",
        *,
        amount: int = 1_420_000,
        card: str = "declines:insufficient_funds",
        renews_in: timedelta = timedelta(hours=2),
        customer_id: str | None = None,
        number: str | None = "INV-2026-04-1198",
        **account_fields: object,
    ) -> tuple[str, str]:
        """A VIP with two years of paid history, in both systems; returns customer and account."""
        customer = self.stripe.add_customer(name, _mail(name), card=card, id=customer_id)
        self.stripe.add_subscription(
            customer,
            amount=amount,
            started_months_ago=24,
            next_renewal_in=renews_in,
            next_invoice_number=number,
        )
        fields: dict[str, Any] = {
            "CSM__c": self.people["csm"],
            "Health_Score__c": 62,
            **account_fields,
        }
        account = self.org.add_account(
            name, owner=self.people["owner"], Stripe_Customer_Id__c=customer, **fields
        )
        return customer, account

    def close(self) -> None:
        """Stop every server of this world, all at once: each takes some tenths of a second."""
        servers = [self.edge, self.stripe, self.org, *([self.portal] if self.portal else [])]
        with ThreadPoolExecutor(len(servers)) as pool:
            list(pool.map(lambda one: one.stop(), servers))
        self.runtime.close()


def build(
    database_url: str,
    redis_url: str,
    *,
    behaviour: Behaviour | None = None,
    policy: str = "default",
    hooks: bool = True,
    start: datetime = START,
    seed: int = 0,
    change: Callable[[Settings], None] | None = None,
    crms: Sequence[str] = ("salesforce",),
    unique_task_keys: bool = True,
) -> World:
    """A world with Morgan (CSM), Felix (owner), Ines (manager) and Ops (fallback) in each CRM.

    The org is always there; `crms` says which CRMs are connected. Without `unique_task_keys` the
    HubSpot account keeps no second task of one key out.
    """
    clock = SimClock(start)
    stripe = StripeSim(clock, seed=seed, behaviour=behaviour or Behaviour()).start()
    org = SalesforceSim(clock, seed=seed).start()
    redis.Redis.from_url(redis_url).flushdb()
    people = {}
    people["manager"] = org.add_user("Ines Okafor", title="Head of CS")
    people["owner"] = org.add_user("Felix Nordstrom", manager=people["manager"])
    people["csm"] = org.add_user("Morgan Vale", manager=people["manager"])
    people["fallback"] = org.add_user("Billing Ops")
    credentials = org.credentials()
    sides: list[Side] = []
    portal: HubspotSim | None = None
    if "salesforce" in crms:
        sides.append(SalesforceSide(org=org, people=people))
    if "hubspot" in crms:
        portal = HubspotSim(clock, seed=seed).start()
        portal.set_unique_on("tasks", unique_task_keys)
        sides.append(HubspotSide(portal=portal, people=_staff(portal)))
    settings = Settings(
        _env_file=None,
        policy_preset=policy,
        stripe=StripeSettings(
            api_key=SecretStr(stripe.api_key), api_base=stripe.url, calls_per_second=10_000
        ),
        hubspot=_hubspot_settings(portal, sides),
        salesforce=SalesforceSettings(
            instance_url="https://kidglove.my.salesforce.com" if "salesforce" in crms else "",
            api_base=org.url,
            client_id=credentials["consumer_key"],
            client_secret=SecretStr(credentials["consumer_secret"]),
            organization_id=credentials["organization_id"],
            fallback_owner=people["fallback"],
        ),
    )
    if change is not None:
        change(settings)
    runtime = Runtime(settings, database_url=database_url, redis_url=redis_url, clock=clock)
    endpoint_secret = "whsec_not_registered"
    edge_app = Edge(
        database_url=database_url,
        clock=clock.now,
        max_body_bytes=1_048_576,
        stripe_secrets=(secrets := [endpoint_secret]),
        salesforce_secrets=[ORG_SECRET],
        salesforce_organization=credentials["organization_id"],
        flow_api_keys=[credentials["flow_api_key"]],
        hubspot_secrets=[portal.credentials()["client_secret"]] if portal else [],
        hubspot_url=HUBSPOT_URL,
        hubspot_portal=str(portal.portal_id) if portal else "",
    )
    edge = LoopbackServer(edge_app.app()).start()
    if hooks:
        _, secret = stripe.add_webhook_endpoint(f"{edge.url}/webhooks/stripe")
        secrets[0] = secret
        edge_app.trust_stripe(secrets)
        org.watch(
            f"{edge.url}/webhooks/salesforce/outbound/{ORG_SECRET}",
            fields=(
                "Dunning_Status__c",
                "Dunning_Hold_Until__c",
                "Dunning_Promise_Date__c",
                "VIP_Override__c",
            ),
        )
        if portal is not None:
            portal.watch(f"{edge.url}/webhooks/hubspot", HUBSPOT_EVENTS, signed_url=HUBSPOT_URL)
    relay = InlineRelay(
        store=runtime.store,
        connection=runtime.redis,
        clock=clock,
        resend_seconds=30,
        bulk_sizes=bulk_sizes(settings),
    )
    relay.sent = []
    world = World(
        clock=clock,
        stripe=stripe,
        org=org,
        runtime=runtime,
        edge=edge,
        relay=relay,
        people=people,
        portal=portal,
        sides=tuple(sides),
    )
    for crm in runtime.refresh.crms.connected:
        runtime.refresh.crms.fallback(crm)
    return world


def _hubspot_settings(portal: HubspotSim | None, sides: Sequence[Side]) -> HubspotSettings:
    if portal is None:
        return HubspotSettings()
    return HubspotSettings(
        token=SecretStr(portal.service_key),
        api_base=portal.url,
        portal_id=str(portal.portal_id),
        fallback_owner=sides[-1].people["fallback"],
        calls_per_window=100_000,
    )


def _staff(portal: HubspotSim) -> dict[str, str]:
    """The same colleagues in the HubSpot account, which has every property of ours."""
    for kind in (ids.COMPANIES, ids.TASKS):
        group = {"name": GROUP, "label": GROUP_LABEL}
        portal.install(kind, [one.body for one in WANTED if one.kind == kind], [group])
    return {
        "manager": portal.add_owner("Ines Okafor"),
        "owner": portal.add_owner("Felix Nordstrom"),
        "csm": portal.add_owner("Morgan Vale"),
        "fallback": portal.add_owner("Billing Ops"),
    }


def _mail(name: str) -> str:
    return f"ap@{name.lower().replace(' ', '-')}.example"
