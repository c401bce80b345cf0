"""What a plan promises is what happens: how many calls, which holds, and where nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.plans import FAILING_CALLS
from mappings.mapping_file import default_mapping_text
from mappings.policy_file import preset_text
from ops.cli.filling import repaired_since
from simulators.faults import Fault, Harm
from sync.configs import POLICY
from tests.journeys.survey_scenes import delete
from tests.journeys.test_backfill import filler
from tests.journeys.test_fields_both_ways import customer_at_stripe, in_stripe, notes
from tests.ops.desk import Desk
from tests.ops.test_cli_mapping import WORD, accounts, applied, mine, planned
from tests.ops.test_cli_mapping import desk as desk  # the fixture
from tests.world import World, build

ROWS = """
rows:
  - {ours: customer.phone, flow: <-, theirs: Phone, wins: crm}
  - {ours: account.tier, flow: <-, theirs: CS_Tier__c, wins: crm}
"""
INWARD = ("\nrows:\n", ROWS)
HOLD = ("  field: Dunning_Status__c", "  field: Description")
AWAY = Fault(harm=Harm.STATUS, status=503, method="GET", path="/v1/.*", times=None)
ORG_AWAY = replace(AWAY, method=".*", path="/services/data/.*(query|composite).*")


def with_policy(world: World, more: str) -> None:
    """The default policy with these lines more is in force."""
    text = f"{preset_text('default')}\n{more}\n"
    with world.runtime.store.begin() as tx:
        tx.system.add_config(POLICY, text, author="a", note="n", now=world.clock.now())


def test_writes_on_customers_are_priced_and_take_no_more(desk: Desk, tmp_path: Path) -> None:
    world = desk.world
    for one in accounts(desk):
        world.csm(str(one["Id"]), Phone="+1 212 999", CS_Tier__c="Gold")
    world.settle()
    plan = planned(desk, mine(tmp_path, INWARD))
    before = sum(world.runtime.stripe.calls.values())

    applied(desk, plan["plan"], "--fill")
    looked_again = sum(world.runtime.stripe.calls.values()) - before
    world.settle()

    assert (plan["summary"], plan["written"]) == ("+4 ~0 0 blank 0 rejected", 2)
    took = sum(world.runtime.stripe.calls.values()) - before - looked_again
    assert (plan["cost"]["stripe"], plan["cost"]["salesforce"]) == (24, 5)
    assert 20 <= took <= 24


def test_a_value_that_does_not_fit_on_the_customer_is_rejected(desk: Desk, tmp_path: Path) -> None:
    first = str(accounts(desk)[0]["Id"])
    desk.world.csm(first, Phone="+1 212 555 0100 ext. 44017")
    desk.world.settle()

    plan = planned(desk, mine(tmp_path, INWARD))

    assert plan["summary"].endswith("1 rejected")
    (refused,) = [
        field
        for record in plan["records"]
        for field in record["fields"]
        if field["change"] == "rejected"
    ]
    assert (refused["name"], refused["why"]) == (
        "customer.phone",
        "Phone has 26 characters, and 20 fit",
    )


def test_a_plan_says_which_holds_would_end_and_start(desk: Desk, tmp_path: Path) -> None:
    first, second = (str(one["Id"]) for one in accounts(desk))
    desk.world.csm(first, Dunning_Status__c="In Resolution")
    desk.world.csm(second, Description="In Resolution")
    desk.world.settle()

    plan = planned(desk, mine(tmp_path, HOLD))
    said = desk.type("mapping", "plan", mine(tmp_path, HOLD)).out

    assert plan["holds"] == {"starts": 1, "ends": 1}
    assert [(one["record"], one["hold"]) for one in plan["records"] if one["hold"]] == [
        (first, "ends"),
        (second, "starts"),
    ]
    assert "In open cases 1 holds would start and 1 would end." in said
    assert planned(desk, mine(tmp_path))["holds"] == {"starts": 0, "ends": 0}


def test_a_plan_does_not_hold_any_more_when_another_hold_would_end(
    desk: Desk, tmp_path: Path
) -> None:
    file = mine(tmp_path, HOLD)
    plan = planned(desk, file)
    one = accounts(desk)[1]
    desk.world.csm(str(one["Id"]), Dunning_Status__c="In Resolution")
    desk.world.settle()

    said = applied(desk, plan["plan"])

    assert said.code == 1
    assert f"Borealis Freight ({one['Id']})" in said.err


def test_a_plan_for_a_crm_that_is_not_written_to_tells_the_holds_that_would_end(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(database_url, redis_url, crms=("salesforce", "hubspot"))
    with_policy(world, "crm: {primary: hubspot, elsewhere: nothing}")
    customer = world.customer()
    record, _ = (side.add_account("Aurelius Partners", customer=customer) for side in world.sides)
    world.hours(4)
    world.csm(record, Dunning_Status__c="In Resolution")
    world.settle()
    desk = Desk(world, tmp_path, monkeypatch)

    plan = planned(desk, mine(tmp_path, HOLD))
    said = desk.type("mapping", "plan", mine(tmp_path, HOLD)).out
    before = world.open_case(customer)
    applied(desk, plan["plan"], "--fill")
    world.runtime.reconcile.sweep_everybody()
    world.settle()

    assert plan["holds"] == {"starts": 0, "ends": 1}
    assert [(one["record"], one["fields"], one["hold"]) for one in plan["records"]] == [
        (record, [], "ends")
    ]
    assert plan["unread"] == {"the policy writes to the CRM of the task alone": 1}
    assert (plan["failed"], plan["stops"]) == (0, [])
    assert "In open cases 0 holds would start and 1 would end." in said
    assert before.word is not None
    assert world.open_case(customer).word is None
    world.close()


def test_customers_who_are_not_in_the_crm_do_not_thin_the_limit_out(
    desk: Desk, tmp_path: Path
) -> None:
    for number in range(8):
        desk.world.stripe.add_customer(f"Nobody {number}", f"a{number}@nobody.example")
    filler(desk.world).run(again=True)
    desk.world.settle()
    limits = ("context:", "limits: {changed_percent: 30, changed_from: 2}\ncontext:")
    assert applied(desk, mine(tmp_path, limits)).code == 0

    plan = planned(desk, mine(tmp_path, WORD, limits))

    assert (plan["accounts"], plan["written"], sum(plan["unread"].values())) == (10, 2, 8)
    assert plan["stops"] == ["2 of 2 records would change, more than 30 %"]


def test_a_plan_made_while_stripe_is_away_stops_until_somebody_says_that_it_is_meant(
    desk: Desk, tmp_path: Path
) -> None:
    desk.world.stripe.faults.arm(AWAY)
    file = mine(tmp_path, WORD)
    plan = planned(desk, file)
    on_screen = desk.type("mapping", "plan", file).out

    stopped = applied(desk, plan["plan"], "--no-fill")
    versions = desk.type("mapping", "history", "--json").json["versions"]
    meant = applied(desk, plan["plan"], "--no-fill", "--past-limits")

    assert (plan["failed"], plan["written"]) == (2, 0)
    assert plan["stops"] == ["2 accounts could not be read"]
    assert "Apply will stop: 2 accounts could not be read." in on_screen
    assert (stopped.code, versions) == (1, [])
    assert "Stop: 2 accounts could not be read." in stopped.err
    assert meant.code == 0
    assert "2 accounts could not be read, so nobody knows" in meant.err


def test_a_plan_stops_too_when_only_some_accounts_could_not_be_read(
    desk: Desk, tmp_path: Path
) -> None:
    desk.world.stripe.faults.arm(replace(AWAY, skip=FAILING_CALLS))

    plan = planned(desk, mine(tmp_path, WORD))

    assert (plan["written"], plan["failed"]) == (1, 1)
    assert plan["stops"] == ["1 accounts could not be read"]


def test_a_plan_does_not_take_an_unread_record_for_one_that_is_not_there(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build(database_url, redis_url, crms=("salesforce", "hubspot"))
    with_policy(world, "crm: {primary: hubspot}")
    customer = world.customer()
    for side in world.sides:
        side.add_account("Aurelius Partners", customer=customer)
    world.hours(4)
    desk = Desk(world, tmp_path, monkeypatch)
    world.org.faults.arm(ORG_AWAY)

    plan = planned(desk, mine(tmp_path, WORD))

    assert plan["unread"] == {"salesforce cannot be read": 1}
    assert plan["stops"] == ["1 accounts could not be read"]
    world.close()


def test_a_deleted_customer_is_a_fact_and_stops_no_plan(desk: Desk, tmp_path: Path) -> None:
    customer = str(accounts(desk)[1]["Stripe_Customer_Id__c"])
    delete(desk.world, customer)
    desk.world.settle()

    plan = planned(desk, mine(tmp_path, WORD))

    assert (sum(plan["unread"].values()), plan["failed"], plan["stops"]) == (1, 0, [])


@pytest.mark.parametrize(("elsewhere", "written"), [("nothing", 0), ("fields", 1)])
def test_a_plan_for_a_crm_asks_the_policy_whether_it_is_written_to(
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: str,
    written: int,
) -> None:
    world = build(database_url, redis_url, crms=("salesforce", "hubspot"))
    with_policy(world, f"crm: {{primary: salesforce, elsewhere: {elsewhere}}}")
    customer = world.customer()
    for side in world.sides:
        side.add_account("Aurelius Partners", customer=customer)
    world.hours(4)
    desk = Desk(world, tmp_path, monkeypatch)
    row = "\nrows:\n  - {constant: Kidglove, flow: ->, theirs: website, wins: if_blank}\n"
    (tmp_path / "hs.yaml").write_text(default_mapping_text("hubspot").replace("\nrows:\n", row, 1))

    plan = planned(desk, str(tmp_path / "hs.yaml"))
    applied(desk, plan["plan"], "--fill")
    world.settle()

    account = world.sides[1]
    said = [one for one in plan["unread"] if "the CRM of the task alone" in one]
    assert (plan["written"], len(said)) == (written, 1 - written)
    assert account.system == "hubspot"
    again = planned(desk, str(tmp_path / "hs.yaml"))
    assert again["written"] == 0
    world.close()


def test_a_fill_and_a_reconcile_say_how_many_records_of_each_system_differed(
    desk: Desk, tmp_path: Path
) -> None:
    world = desk.world
    for one in accounts(desk):
        world.csm(str(one["Id"]), Phone="+1 212 999")
    world.settle()
    applied(desk, mine(tmp_path, INWARD), "--fill")
    world.settle()
    customer = str(accounts(desk)[0]["Stripe_Customer_Id__c"])
    world.stripe.postman.dial.held = True
    in_stripe(world, customer, metadata={**notes(world, customer), "kidglove_tier": "mine"})
    in_stripe(world, customer, phone="+44 20")
    world.advance(timedelta(minutes=1), settle=False)

    before, since = customer_at_stripe(world, customer)["phone"], world.clock.now()
    said = desk.type("reconcile", "--whole", "--yes", "--json").json
    world.settle()

    assert before == "+44 20"
    assert said["left"] > 0
    assert customer_at_stripe(world, customer)["phone"] == "+1 212 999"
    assert repaired_since(world.runtime, "", since) == {"stripe": 1}
