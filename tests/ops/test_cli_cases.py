"""What people read and do about cases at the command line, on a whole simulated world."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.ops.desk import Desk
from tests.world import World, build


@pytest.fixture
def desk(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A desk beside a world in which one VIP's renewal has failed and a person has the task."""
    world = build(database_url, redis_url)
    world.vip()
    world.hours(4)
    yield Desk(world, tmp_path, monkeypatch)
    world.close()


def _key(world: World) -> str:
    customer = next(iter(world.stripe.state()["objects"]["customer"]))
    return world.open_case(customer).key


@pytest.mark.req("R133")
def test_the_list_shows_the_largest_arr_first(desk: Desk) -> None:
    desk.world.vip("Halberd Cybersecurity", amount=3_000_000, number=None)
    desk.world.hours(4)

    rows = desk.type("case", "list", "--json").json

    assert [(row["account"], row["arr"]) for row in rows] == [
        ("Halberd Cybersecurity", "$360,000"),
        ("Aurelius Partners", "$170,400"),
    ]
    assert rows[1]["quiet"] == "quiet"
    assert rows[1]["next_timer"] is not None


def test_the_table_names_stage_tier_and_owner(desk: Desk) -> None:
    said = desk.type("case", "list")

    assert said.code == 0
    for word in ("Aurelius Partners", "$170,400", "with person", "vip", "quiet", "Morgan Vale"):
        assert word in said.out


@pytest.mark.req("R140", partly="no NetSuite entries yet")
def test_a_case_is_found_by_name_and_tells_its_story_in_order(desk: Desk) -> None:
    shown = desk.type("case", "show", "aurelius partners", "--json").json

    moments = [entry["at"] for entry in shown["story"]]
    assert moments == sorted(moments)
    told = " / ".join(entry["what"] for entry in shown["story"])
    for word in ("quiet_invoice", "pay_invoice", "a payment failed", "keep_task"):
        assert word in told
    assert shown["certificate"]["state"] == "quiet"


def test_the_reasons_carry_their_rules_and_the_configuration(desk: Desk) -> None:
    decisions = desk.type("case", "why", _key(desk.world), "--json").json

    reasons = {one["rule"]: one["text"] for last in decisions for one in last["reasons"]}
    assert "tier vip" in reasons["case.open"]
    assert {last["config"] for last in decisions} == {"policy:default mapping:salesforce:shipped"}


@pytest.mark.req("R65")
def test_an_expedited_case_is_due_today_with_high_priority_and_the_reason(desk: Desk) -> None:
    world = desk.world
    _, account = world.vip("Halberd Cybersecurity", amount=180_000, number=None, CSM__c=None)
    world.hours(4)
    before = world.task(account)

    said = desk.type("case", "expedite", "Halberd Cybersecurity", "--reason", "renewal call")
    world.settle()

    assert before["Priority"] == "Normal"
    assert said.code == 0
    assert "1 case" in said.err
    task = world.task(account)
    assert task["Priority"] == "High"
    assert task["ActivityDate"] == world.clock.now().date().isoformat()
    assert "renewal call" in task["Description"]


@pytest.mark.req("R66")
def test_a_note_stands_on_the_task_and_in_the_story(desk: Desk) -> None:
    said = desk.type("case", "note", _key(desk.world), "their bank raised the limit", "--by", "ann")
    desk.world.settle()

    assert said.code == 0
    assert "their bank raised the limit" in desk.world.tasks()[0]["Description"]
    assert "their bank raised the limit" in desk.type("case", "show", _key(desk.world)).out


def test_a_payment_link_is_printed_once_and_kept_nowhere(desk: Desk) -> None:
    url = desk.type("case", "link", _key(desk.world), "--json").json["url"]

    assert url.startswith(("https://billing.stripe.com/", "http://127.0.0.1"))
    assert url not in desk.type("case", "show", _key(desk.world), "--json").out
    assert "a payment link for" in desk.type("case", "show", _key(desk.world)).out


def test_a_mail_may_go_out_while_stripe_is_quiet(desk: Desk) -> None:
    said = desk.type("case", "ready", _key(desk.world))

    assert said.code == 0
    assert "Yes" in said.out


def test_no_mail_may_go_out_after_somebody_switched_collection_on(desk: Desk) -> None:
    key = _key(desk.world)
    invoice = desk.type("case", "show", key, "--json").json["case"]["invoices"][0]
    desk.world.stripe.dashboard_update_invoice(invoice, auto_advance=True)

    said = desk.type("case", "ready", key)

    assert said.code == 1
    assert invoice in said.out


def test_an_unknown_case_is_a_problem_with_a_remedy(desk: Desk) -> None:
    said = desk.type("case", "show", "kg-nothing")

    assert said.code == 1
    assert "kidglove case list --all" in said.err


@pytest.mark.req("R25")
def test_every_value_that_we_wrote_can_be_explained(desk: Desk) -> None:
    world = desk.world
    world.advance(timedelta(days=1))
    wrote = {
        (call.path.split("/")[3], name, value)
        for call in world.stripe.writes()
        for name, value in call.params.items()
        if name == "auto_advance"
    }
    account = world.org.rows("Account")[0]
    by_us = [
        name
        for name, field in world.org.schema()["Account"].fields.items()
        if field.human is False and account[name] is not None and name != "Stripe_Customer_Id__c"
    ]

    assert wrote
    for record, field, value in wrote:
        found = desk.type("why", "stripe", record, field, "--json").json
        assert value in [str(one["value"]).lower() for one in found]
    assert "Payment_Status__c" in by_us
    for field in by_us:
        newest = desk.type("why", "salesforce", account["Id"], field, "--json").json[0]
        assert newest["cause"]
        assert newest["rule"]
        assert newest["config_version"]
        assert newest["actor"] == "kidglove"
        assert newest["at"]


def test_a_value_that_we_never_wrote_is_said_to_be_somebody_elses(desk: Desk) -> None:
    account = desk.world.org.rows("Account")[0]["Id"]

    said = desk.type("why", "salesforce", account, "Health_Score__c")

    assert said.code == 1
    assert "never wrote" in said.out


def test_a_hold_says_who_asked_until_when_and_what_was_changed(desk: Desk) -> None:
    account = desk.world.org.rows("Account")[0]["Id"]
    desk.world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-10")
    desk.world.settle()

    said = desk.type("hold", "list")

    assert "set by Morgan Vale" in said.out
    assert "until Fri 11 Dec" in said.out
    assert "invoice:in_" in said.out
    assert "was advances True" in said.out
    assert "read back" in said.out
