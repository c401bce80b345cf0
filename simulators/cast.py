"""A small company's customers and colleagues, the same in all simulated vendors.

The story of the demo plays with these; `--seed-world` puts them into simulators that stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.clock import SimClock
from simulators.hubspot import HubspotSim
from simulators.salesforce import SalesforceSim
from simulators.stripe import StripeSim

BEFORE = timedelta(days=27)
"""How long before the story Aurelius got a new card: after the last renewal that was paid."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One customer: its ids in every system, and the subscription that renews.

    `account` is the one in Salesforce, `company` the one in HubSpot; empty where it is in none.
    """

    name: str
    customer: str
    subscription: str
    account: str
    company: str = ""


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Everybody, by short names: `people` are users in Salesforce, `owners` the same in HubSpot."""

    people: Mapping[str, str]
    accounts: Mapping[str, Member]
    owners: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def seed_world(
    clock: SimClock, stripe: StripeSim, org: SalesforceSim, hubspot: HubspotSim | None = None
) -> Cast:
    """Four customers who renew within a week, and the people who look after them.

    Aurelius and Northgate have a CSM; Halberd pays enough to be called about; Brightwater does
    not. Every card will be declined at the next renewal. The clock is moved on by `BEFORE`, so
    that the past has room for a new card. With `hubspot`, the same people and customers stand in
    it too, with our properties set up.
    """
    start = clock.now() + BEFORE
    people = _people(org)
    stripe.add_customer(
        "Aurelius Partners", "ap@aurelius-partners.example", id="cus_RvUprq", country="US"
    )
    paid = _subscription(
        stripe,
        "cus_RvUprq",
        "Platform, annual contract billed monthly",
        amount=1_420_000,
        months=31,
        renews=start + timedelta(minutes=30),
        now=clock.now(),
        history=[("failed_then_paid", 19, 4.0), ("failed_then_paid", 8, 4.0)],
        number="INV-2026-04-1198",
    )
    stripe.customer_updates_card("cus_RvUprq", "declines:do_not_honor")
    clock.advance_to(start)
    aurelius = Member(
        name="Aurelius Partners",
        customer="cus_RvUprq",
        subscription=paid,
        account=_aurelius(org, people, start),
    )
    accounts = {
        "aurelius": aurelius,
        "brightwater": _member(
            stripe,
            org,
            "Brightwater Studio",
            owner=people["salma"],
            amount=4_900,
            months=14,
            renews=start + timedelta(minutes=40),
            card="declines:insufficient_funds",
        ),
        "northgate": _member(
            stripe,
            org,
            "Northgate Capital",
            owner=people["felix"],
            amount=920_000,
            months=22,
            renews=start + timedelta(days=1),
            card="declines:insufficient_funds",
            CSM__c=people["priya"],
            Escalation_Owner__c=people["tomas"],
            Health_Score__c=81,
            Health_Score_At__c=(start - timedelta(days=5)).date(),
        ),
        "halberd": _member(
            stripe,
            org,
            "Halberd Cybersecurity",
            owner=people["salma"],
            amount=180_000,
            months=9,
            renews=start + timedelta(days=3),
            card="declines:card_velocity_exceeded",
            Health_Score__c=74,
            Health_Score_At__c=(start - timedelta(days=3)).date(),
        ),
    }
    org.deactivate(people["tomas"])
    if hubspot is None:
        return Cast(people=people, accounts=accounts)
    owners = _owners(hubspot)
    companies = _companies(hubspot, owners, accounts, start)
    hubspot.deactivate(owners["tomas"])
    members = {name: replace(one, company=companies[name]) for name, one in accounts.items()}
    return Cast(people=people, accounts=members, owners=owners)


def _people(org: SalesforceSim) -> dict[str, str]:
    manager = org.add_user("Ines Okafor", title="Head of Customer Success")
    return {
        "ines": manager,
        "felix": org.add_user("Felix Nordstrom", title="Account owner", manager=manager),
        "morgan": org.add_user("Morgan Vale", title="CSM", manager=manager),
        "priya": org.add_user("Priya Raman", title="CSM", manager=manager),
        "salma": org.add_user("Salma Haddad", title="CSM", manager=manager),
        "tomas": org.add_user("Tomas Lind", title="Regional lead", manager=manager),
        "desk": org.add_queue("Billing desk"),
    }


def _owners(hubspot: HubspotSim) -> dict[str, str]:
    hubspot.set_up()
    named = {
        "ines": "Ines Okafor",
        "felix": "Felix Nordstrom",
        "morgan": "Morgan Vale",
        "priya": "Priya Raman",
        "salma": "Salma Haddad",
        "tomas": "Tomas Lind",
        # HubSpot has no queues that could own a company: a shared mailbox stands in for one.
        "desk": "Billing Desk",
    }
    return {
        short: hubspot.add_owner(name, teams=("Customer Success",)) for short, name in named.items()
    }


