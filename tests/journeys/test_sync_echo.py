"""Two-way, and no loop: the echo of our writes changes nothing, what a person wrote counts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from domain.ids import Ref
from domain.rows import LinkState
from jobs.runtime import PAYMENTS_SYSTEM
from tests.journeys.quiet_scenes import (
    failed_high,
    failed_vip,
    held_high,
    is_quiet_at_stripe,
    open_invoice,
    put_policy,
    settings_of,
)
from tests.world import ORG_SECRET, World

OURS = ("Payment_Status__c", "Amount_Past_Due__c", "Last_Failure_Code__c", "Dunning_Quiet_State__c")


def hear_echoes(world: World) -> None:
    """Let the org tell us of our own fields too, and of our own edits of them."""
    url = f"{world.edge.url}/webhooks/salesforce/outbound/{ORG_SECRET}"
    world.org.watch(url, fields=OURS, echoes=True)


# ---------------------------------------------------------------- both ways


@pytest.mark.req("R6")
def test_the_payment_state_reaches_the_account_and_the_word_reaches_stripe(world: World) -> None:
    customer, account = failed_high(world)
    assert world.org.get(account)["Payment_Status__c"] == "Payment failed"
    assert world.org.get(account)["Amount_Past_Due__c"] == 600

    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()
    assert is_quiet_at_stripe(world, customer)
    assert world.org.get(account)["Dunning_Quiet_State__c"] == "Quiet"

    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.settle()
    assert world.org.get(account)["Payment_Status__c"] == "Paid"
    assert world.org.get(account)["Amount_Past_Due__c"] is None
    assert world.org.get(account)["Dunning_Quiet_State__c"] == "Off"


# ---------------------------------------------------------------- no loop


@pytest.mark.req("R19")
def test_the_echo_of_our_own_write_changes_nothing(world: World) -> None:
    hear_echoes(world)
    world.org.postman.dial.held = True
    failed_high(world)
    crm, stripe = len(world.org.writes()), len(world.stripe.writes())
    heard = len(world.org.postman.delivered)

    world.org.postman.dial.held = False
    world.settle()

    assert len(world.org.postman.delivered) > heard
    assert (len(world.org.writes()), len(world.stripe.writes())) == (crm, stripe)


@pytest.mark.req("R19")
def test_a_persons_edit_of_the_same_field_a_second_later_is_answered_by_one_write(
    world: World,
) -> None:
    hear_echoes(world)
    _, account = failed_high(world)
    world.clock.advance_to(world.clock.now())
    written = len(world.org.writes())

    world.csm(account, Payment_Status__c="Current")
    world.settle()

    assert world.org.get(account)["Payment_Status__c"] == "Payment failed"
    assert len(world.org.writes()) == written + 1


@pytest.mark.req("R19")
def test_an_edit_of_a_field_that_is_theirs_stays_as_they_wrote_it(world: World) -> None:
    _, account = failed_high(world)
    written = len(world.org.writes())

    world.csm(account, VIP_Override__c="Never VIP")
    world.settle()

    assert world.org.get(account)["VIP_Override__c"] == "Never VIP"
    accounts = [one for one in world.org.writes()[written:] if account in one.wrote]
    assert accounts == []


@pytest.mark.req("R19")
def test_the_echo_of_our_own_quieting_is_no_drift_and_no_second_write(world: World) -> None:
    held_high(world)
    written = len(world.stripe.writes())

    world.hours(1)

    assert len(world.stripe.writes()) == written
    assert world.alerts() == []


# ---------------------------------------------------------------- every write can be explained

TASK_FIELDS = {
    "Subject": "subject",
    "Description": "text",
    "OwnerId": "owner_id",
    "ActivityDate": "due_on",
    "Status": "status",
    "Priority": "priority",
    "WhatId": "account_id",
    "WhoId": "contact_id",
    "TaskSubtype": "kind",
    "IsReminderSet": "remind_at",
    "ReminderDateTime": "remind_at",
}
"""The org's name of each field that we write on a task, and ours."""


def crm_writes(world: World) -> list[tuple[str, str, Any]]:
    """Each field value that we sent and the org took: record, our name of the field, value."""
    found = []
    for seen in world.org.writes():
        calls = seen.body.get("compositeRequest", []) if isinstance(seen.body, dict) else []
        bodies = [call for call in calls if call["method"] == "PATCH"]
        for call, record in zip(bodies, seen.wrote, strict=True):
            is_task = "/Task/" in call["url"]
            for name, value in call["body"].items():
                found.append((record, TASK_FIELDS[name] if is_task else name, value))
    return found


def test_the_log_of_the_org_is_read_right(world: World) -> None:
    _, account = failed_vip(world)

    fields = Counter(name for record, name, _ in crm_writes(world) if record == account)

    assert fields["Payment_Status__c"] >= 1
    assert len(crm_writes(world)) > 10


