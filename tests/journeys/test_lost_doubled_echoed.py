"""Webhooks that come often, late, in any order, or never: the end is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from domain.rows import EVALUATE
from jobs.runtime import CRM_SYSTEM, PAYMENTS_SYSTEM
from mappings.policy_file import preset_text
from ops.embedded import Engines
from tests.conftest import _database, _flushed, _numbered
from tests.world import World, build

Change = Callable[[World], None]


@pytest.fixture
def new_world(
    servers: Engines, admin: psycopg.Connection, template_database: str
) -> Callable[[], Any]:
    """Makes a world on a database of its own; two worlds of one test can be compared."""

    @contextmanager
    def made(**options: Any) -> Iterator[World]:
        databases = _database(servers, admin, template=template_database)
        url = next(databases)
        world = build(url, _flushed(_numbered(servers.redis_url, 14)), **options)
        try:
            yield world
        finally:
            world.close()
            next(databases, None)

    return made


def _story(world: World, after_each: Change = lambda _: None) -> tuple[str, str]:
    """A VIP fails, is put in resolution, and pays; a small account fails beside it."""
    customer, account = world.vip(renews_in=timedelta(hours=2))
    small = world.stripe.add_customer(
        "Brightwater Studio", "b@example.com", card="declines:do_not_honor"
    )
    world.stripe.add_subscription(
        small, amount=4900, started_months_ago=3, next_renewal_in=timedelta(hours=2)
    )
    world.org.add_account(
        "Brightwater Studio", owner=world.people["owner"], Stripe_Customer_Id__c=small
    )
    world.settle()
    after_each(world)
    for _ in range(10):
        world.hours(0.5)
        after_each(world)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-04")
    after_each(world)
    world.settle()
    world.days(2)
    after_each(world)
    invoice = world.open_case(customer).invoices[0]
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    after_each(world)
    world.settle()
    world.hours(30)
    after_each(world)
    world.settle()
    return customer, account


def _end(world: World, customer: str) -> dict[str, Any]:
    """What counts at the end: money, settings, mails, tasks, fields, case and ledger."""
    objects = world.stripe.state(volatile=False)["objects"]
    case = world.case(customer)
    assert case is not None
    return {
        "invoices": {
            name: (one["status"], one["auto_advance"], one["amount_paid"], one["metadata"])
            for name, one in objects["invoice"].items()
        },
        "subscriptions": {
            name: (one["status"], one["pause_collection"], one["metadata"])
            for name, one in objects["subscription"].items()
        },
        "charges": len(objects["charge"]),
        "robotic": [mail.customer for mail in world.stripe.mailer.robotic()],
        "tasks": sorted(
            (row["Dunning_Key__c"], row["Subject"], row["IsClosed"], row["OwnerId"])
            for row in world.tasks()
        ),
        "fields": {
            row["Name"]: (row["Payment_Status__c"], row["Dunning_Quiet_State__c"])
            for row in world.org.rows("Account")
        },
        "case": (case.key, case.state, case.outcome),
        "ledger": {name: row.state for name, row in world.ledger(customer).items()},
    }


def _writes(world: World) -> list[tuple[str, str]]:
    return sorted((seen.method, seen.path) for seen in world.stripe.writes())


@pytest.mark.req("R17")
@pytest.mark.req("R18")
def test_five_of_each_webhook_in_random_order_end_as_one_of_each(
    new_world: Callable[..., Any],
) -> None:
    with new_world() as calm:
        customer, _ = _story(calm)
        expected, written = _end(calm, customer), _writes(calm)
    with new_world() as wild:
        for postman in (wild.stripe.postman, wild.org.postman):
            postman.dial.copies = 5
            postman.dial.shuffle = True
        customer, _ = _story(wild)

        assert _end(wild, customer) == expected
        assert _writes(wild) == written


@pytest.mark.req("R23")
@pytest.mark.parametrize("loss", [0.1, 1.0])
def test_with_lost_webhooks_the_loop_closes_by_looking(
    new_world: Callable[..., Any], loss: float
) -> None:
    with new_world() as calm:
        customer, _ = _story(calm)
        expected = _end(calm, customer)
    with new_world() as deaf:
        for postman in (deaf.stripe.postman, deaf.org.postman):
            postman.dial.loss = loss
        customer, _ = _story(deaf, after_each=_look)

        assert _end(deaf, customer) == expected


def _look(world: World) -> None:
    """What the schedules do by themselves: the polls of both vendors and the sweep of holds."""
    for name in (f"poll:{PAYMENTS_SYSTEM}", f"poll:{CRM_SYSTEM}", f"sweep:{CRM_SYSTEM}"):
        world.runtime.upkeep(name)
    world.settle()


@pytest.mark.req("R19")
def test_our_own_writes_coming_back_cause_no_write_and_a_person_s_edit_exactly_one(
    world: World,
) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.stripe.forget_requests()
    world.org.forget_requests()

    for event in list(world.stripe.state()["objects"]["event"])[-8:]:
        for endpoint in world.stripe.state()["objects"]["webhook_endpoint"]:
            world.stripe.resend(event, endpoint)
    _look(world)
    assert world.stripe.writes() == []
    assert [seen for seen in world.org.writes() if seen.wrote] == []

    world.csm(account, Dunning_Promise_Date__c="2026-11-27")
    world.settle()

    assert world.stripe.writes() == []
    assert len([seen for seen in world.org.writes() if seen.wrote]) == 1
    assert customer in world.stripe.state()["objects"]["customer"]


@pytest.mark.req("R6")
def test_payment_state_reaches_the_crm_and_the_crm_word_reaches_stripe(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    assert world.org.get(account)["Payment_Status__c"] == "Payment failed"
    invoice = world.open_case(customer).invoices[0]

    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    assert world.org.get(account)["Dunning_Quiet_Until__c"] is not None

    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(invoice)
    world.settle()
    assert world.org.get(account)["Payment_Status__c"] == "Paid"
    assert world.org.get(account)["Dunning_Quiet_State__c"] == "Off"
    assert world.org.get(account)["Amount_Past_Due__c"] is None


@pytest.mark.req("R25")
def test_every_value_we_wrote_can_be_explained(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    task = world.task(account)

    with world.runtime.store.begin() as tx:
        fields = world.runtime.configs.current(tx, world.clock.now()).mapping.machine_fields
        written = {
            name: tx.effects.why(CRM_SYSTEM, account, name)
            for name in fields
            if world.org.get(account)[name] is not None
        }
        subject = tx.effects.why(CRM_SYSTEM, task["Id"], "subject")
        invoice = world.open_case(customer).invoices[0]
        advances = tx.effects.why(PAYMENTS_SYSTEM, f"invoice:{invoice}", "advances")

    assert written
    for name, values in written.items():
        assert values, f"nothing explains {name}"
        assert values[0].rule == "fields.project"
        assert values[0].cause
        assert values[0].config_version.startswith("policy:default")
    assert subject[0].value == task["Subject"]
    assert advances[0].value is False


@pytest.mark.req("R27")
def test_a_new_line_in_the_policy_holds_from_the_next_event_on(world: World) -> None:
    customer, account = world.vip(amount=450_000, CSM__c=None)
    world.hours(4)
    assert world.open_case(customer).tier == "high"
    assert world.certificate(customer) is not None
    text = preset_text("default").replace('op: ">", value: 5000', 'op: ">", value: 4000')
    world.runtime.actions.apply_config("policy", text, by="admin", note="a lower line")

    world.csm(account, Dunning_Promise_Date__c=None, VIP_Override__c=None)
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(world.account(customer), EVALUATE, cause="stripe:any event")
    world.settle()

    assert world.open_case(customer).tier == "vip"


@pytest.mark.req("R75")
def test_a_hold_of_one_customer_leaves_the_other_s_settings_alone(world: World) -> None:
    other = world.stripe.add_customer("Other", "o@example.com")
    world.stripe.add_subscription(other, amount=4900, started_months_ago=3)
    before = {
        name: one
        for name, one in world.stripe.state(volatile=False)["objects"]["subscription"].items()
        if one["customer"] == other
    }
    customer, _ = world.vip()
    world.hours(4)

    after = {
        name: one
        for name, one in world.stripe.state(volatile=False)["objects"]["subscription"].items()
        if one["customer"] == other
    }
    assert after == before
    assert world.robotic(customer) == []


@pytest.mark.req("R21")
def test_a_new_name_and_mail_address_change_no_link(world: World) -> None:
    customer, account = world.vip()
    world.hours(4)
    known = world.account(customer)

    world.stripe.world.get("customer", customer)["email"] = "new@example.org"
    world.org.human(world.people["csm"]).update("Account", account, {"Name": "Aurelius Group"})
    with world.runtime.store.begin() as tx:
        tx.lanes.mark_dirty(known, EVALUATE, cause="stripe:customer.updated")
    world.settle()

    assert world.account(customer) == known
    with world.runtime.store.begin() as tx:
        links = {(one.system, one.external_id) for one in tx.links.of(known)}
    assert links == {(PAYMENTS_SYSTEM, customer), (CRM_SYSTEM, account)}
    assert len(world.tasks(account)) == 1
