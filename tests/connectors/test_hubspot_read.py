"""A company is read with everything a case needs, in calls that do not grow with the number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from connectors.hubspot import definitions
from connectors.hubspot.connector import HubspotConnector
from domain.errors import Bug, KidgloveError, Misconfigured
from domain.facts import Role
from domain.leaf import Known, Missing
from domain.ports import FoundAccounts
from simulators.faults import Fault, Harm
from tests.connectors.hubspot_stage import CUSTOMER, NAMES, PLAN, START, Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def test_a_company_is_found_by_the_customer_that_it_claims(stage: Stage) -> None:
    record = stage.read(stage.connector())
    assert (record.ref, record.name, record.customers) == (
        stage.ref,
        "Aurelius Partners",
        (CUSTOMER,),
    )


def test_the_people_are_owners_with_the_zone_of_the_user_behind_them(stage: Stage) -> None:
    people = stage.read(stage.connector()).people
    assert {role: (one.id, one.zone) for role, one in people.items()} == {
        Role.OWNER: (stage.owner, "Europe/Berlin"),
        Role.CSM: (stage.csm, "America/Los_Angeles"),
    }


def test_texts_become_values_of_the_types_that_the_portal_defines(stage: Stage) -> None:
    human = stage.sim.human(stage.csm)
    human.set_company(
        stage.company, billing_promise_date="2026-12-01", kidglove_expansion_arr="1200.50"
    )
    fields = stage.read(stage.connector()).fields
    assert (
        fields["kidglove_health_score"],
        fields["kidglove_expansion_arr"],
        fields["billing_promise_date"],
        fields["kidglove_cs_tier"],
    ) == (62, 1200.5, "2026-12-01", None)


def test_a_company_that_cannot_be_understood_does_not_end_a_survey(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = stage.sim.add_company("Other")
    human = stage.sim.human(stage.csm)
    human.set_company(stage.company, billing_resolution_status="in_resolution")

    def strict(text: str, type: str) -> str:
        if text == "in_resolution":
            raise ValueError("year 60000 is out of range")
        return text

    monkeypatch.setattr(definitions, "typed", strict)
    seen = stage.connector().survey_accounts(ids=[stage.company, other], plan=PLAN)

    assert isinstance(seen[stage.company], Bug)
    assert not isinstance(seen[other], KidgloveError)


def test_who_said_the_word_and_when_comes_from_its_history(stage: Stage) -> None:
    stage.sim.human(stage.csm).set_company(stage.company, billing_resolution_status="in_resolution")
    stage.clock.advance(timedelta(hours=3))
    stage.sim.human(stage.owner).set_company(stage.company, name="Aurelius")
    record = stage.read(stage.connector())
    assert (record.changed_by, record.changed_at) == (stage.csm, START)


def test_a_company_that_was_deleted_is_found_nowhere(stage: Stage) -> None:
    stage.sim.human(stage.csm).delete("companies", stage.company)
    answer = stage.connector().read_accounts(ids=[stage.company], plan=PLAN)[stage.company]
    assert answer == FoundAccounts(records=())


def test_a_customer_that_nobody_claims_is_found_nowhere(stage: Stage) -> None:
    answer = stage.connector().read_accounts(customers=["cus_none"], plan=PLAN)["cus_none"]
    assert answer == FoundAccounts(records=())


@pytest.mark.parametrize("new_ids", [False, True])
def test_a_company_that_was_merged_away_answers_with_its_survivor(
    stage: Stage, new_ids: bool
) -> None:
    stage.sim.set_merging(new_ids=new_ids)
    other = stage.sim.add_company("Aurelius Holding")
    survivor = stage.sim.merge_companies(other, stage.company)
    answer = stage.connector().read_accounts(ids=[stage.company], plan=PLAN)[stage.company]
    assert isinstance(answer, FoundAccounts)
    assert [record.ref.id for record in answer.records] == [survivor]


def test_open_tickets_are_told_and_closed_ones_are_not(stage: Stage) -> None:
    stage.sim.add_ticket(stage.company, "Export is slow", priority="HIGH")
    stage.sim.add_ticket(stage.company, "Old", stage="4")
    tickets = stage.read(stage.connector()).tickets
    assert isinstance(tickets, Known)
    assert [(one.title, one.priority) for one in tickets.value] == [("Export is slow", "HIGH")]


def test_tickets_without_access_are_missing_and_the_rest_is_read(stage: Stage) -> None:
    stage.sim.add_ticket(stage.company, "Export is slow")
    stage.sim.revoke_scope("tickets")
    record = stage.read(stage.connector())
    assert (record.tickets, record.name) == (Missing("no access to tickets"), "Aurelius Partners")


def test_the_last_talk_is_a_call_and_not_a_task_of_ours(stage: Stage) -> None:
    stage.sim.add_call(stage.company, "Renewal", at=START - timedelta(days=3), owner=stage.csm)
    stage.sim.add_meeting(stage.company, "Review", at=START + timedelta(days=3), owner=stage.csm)
    touch = stage.read(stage.connector()).last_touch
    assert isinstance(touch, Known)
    assert touch.value is not None
    assert (touch.value.kind, touch.value.who, touch.value.line) == (
        "call",
        "Dana Ruiz",
        "Renewal",
    )


def talks(stage: Stage) -> None:
    stage.sim.add_call(stage.company, "Renewal", at=START - timedelta(days=3), owner=stage.csm)
    stage.sim.add_email(stage.company, "Re: invoice", at=START - timedelta(days=1))


def last_talk(stage: Stage, connector: HubspotConnector) -> str:
    touch = stage.read(connector).last_touch
    assert isinstance(touch, Known)
    assert touch.value is not None
    return touch.value.line


def test_without_access_to_mails_the_other_talks_count(stage: Stage) -> None:
    talks(stage)
    connector = stage.connector()
    assert last_talk(stage, connector) == "Re: invoice"
    stage.sim.revoke_scope("sales-email-read")
    assert last_talk(stage, connector) == "Renewal"
    stage.sim.set_scopes(stage.sim.access.scopes | {"sales-email-read"})
    stage.clock.advance(timedelta(minutes=11))
    assert last_talk(stage, connector) == "Re: invoice"


def test_a_read_costs_no_more_calls_once_it_is_known_that_mails_are_denied(stage: Stage) -> None:
    talks(stage)
    connector = stage.connector()
    stage.read(connector)
    connector.calls.clear()
    stage.read(connector)
    usual = connector.calls.total()
    stage.sim.revoke_scope("sales-email-read")
    stage.read(connector)
    connector.calls.clear()
    stage.read(connector)
    assert connector.calls.total() <= usual


def test_where_all_talks_may_be_mails_nobody_is_told_that_there_was_none(stage: Stage) -> None:
    stage.sim.add_email(stage.company, "Re: invoice", at=START - timedelta(days=1))
    stage.sim.revoke_scope("sales-email-read")
    assert stage.read(stage.connector()).last_touch == Missing("no access to emails")


def test_a_mapped_property_that_the_portal_does_not_have_is_named(stage: Stage) -> None:
    stage.sim.drop_property("companies", "kidglove_cs_tier")
    with pytest.raises(Misconfigured) as refused:
        stage.read(stage.connector())
    assert refused.value.row == "kidglove_cs_tier"


def test_somebody_who_is_away_or_deactivated_takes_no_work(stage: Stage) -> None:
    stage.sim.set_away(stage.csm)
    stage.sim.deactivate(stage.owner)
    people = stage.read(stage.connector()).people
    assert [people[role].can_take_work for role in (Role.CSM, Role.OWNER)] == [False, False]


def test_a_user_id_is_not_taken_for_an_owner_id(stage: Stage) -> None:
    answer = stage.connector().person(str(stage.sim.user_id_of(stage.spare)))
    assert isinstance(answer, Misconfigured)
    assert stage.spare in answer.message


@pytest.mark.req("R24", partly="only the cost of reading on the HubSpot side")
def test_a_hundred_companies_cost_as_many_calls_as_two(stage: Stage) -> None:
    customers = [f"cus_{number}" for number in range(100)]
    for customer in customers:
        stage.sim.add_company(f"Company {customer}", stripe_customer_id=customer)
    connector = stage.connector()
    connector.read_accounts(customers=customers[:1], plan=PLAN)
    connector.calls.clear()
    connector.read_accounts(customers=customers[:2], plan=PLAN)
    two = connector.calls.total()
    connector.calls.clear()
    connector.read_accounts(customers=customers, plan=PLAN)
    assert (connector.calls.total(), connector.calls["companies.read"]) == (two, 1)


def test_a_company_alone_is_read_as_among_others_and_costs_no_call_for_what_it_has_not(
    stage: Stage,
) -> None:
    other = stage.sim.add_company("Other", stripe_customer_id="cus_other")
    connector = stage.connector()
    stage.read(connector)
    connector.calls.clear()

    stage.read(connector)

    assert connector.calls == {"companies.read": 1, "companies.all": 1}
    for number in range(2):
        stage.sim.add_ticket(stage.company, f"Ticket {number}")
    stage.sim.add_call(stage.company, "Renewal", at=START - timedelta(days=3), owner=stage.csm)
    stage.sim.add_task(stage.company, "Call back")
    label(stage, stage.sim.add_contact(stage.company, "Ana", "Lima", "ana@example.com"))
    alone = stage.read(connector)
    among = connector.read_accounts(ids=[stage.ref.id, other], plan=PLAN)[stage.ref.id]
    assert isinstance(among, FoundAccounts)
    assert among.records == (alone,)


def test_a_company_that_goes_away_while_it_is_read_is_read_as_it_was(stage: Stage) -> None:
    stage.sim.faults.arm(
        Fault(harm=Harm.STATUS, method="GET", path=r".*/companies/\d+", status=404)
    )

    record = stage.read(stage.connector())

    assert (record.ref, record.name) == (stage.ref, "Aurelius Partners")


def test_links_that_come_in_pages_are_all_followed(stage: Stage) -> None:
    titles = {f"Ticket {number}" for number in range(7)}
    for title in titles:
        stage.sim.add_ticket(stage.company, title)
    stage.sim.set_page_size(3)
    tickets = stage.read(stage.connector()).tickets
    assert isinstance(tickets, Known)
    assert {one.title for one in tickets.value} == titles


def test_the_billing_contact_is_the_one_with_the_label(stage: Stage) -> None:
    stage.sim.add_contact(stage.company, "Otto", "Other")
    contact = stage.sim.add_contact(stage.company, "Ana", "Lima", "ana@example.com")
    label(stage, contact)
    found = stage.read(stage.connector()).ap_contact
    assert isinstance(found, Known)
    assert (found.value.id, found.value.name, found.value.email) == (
        contact,
        "Ana Lima",
        "ana@example.com",
    )


def label(stage: Stage, contact: str) -> None:
    """Give the contact's association the label that the shipped mapping names."""

    def call(method: str, path: str, body: object) -> Any:
        reply = requests.request(
            method,
            f"{stage.sim.url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {stage.sim.service_key}"},
            timeout=10,
        )
        assert reply.ok, reply.text
        return reply.json()

    made = call(
        "POST",
        "/crm/associations/2026-09/contacts/companies/labels",
        {"label": "Billing contact", "name": "billing_contact"},
    )
    type_id = made["results"][0]["typeId"]
    call(
        "PUT",
        f"/crm/objects/2026-09/contacts/{contact}/associations/companies/{stage.company}",
        [{"associationCategory": "USER_DEFINED", "associationTypeId": type_id}],
    )


def test_two_companies_that_claim_one_customer_are_both_returned(stage: Stage) -> None:
    stage.sim.drop_property("companies", "stripe_customer_id")
    stage.sim.add_property("companies", "stripe_customer_id")
    twins = {
        stage.sim.add_company(f"Twin {number}", stripe_customer_id="cus_Twin")
        for number in range(2)
    }
    answer = stage.connector().read_accounts(customers=["cus_Twin"], plan=PLAN)["cus_Twin"]
    assert isinstance(answer, FoundAccounts)
    assert {one.ref.id for one in answer.records} == twins


def test_the_settings_may_name_another_property_for_the_csm(stage: Stage) -> None:
    stage.sim.add_property("companies", "cs_owner", owner=True)
    stage.sim.human(stage.csm).set_company(stage.company, cs_owner=stage.spare)
    connector = stage.connector(names=replace(NAMES, csm="cs_owner"))
    assert stage.read(connector).people[Role.CSM].id == stage.spare
