"""One living task under each key: found before it is made, on its company, in its owner's hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from connectors.hubspot.connector import HubspotConnector
from domain.errors import Gone, OutcomeUnknown, Rejected, Transient
from domain.ids import Ref
from domain.ports import Receipt, TaskChange, TaskVerb
from simulators.faults import Fault, Harm
from tests.connectors.hubspot_stage import HASTY, START, Stage, kept, receipt, staged

CREATE = r".*/tasks/batch/create"


@pytest.fixture(params=[True, False], ids=["unique key", "key not unique"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with staged(unique_tasks=request.param) as stage:
        yield stage


@pytest.fixture
def usual() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def test_a_receipt_tells_the_task_as_it_is_now(stage: Stage) -> None:
    answer = receipt(stage.connector().write([kept(stage, high_priority=True)]))
    assert answer.was_created
    assert answer.now == {
        "id": stage.tasks()[0]["id"],
        "key": "k-1",
        "subject": "Payment hiccup: Aurelius Partners, $14,200",
        "text": "Do: call Ana Lima",
        "owner_id": stage.csm,
        "due_on": "2026-11-25",
        "is_closed": False,
        "status": "NOT_STARTED",
        "priority": "HIGH",
        "account_id": stage.company,
    }


def test_a_second_identical_call_makes_no_second_task(stage: Stage) -> None:
    stage.connector().write([kept(stage)])
    before = stage.tasks()
    again = receipt(stage.connector().write([kept(stage)]))
    assert not again.was_created
    assert [task["id"] for task in stage.tasks()] == [task["id"] for task in before]


def test_an_index_of_the_search_that_lags_makes_no_second_task(stage: Stage) -> None:
    stage.sim.set_search_lag(3600)
    connector = stage.connector()
    connector.write([kept(stage)])
    connector.write([kept(stage)])
    assert len(stage.tasks()) == 1


def test_where_keys_are_unique_the_index_of_the_search_is_never_asked(usual: Stage) -> None:
    connector = usual.connector()
    connector.write([kept(usual)])
    connector.write([kept(usual, account=None)])
    assert connector.calls["search"] == 0


def test_a_task_hangs_on_its_company_and_contact_from_its_first_moment(stage: Stage) -> None:
    contact = stage.sim.add_contact(stage.company, "Ana", "Lima")
    task = receipt(stage.connector().write([kept(stage, contact_id=contact)])).ref.id
    assert (
        stage.sim.linked("tasks", task, "companies"),
        stage.sim.linked("tasks", task, "contacts"),
    ) == ([stage.company], [contact])


def test_a_contact_that_is_gone_does_not_stop_the_task(stage: Stage) -> None:
    answer = receipt(stage.connector().write([kept(stage, contact_id="999999")]))
    assert answer.note == "contact 999999 is gone; the task hangs on the company alone"


def test_a_task_is_due_when_its_owners_day_ends(usual: Stage) -> None:
    hours = [{"days": "MONDAY_TO_FRIDAY", "startMinute": 480, "endMinute": 990}]
    usual.sim.set_working_hours(usual.csm, hours)
    usual.connector().write([kept(usual)])
    # 16:30 in Los Angeles.
    assert usual.tasks()[0]["hs_timestamp"] == "2026-11-26T00:30:00Z"


def test_a_day_that_a_person_moved_is_read_in_the_owners_zone(usual: Stage) -> None:
    connector = usual.connector()
    task = receipt(connector.write([kept(usual)])).ref.id
    usual.sim.human(usual.csm).snooze_task(task, START.replace(day=28, hour=6))
    # 06:00 UTC is still the evening before in Los Angeles.
    [item] = usual.read(connector).tasks
    assert item.due_on == date(2026, 11, 27)


def test_everything_about_a_task_reaches_the_portal(usual: Stage) -> None:
    usual.connector().write([kept(usual, kind="email", remind_at=START, high_priority=False)])
    [row] = usual.tasks()
    assert (row["hs_task_type"], row["hs_task_reminders"], row["hs_task_priority"]) == (
        "EMAIL",
        str(int(START.timestamp() * 1000)),
        "MEDIUM",
    )


def test_parts_that_are_not_given_stay_as_people_left_them(stage: Stage) -> None:
    connector = stage.connector()
    task = receipt(connector.write([kept(stage)])).ref.id
    stage.sim.human(stage.csm).reassign_task(task, stage.owner)
    connector.write([TaskChange(key="k-1", account=stage.ref, text="Paid", known_id=task)])
    [row] = stage.tasks()
    assert (row["hubspot_owner_id"], row["hs_task_body"]) == (stage.owner, "<p>Paid</p>")


def test_a_day_without_an_owner_is_the_present_owners_day(usual: Stage) -> None:
    connector = usual.connector()
    task = receipt(connector.write([kept(usual)])).ref.id
    usual.sim.human(usual.csm).reassign_task(task, usual.owner)
    change = TaskChange(key="k-1", account=usual.ref, due_on=date(2026, 11, 27), known_id=task)
    connector.write([change])
    # 17:00 in Berlin.
    assert usual.tasks()[0]["hs_timestamp"] == "2026-11-27T16:00:00Z"


def test_closing_reopening_and_closing_twice(stage: Stage) -> None:
    connector = stage.connector()
    connector.write([kept(stage)])
    said = [
        receipt(connector.write([TaskChange(key="k-1", account=stage.ref, verb=verb)])).now
        for verb in (TaskVerb.CLOSE, TaskVerb.CLOSE, TaskVerb.REOPEN)
    ]
    assert [(one["is_closed"], one["status"]) for one in said] == [
        (True, "COMPLETED"),
        (True, "COMPLETED"),
        (False, "NOT_STARTED"),
    ]


def test_closing_never_makes_a_task(stage: Stage) -> None:
    change = TaskChange(key="k-1", account=stage.ref, verb=TaskVerb.CLOSE)
    [answer] = stage.connector().write([change])
    assert isinstance(answer, Gone)
    assert stage.tasks() == []


def test_a_known_task_that_was_deleted_is_made_anew(stage: Stage) -> None:
    connector = stage.connector()
    task = receipt(connector.write([kept(stage)])).ref.id
    stage.sim.human(stage.csm).delete_task(task)
    answer = receipt(connector.write([kept(stage, known_id=task)]))
    assert answer.was_created
    assert answer.ref.id != task


def test_the_same_key_twice_in_one_batch_is_one_task(stage: Stage) -> None:
    answers = stage.connector().write([kept(stage), kept(stage, text="Newer")])
    assert [receipt(answers, place).was_created for place in (0, 1)] == [True, False]
    assert [row["hs_task_body"] for row in stage.tasks()] == ["<p>Newer</p>"]


# ---------------------------------------------------------------- what can go wrong


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_AFTER, Harm.RESET_AFTER, Harm.STATUS_AFTER])
def test_an_answer_that_never_came_is_looked_up_and_not_repeated(stage: Stage, harm: Harm) -> None:
    stage.sim.faults.arm(Fault(harm=harm, path=CREATE, status=502, seconds=0.8))
    connector = stage.connector(timeouts=HASTY)
    answer = receipt(connector.write([kept(stage)]))
    assert (answer.was_created, len(stage.tasks()), connector.calls["tasks.create"]) == (True, 1, 1)


@pytest.mark.parametrize("harm", [Harm.TIMEOUT_BEFORE, Harm.RESET_BEFORE, Harm.HTML])
def test_an_answer_that_never_came_for_nothing_done_stays_unknown(stage: Stage, harm: Harm) -> None:
    stage.sim.faults.arm(Fault(harm=harm, path=CREATE, status=502, seconds=0.8))
    connector = stage.connector(timeouts=HASTY)
    [answer] = connector.write([kept(stage)])
    assert isinstance(answer, OutcomeUnknown)
    assert connector.calls["tasks.create"] == 1
    assert receipt(connector.write([kept(stage)])).was_created
    assert len(stage.tasks()) == 1


def test_a_portal_that_cannot_be_read_gets_no_task(stage: Stage) -> None:
    stage.sim.faults.arm(Fault(harm=Harm.STATUS, status=503, path=r".*/batch/read", times=None))
    with pytest.raises(Transient):
        stage.connector().write([kept(stage)])
    assert stage.tasks() == []


def test_a_refused_task_does_not_sink_the_batch(stage: Stage) -> None:
    stage.sim.add_rule(
        "tasks",
        lambda after, before: "No twos" if "two" in after.get("hs_task_subject", "") else None,
    )
    answers = stage.connector().write(
        [kept(stage, key=f"k-{word}", subject=word) for word in ("one", "two", "three")]
    )
    assert [type(answer) for answer in answers] == [Receipt, Rejected, Receipt]
    assert "No twos" in str(answers[1])


def test_a_task_on_no_company_is_kept_all_the_same(usual: Stage) -> None:
    connector = usual.connector()
    first = receipt(connector.write([kept(usual, account=None)]))
    second = receipt(connector.write([kept(usual, account=None)]))
    assert (first.ref, second.was_created) == (second.ref, False)


# ---------------------------------------------------------------- made before the company was known

LINK = r".*/associations/.*/tasks/companies/batch/associate/default"


def loose(stage: Stage, connector: HubspotConnector) -> str:
    """A task that hangs on no company."""
    return receipt(connector.write([kept(stage, account=None)])).ref.id


def companies(stage: Stage, task: str) -> list[str]:
    return list(stage.sim.linked("tasks", task, "companies"))


def test_a_task_of_before_hangs_on_its_company_and_contact_and_is_pinned(stage: Stage) -> None:
    connector = stage.connector()
    contact = stage.sim.add_contact(stage.company, "Ana", "Lima")
    task = loose(stage, connector)
    answer = receipt(connector.write([kept(stage, contact_id=contact)]))
    assert (answer.ref.id, answer.was_created, len(stage.tasks())) == (task, False, 1)
    assert (companies(stage, task), stage.sim.linked("tasks", task, "contacts"), stage.pin()) == (
        [stage.company],
        [contact],
        task,
    )


@pytest.mark.parametrize("verb", [TaskVerb.CLOSE, TaskVerb.REOPEN])
def test_a_task_of_before_is_closed_and_reopened_on_its_company(
    usual: Stage, verb: TaskVerb
) -> None:
    connector = usual.connector()
    task = loose(usual, connector)
    connector.write([TaskChange(key="k-1", account=usual.ref, verb=verb)])
    assert companies(usual, task) == [usual.company]


def test_a_contact_that_is_gone_does_not_keep_a_task_of_before_off_its_company(
    usual: Stage,
) -> None:
    connector = usual.connector()
    task = loose(usual, connector)
    receipt(connector.write([kept(usual, contact_id="999999")]))
    assert companies(usual, task) == [usual.company]


def test_a_company_that_is_gone_is_the_answer_for_its_own_task_alone(usual: Stage) -> None:
    connector = usual.connector()
    connector.write([kept(usual, account=None), kept(usual, key="k-2", account=None)])
    gone = kept(usual, account=Ref("hubspot", "account", "99999999999"))
    answers = connector.write([gone, kept(usual, key="k-2")])
    assert [type(one) for one in answers] == [Gone, Receipt]
    assert [companies(usual, row["id"]) for row in usual.tasks()] == [[], [usual.company]]


def test_an_association_whose_answer_is_lost_is_made_by_the_second_try(usual: Stage) -> None:
    task = loose(usual, usual.connector())
    usual.sim.faults.arm(Fault(harm=Harm.TIMEOUT_BEFORE, path=LINK, seconds=0.8, times=None))
    hasty = usual.connector(timeouts=HASTY)
    [answer] = hasty.write([kept(usual)])
    usual.sim.faults.clear()
    assert isinstance(answer, OutcomeUnknown)
    receipt(usual.connector().write([kept(usual)]))
    assert companies(usual, task) == [usual.company]


def test_a_key_that_only_the_lagging_index_still_has_is_not_taken_for_the_task() -> None:
    with staged(unique_tasks=False) as stage:
        connector = stage.connector()
        task = loose(stage, connector)
        stage.clock.advance(timedelta(hours=2))
        stage.sim.set_search_lag(3600)
        stage.sim.human(stage.csm).edit_task(task, kidglove_key="k-old")
        answer = receipt(connector.write([kept(stage)]))
        assert (answer.was_created, companies(stage, task)) == (True, [])


def test_where_keys_are_not_unique_many_new_keys_take_few_searches() -> None:
    with staged(unique_tasks=False) as stage:
        connector = stage.connector()
        calls = spent(connector, *[kept(stage, key=f"k-{number}") for number in range(12)])
        assert (calls["search"], len(stage.tasks())) == (3, 12)


def test_another_company_of_a_task_stays_beside_its_own(usual: Stage) -> None:
    connector = usual.connector()
    task = loose(usual, connector)
    other = usual.sim.add_company("Aurelius Holding")
    usual.sim.human(usual.csm).link(("tasks", task), ("companies", other))
    receipt(connector.write([kept(usual)]))
    assert sorted(companies(usual, task)) == sorted([other, usual.company])


# ---------------------------------------------------------------- what it costs


def spent(connector: HubspotConnector, *changes: TaskChange) -> dict[str, int]:
    connector.calls.clear()
    connector.write(changes)
    return dict(connector.calls)


@pytest.mark.req("R24", partly="only the cost of tasks on the HubSpot side")
def test_what_a_case_costs_in_calls(usual: Stage) -> None:
    connector = usual.connector()
    connector.write([kept(usual, key="k-0")])
    connector.write([TaskChange(key="k-0", account=usual.ref, verb=TaskVerb.CLOSE)])
    made = spent(connector, kept(usual))
    task = next(row["id"] for row in usual.tasks() if row["kidglove_key"] == "k-1")
    changed = spent(connector, TaskChange(key="k-1", account=usual.ref, text="x", known_id=task))
    assert (made, changed) == (
        {"tasks.read": 2, "tasks.create": 1, "companies.read": 1, "companies.update": 1},
        {"tasks.update": 1, "tasks.read": 1, "companies.read": 1},
    )


def test_only_a_task_that_was_not_read_on_its_company_costs_a_look(usual: Stage) -> None:
    connector = usual.connector()
    task = loose(usual, connector)
    late = spent(connector, kept(usual))
    again = spent(connector, kept(usual))
    known = spent(connector, kept(usual, known_id=task))
    look = {"tasks.read": 2, "tasks.update": 1, "companies.read": 1, "tasks.companies": 1}
    assert (late, again, known) == (
        {**look, "tasks.companies.link": 1, "companies.update": 1},
        look,
        {"tasks.update": 1, "tasks.read": 1, "companies.read": 1},
    )


def test_where_keys_are_not_unique_a_task_found_on_its_company_costs_no_look() -> None:
    with staged(unique_tasks=False) as stage:
        connector = stage.connector()
        connector.write([kept(stage)])
        assert "tasks.companies" not in spent(connector, kept(stage))


def test_fifty_tasks_of_fifty_companies_cost_as_many_calls_as_one(usual: Stage) -> None:
    refs = [Ref("hubspot", "account", usual.sim.add_company(f"C {n}")) for n in range(50)]
    connector = usual.connector()
    connector.write([kept(usual, key="k-0")])
    calls = spent(connector, *[kept(usual, key=f"k-{ref.id}", account=ref) for ref in refs])
    assert sum(calls.values()) == 5
    assert len(usual.tasks()) == 51


def test_the_key_of_an_hour_ago_is_the_same_key(usual: Stage) -> None:
    usual.connector().write([kept(usual)])
    usual.clock.advance(timedelta(hours=2))
    assert not receipt(usual.connector().write([kept(usual)])).was_created