@pytest.mark.req("R25")
def test_every_value_that_we_wrote_anywhere_says_where_it_came_from(world: World) -> None:
    customer, account = failed_vip(world)
    world.org.add_contact(account, "Mia", "Berg", "mia@aurelius-partners.example")
    world.csm(account, Dunning_Status__c="In Resolution")
    world.days(1)
    world.stripe.customer_pays(open_invoice(world, customer), card="good")
    world.settle()

    with world.runtime.store.begin() as tx:
        for record, field, value in crm_writes(world):
            rows = tx.written.why("salesforce", record, field)
            assert rows, f"nobody knows why {field} of {record} is {value}"
            assert all(row.cause and row.rule and row.config_version for row in rows)
        for call in world.stripe.writes():
            kind, id = call.path.split("/")[2:4]
            subject = f"{kind.removesuffix('s')}:{id}"
            for field in _fields_of(call.path, call.params):
                rows = tx.written.why(PAYMENTS_SYSTEM, subject, field)
                assert rows, f"nobody knows why {field} of {subject} was written"
                assert all(row.cause and row.rule and row.config_version for row in rows)


def _fields_of(path: str, params: Any) -> list[str]:
    if path.endswith("/finalize"):
        return ["finalized"]
    if path.endswith("/pay"):
        return ["paid"]
    names = {"auto_advance": "advances", "pause_collection": "pause", "metadata": "mark"}
    return [names[name] for name in params]


@pytest.mark.req("R25")
def test_the_last_explanation_of_a_field_is_the_value_that_stands_there(world: World) -> None:
    _, account = failed_high(world)

    with world.runtime.store.begin() as tx:
        row = tx.written.why("salesforce", account, "Payment_Status__c")[0]

    assert row.value == world.org.get(account)["Payment_Status__c"] == "Payment failed"
    assert (row.rule, row.config_version.split()[0]) == ("fields.project", "policy:default")
    assert row.cause.startswith("stripe:evt_")


# ---------------------------------------------------------------- stable ids


@pytest.mark.req("R21")
def test_a_new_name_and_a_new_address_leave_the_link_where_it_was(world: World) -> None:
    customer, account = failed_high(world)
    with world.runtime.store.begin() as tx:
        before = tx.links.of(world.account(customer))

    world.org.human(world.people["owner"]).update("Account", account, {"Name": "Southgate Ltd"})
    world.stripe.world.edit(
        world.stripe.world.customer(customer),
        "customer.updated",
        {"name": "Southgate Ltd", "email": "billing@southgate.example"},
    )
    world.settle()
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()

    with world.runtime.store.begin() as tx:
        assert tx.links.of(world.account(customer)) == before
    assert is_quiet_at_stripe(world, customer)
    assert len(world.tasks(account)) == 1


@pytest.mark.req("R21")
def test_two_accounts_that_claim_one_customer_are_quarantined_and_not_written_to(
    world: World,
) -> None:
    org = world.org.schema()["Account"].fields["Stripe_Customer_Id__c"]
    world.org._org.replace_field("Account", replace(org, unique=False))
    customer, account = world.vip("Northgate Capital", amount=60_000, CSM__c=None, number=None)
    other = world.org.add_account(
        "Northgate Holding", owner=world.people["owner"], Stripe_Customer_Id__c=customer
    )
    before = world.org.get(account), world.org.get(other)

    world.hours(4)

    assert (world.org.get(account), world.org.get(other)) == before
    with world.runtime.store.begin() as tx:
        links = {one.external_id: one for one in tx.links.of(world.account(customer))}
    assert {links[id].state for id in (account, other)} == {LinkState.QUARANTINED}
    assert all(links[id].reason for id in (account, other))
    assert sum("claim the same customer" in text for text in world.alerts()) == 1
    assert [one for one in world.tasks() if one["WhatId"] in (account, other)] == []


# ---------------------------------------------------------------- configuration


@pytest.mark.req("R27", partly="the amount; attributes are proven with the tiers")
def test_a_new_line_holds_with_the_next_event_and_without_a_restart(world: World) -> None:
    customer, _ = failed_high(world)
    assert not is_quiet_at_stripe(world, customer)

    put_policy(world, ('op: ">", value: 5000', 'op: ">", value: 500'))
    world.stripe.dashboard_update_invoice(open_invoice(world, customer), metadata={"po": "4711"})
    world.settle()

    assert is_quiet_at_stripe(world, customer)
    assert world.open_case(customer).tier == "vip"


@pytest.mark.req("R27", partly="the amount; attributes are proven with the tiers")
def test_a_new_version_of_the_policy_alone_changes_nothing_at_stripe(world: World) -> None:
    customer, _ = failed_high(world)
    before = settings_of(world, customer)

    put_policy(world, ('op: ">", value: 5000', 'op: ">", value: 500'))
    world.settle()

    assert settings_of(world, customer) == before


def test_an_account_of_the_crm_is_linked_by_its_id_once_it_was_found(world: World) -> None:
    customer, account = failed_high(world)

    with world.runtime.store.begin() as tx:
        assert tx.links.account_of(Ref("salesforce", "account", account)) == world.account(customer)
    assert json.loads(json.dumps(world.org.get(account)))["Stripe_Customer_Id__c"] == customer
