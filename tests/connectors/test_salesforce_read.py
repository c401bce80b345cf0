"""One call reads an account with everything that a case needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import Gone, KidgloveError, Misconfigured
from domain.facts import NOT_MAPPED, Person, Role, WorkItem
from domain.leaf import Known, Missing
from domain.ports import FoundAccounts
from tests.connectors.salesforce_stage import CUSTOMER, INSTANCE, PLAN, START, Stage, staged

DAY = timedelta(days=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def test_one_vip_failure_costs_one_read(stage: Stage) -> None:
    contact = stage.sim.add_contact(stage.account, "Ana", "Lima", "ana@aurelius.example")
    stage.sim.human(stage.csm).update("Account", stage.account, {"AP_Contact__c": contact})
    stage.sim.add_case(stage.account, "SSO is broken", priority="High")
    stage.sim.add_event(stage.account, "Review", start=START - 8 * DAY)
    stage.sim.add_task(stage.account, "Ours", Dunning_Key__c="k-1")
    connector = stage.connector()
    before = stage.sim.api_calls
    record = stage.read(connector)
    assert stage.sim.api_calls - before == 1
    assert isinstance(record.ap_contact, Known)
    assert isinstance(record.tickets, Known)
    assert isinstance(record.last_touch, Known)
    assert [task.key for task in record.tasks] == ["k-1"]


def test_mapped_fields_come_raw_and_named(stage: Stage) -> None:
    record = stage.read(stage.connector())
    assert record.fields == {
        "Dunning_Status__c": None,
        "Health_Score__c": 62,
        "Dunning_Hold_Until__c": None,
        "Contract_Type__c": None,
    }


def test_the_page_of_the_account_opens_for_a_person(stage: Stage) -> None:
    assert (
        stage.read(stage.connector()).url == f"{INSTANCE}/lightning/r/Account/{stage.account}/view"
    )


def test_everybody_in_the_chain_is_known(stage: Stage) -> None:
    people = stage.read(stage.connector()).people
    assert {role: person.name for role, person in people.items()} == {
        Role.CSM: "Dana Ruiz",
        Role.OWNER: "Felix Nordstrom",
        Role.MANAGER: "Mona Berg",
    }


def test_somebody_who_left_is_inactive(stage: Stage) -> None:
    stage.sim.deactivate(stage.csm)
    assert not stage.read(stage.connector()).people[Role.CSM].can_take_work


def test_an_account_that_nobody_knows_is_an_empty_answer(stage: Stage) -> None:
    found = stage.connector().read_accounts(customers=["cus_unknown"], plan=PLAN)
    assert found == {"cus_unknown": FoundAccounts(records=())}


@pytest.mark.req("R21", partly="the link itself is kept elsewhere")
def test_ids_that_differ_in_letter_case_are_different_customers(stage: Stage) -> None:
    found = stage.connector().read_accounts(customers=[CUSTOMER.upper()], plan=PLAN)
    assert found[CUSTOMER.upper()] == FoundAccounts(records=())


def test_answers_come_under_the_id_that_was_asked_for(stage: Stage) -> None:
    asked = [stage.account, stage.account[:15]]
    found = stage.connector().read_accounts(ids=asked, plan=PLAN)
    assert sorted(found) == sorted(asked)
    assert len({str(one) for one in found.values()}) == 1


def test_what_is_no_id_does_not_sink_the_batch(stage: Stage) -> None:
    found = stage.connector().read_accounts(ids=["nonsense", stage.account], plan=PLAN)
    assert isinstance(found["nonsense"], Gone)
    assert isinstance(found[stage.account], FoundAccounts)


def test_what_is_no_id_does_not_end_a_survey(stage: Stage) -> None:
    seen = stage.connector().survey_accounts(ids=["no id", stage.account], plan=PLAN)
    assert isinstance(seen["no id"], Gone)
    assert not isinstance(seen[stage.account], KidgloveError)


def test_a_hundred_accounts_cost_one_call(stage: Stage) -> None:
    ids = [stage.sim.add_account(f"Twin {n}", owner=stage.owner) for n in range(100)]
    connector = stage.connector()
    found = connector.read_accounts(ids=ids, plan=PLAN)
    assert connector.calls == {"query": 1}
    assert all(isinstance(one, FoundAccounts) and one.records for one in found.values())


def test_a_merged_account_answers_with_the_survivor(stage: Stage) -> None:
    survivor = stage.sim.add_account("Aurelius Group", owner=stage.owner)
    stage.sim.merge_accounts(survivor, stage.account)
    connector = stage.connector()
    found = connector.read_accounts(ids=[stage.account], plan=PLAN)[stage.account]
    assert isinstance(found, FoundAccounts)
    assert [record.ref.id for record in found.records] == [survivor]
    assert connector.calls == {"query": 2}


def test_an_account_merged_twice_answers_with_the_last(stage: Stage) -> None:
    second = stage.sim.add_account("Aurelius Group", owner=stage.owner)
    third = stage.sim.add_account("Aurelius Holding", owner=stage.owner)
    stage.sim.merge_accounts(second, stage.account)
    stage.sim.merge_accounts(third, second)
    found = stage.connector().read_accounts(ids=[stage.account], plan=PLAN)[stage.account]
    assert isinstance(found, FoundAccounts)
    assert [record.ref.id for record in found.records] == [third]


def test_a_deleted_account_is_not_found(stage: Stage) -> None:
    stage.sim.human(stage.csm).delete("Account", stage.account)
    found = stage.connector().read_accounts(ids=[stage.account], customers=[CUSTOMER], plan=PLAN)
    assert found == {
        stage.account: FoundAccounts(records=()),
        CUSTOMER: FoundAccounts(records=()),
    }


def test_our_task_is_read_as_it_stands(stage: Stage) -> None:
    task = stage.sim.add_task(
        stage.account,
        "Payment hiccup",
        owner=stage.csm,
        due=START.date(),
        Dunning_Key__c="k-1",
        Description="Call Ana",
        Priority="High",
    )
    stage.sim.human(stage.csm).complete_task(task, "Card updated")
    assert stage.read(stage.connector()).tasks == (
        WorkItem(
            id=task,
            key="k-1",
            is_closed=True,
            subject="Payment hiccup",
            description="Call Ana",
            status="Completed",
            priority="High",
            due_on=START.date(),
            owner_id=stage.csm,
            outcome="Card updated",
            closed_at=START,
            changed_at=START,
        ),
    )


def test_our_open_task_is_seen_behind_fifty_closed_ones(stage: Stage) -> None:
    stage.sim.add_task(stage.account, "Ours", Dunning_Key__c="k-1")
    for number in range(50):
        stage.sim.human(stage.csm).complete_task(stage.sim.add_task(stage.account, f"T{number}"))
    assert [task.key for task in stage.read(stage.connector()).tasks] == ["k-1"]


@pytest.mark.req("R48")
def test_the_last_talk_is_the_newest_human_one(stage: Stage) -> None:
    stage.sim.add_event(stage.account, "Review", start=START - 8 * DAY, owner=stage.csm)
    stage.sim.add_event(stage.account, "Next review", start=START + 8 * DAY)
    call = stage.sim.add_task(stage.account, "Rollout call", owner=stage.csm)
    ours = stage.sim.add_task(stage.account, "Ours", Dunning_Key__c="k-1")
    stage.sim.human(stage.csm).complete_task(call)
    stage.clock.advance(DAY)
    stage.sim.human(stage.csm).complete_task(ours)
    touch = stage.read(stage.connector()).last_touch
    assert isinstance(touch, Known)
    assert touch.value is not None
    assert (touch.value.at, touch.value.line, touch.value.who) == (
        START,
        "Rollout call",
        "Dana Ruiz",
    )


def test_a_meeting_is_a_talk(stage: Stage) -> None:
    stage.sim.add_event(stage.account, "Review", start=START - 8 * DAY, owner=stage.csm)
    touch = stage.read(stage.connector()).last_touch
    assert isinstance(touch, Known)
    assert touch.value is not None
    assert (touch.value.kind, touch.value.at) == ("meeting", START - 8 * DAY)


def test_no_talk_at_all_is_known_as_such(stage: Stage) -> None:
    touch = stage.read(stage.connector()).last_touch
    assert isinstance(touch, Known)
    assert touch.value is None


@pytest.mark.req("R47", partly="the text of the task is made elsewhere")
def test_only_open_cases_are_tickets(stage: Stage) -> None:
    stage.sim.add_case(stage.account, "Solved", status="Closed")
    case = stage.sim.add_case(stage.account, "SSO is broken", priority="High")
    tickets = stage.read(stage.connector()).tickets
    assert isinstance(tickets, Known)
    assert [(one.title, one.priority, one.url) for one in tickets.value] == [
        ("SSO is broken", "High", f"{INSTANCE}/lightning/r/Case/{case}/view")
    ]


def test_without_access_to_cases_the_rest_is_read(stage: Stage) -> None:
    stage.sim.hide_object("Case")
    connector = stage.connector()
    record = stage.read(connector)
    assert record.tickets == Missing("no access to cases")
    assert record.people[Role.CSM].name == "Dana Ruiz"
    assert connector.calls == {"query": 2}


def test_what_may_not_be_read_is_not_asked_for_again_at_once(stage: Stage) -> None:
    stage.sim.hide_object("Case")
    connector = stage.connector()
    stage.read(connector)
    stage.read(connector)
    assert connector.calls == {"query": 3}


def test_access_given_later_is_noticed(stage: Stage) -> None:
    stage.sim.hide_object("Case")
    connector = stage.connector()
    stage.read(connector)
    stage.sim.show_object("Case")
    stage.clock.advance(timedelta(minutes=11))
    assert isinstance(stage.read(connector).tickets, Known)


def test_without_access_to_contacts_the_rest_is_read(stage: Stage) -> None:
    stage.sim.hide_object("Contact")
    assert stage.read(stage.connector()).ap_contact == Missing("no access to contacts")


def test_without_access_to_meetings_no_older_talk_is_called_the_last(stage: Stage) -> None:
    stage.sim.human(stage.csm).complete_task(stage.sim.add_task(stage.account, "Call"))
    stage.sim.hide_object("Event")
    assert stage.read(stage.connector()).last_touch == Missing("no access to events")


def test_two_parts_without_access_are_both_left_out(stage: Stage) -> None:
    stage.sim.hide_object("Case")
    stage.sim.hide_object("Event")
    record = stage.read(stage.connector())
    assert (record.tickets, record.last_touch) == (
        Missing("no access to cases"),
        Missing("no access to events"),
    )


@pytest.mark.parametrize(
    ("field", "entity"),
    [
        ("Health_Score__c", "Account"),
        ("CSM__c", "Account"),
        ("Stripe_Customer_Id__c", "Account"),
        ("Dunning_Key__c", "Task"),
        ("Dunning_Outcome__c", "Task"),
    ],
)
def test_a_hidden_mapped_field_is_named(stage: Stage, field: str, entity: str) -> None:
    stage.sim.hide_field(entity, field)
    with pytest.raises(Misconfigured) as problem:
        stage.read(stage.connector())
    assert problem.value.row == field


def test_no_contact_on_the_account_is_said_so(stage: Stage) -> None:
    leaf = stage.read(stage.connector()).ap_contact
    assert leaf == Missing("no accounts-payable contact is set on the account")


def test_an_unmapped_contact_is_said_so(stage: Stage) -> None:
    plan = replace(PLAN, contact_field=None)
    assert stage.read(stage.connector(), plan).ap_contact == NOT_MAPPED


def test_who_is_away_is_told_by_the_configured_field(stage: Stage) -> None:
    person = stage.connector(away_field="Title").person(stage.csm)
    assert isinstance(person, Person)
    assert not person.is_away


def test_a_queue_is_an_active_person(stage: Stage) -> None:
    person = stage.connector().person(stage.queue)
    assert isinstance(person, Person)
    assert (person.name, person.can_take_work) == ("Payment cases", True)


def test_a_colleague_is_remembered_for_minutes(stage: Stage) -> None:
    connector = stage.connector()
    connector.person(stage.csm)
    connector.person(stage.csm)
    assert connector.calls == {"row": 1}
    stage.clock.advance(timedelta(minutes=6))
    connector.person(stage.csm)
    assert connector.calls == {"row": 2}


def test_a_colleague_with_a_short_id_is_refused(stage: Stage) -> None:
    assert isinstance(stage.connector().person(stage.csm[:15]), Misconfigured)


def test_a_colleague_who_never_was_is_gone(stage: Stage) -> None:
    assert isinstance(stage.connector().person("005000000000001AAA"), Gone)


def test_many_tasks_are_read_page_by_page(stage: Stage) -> None:
    stage.sim.set_page_size(3)
    for number in range(7):
        stage.sim.add_task(stage.account, f"Ours {number}", Dunning_Key__c=f"k-{number}")
    assert len(stage.read(stage.connector()).tasks) == 7