def _companies(
    hubspot: HubspotSim, owners: Mapping[str, str], accounts: Mapping[str, Member], start: datetime
) -> dict[str, str]:
    who = {
        "aurelius": {"owner": owners["felix"], "kidglove_csm": owners["morgan"]},
        "brightwater": {"owner": owners["salma"]},
        "northgate": {
            "owner": owners["felix"],
            "kidglove_csm": owners["priya"],
            "kidglove_escalation_owner": owners["tomas"],
        },
        "halberd": {"owner": owners["salma"]},
    }
    health: dict[str, dict[str, Any]] = {
        "aurelius": {
            **_health(62, start - timedelta(days=2)),
            "kidglove_cs_tier": "Strategic",
            "kidglove_expansion_arr": 48_000,
            "kidglove_renewal_call": (start + timedelta(days=17)).date(),
            "kidglove_contract_type": "Annual",
            "kidglove_contract_end": (start + timedelta(days=150)).date(),
        },
        "northgate": _health(81, start - timedelta(days=5)),
        "halberd": _health(74, start - timedelta(days=3)),
    }
    made = {
        short: hubspot.add_company(
            member.name,
            domain=f"{member.name.lower().replace(' ', '-')}.example",
            stripe_customer_id=member.customer,
            lifecyclestage="customer",
            **who[short],
            **health.get(short, {}),
        )
        for short, member in accounts.items()
    }
    _around_aurelius(hubspot, owners, made["aurelius"], start)
    return made


def _health(score: int, at: datetime) -> dict[str, Any]:
    return {"kidglove_health_score": score, "kidglove_health_score_at": at.date()}


def _around_aurelius(
    hubspot: HubspotSim, owners: Mapping[str, str], company: str, start: datetime
) -> None:
    dana = hubspot.add_contact(
        company, "Dana", "Ruiz", "dana.ruiz@aurelius-partners.example", jobtitle="Accounts payable"
    )
    label = hubspot.add_label("companies", "contacts", "Billing contact")
    hubspot.human(owners["morgan"]).link(("companies", company), ("contacts", dana), label)
    hubspot.add_ticket(company, "SSO login fails for three users", priority="HIGH", contact=dana)
    hubspot.add_meeting(
        company,
        "Rollout review with Dana: second office goes live in January",
        at=start - timedelta(days=6),
        owner=owners["morgan"],
        contact=dana,
    )


def _aurelius(org: SalesforceSim, people: Mapping[str, str], start: datetime) -> str:
    account = org.add_account(
        "Aurelius Partners",
        owner=people["felix"],
        Stripe_Customer_Id__c="cus_RvUprq",
        CSM__c=people["morgan"],
        Health_Score__c=62,
        Health_Score_At__c=(start - timedelta(days=2)).date(),
        CS_Tier__c="Strategic",
        Expansion_ARR__c=48_000,
        Renewal_Call__c=(start + timedelta(days=17)).date(),
        Contract_Type__c="Annual",
        Contract_End__c=(start + timedelta(days=150)).date(),
    )
    dana = org.add_contact(
        account, "Dana", "Ruiz", "dana.ruiz@aurelius-partners.example", Title="Accounts payable"
    )
    org.human(people["morgan"]).update("Account", account, {"AP_Contact__c": dana})
    org.add_case(account, "SSO login fails for three users", priority="High", contact=dana)
    org.add_event(
        account,
        "Rollout review with Dana: second office goes live in January",
        start=start - timedelta(days=6),
        owner=people["morgan"],
        contact=dana,
    )
    return account


def _member(
    stripe: StripeSim,
    org: SalesforceSim,
    name: str,
    *,
    owner: str,
    amount: int,
    months: int,
    renews: datetime,
    card: str,
    **fields: Any,
) -> Member:
    mail = f"billing@{name.lower().replace(' ', '-')}.example"
    customer = stripe.add_customer(name, mail, card=card)
    subscription = _subscription(
        stripe,
        customer,
        "Platform",
        amount=amount,
        months=months,
        renews=renews,
        now=stripe.clock.now(),
    )
    account = org.add_account(name, owner=owner, Stripe_Customer_Id__c=customer, **fields)
    return Member(name=name, customer=customer, subscription=subscription, account=account)


def _subscription(
    stripe: StripeSim,
    customer: str,
    plan: str,
    *,
    amount: int,
    months: int,
    renews: datetime,
    now: datetime,
    number: str | None = None,
    history: Any = (),
) -> str:
    return stripe.add_subscription(
        customer,
        amount=amount,
        started_months_ago=months,
        next_renewal_in=renews.astimezone(UTC) - now,
        next_invoice_number=number,
        product=plan,
        history=history,
    )
