"""A plan in the console: seen account by account, applied as it was seen, or refused with why."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from console.works import Works
from jobs.runtime import Runtime
from jobs.versions import in_force
from mappings.mapping_file import default_mapping_text
from simulators.faults import Fault, Harm
from tests.console.keyboard import follow, press
from tests.console.people import ANN, BEA, entered, two_must_agree, with_people
from tests.console.visitor import TOKEN, Page, Visitor
from tests.world import World, build

AT = "/mappings/salesforce"
STATUS = f"{AT}/rows/Payment_Status__c"
SHIPPED = default_mapping_text("salesforce")
OTHER_WORD = SHIPPED.replace("failed: Payment failed", "failed: Past due")
UNKNOWN_WORD = SHIPPED.replace("failed: Payment failed", "failed: Oh no")


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """Two VIPs whose payment has failed, and people with tokens of their own."""
    made = peopled(build(database_url, redis_url, change=with_people))
    yield made
    made.close()


@pytest.fixture
def strict(database_url: str, redis_url: str) -> Iterator[World]:
    """The same, where two people must agree on a mapping."""
    made = peopled(build(database_url, redis_url, change=two_must_agree))
    yield made
    made.close()


def peopled(world: World) -> World:
    """With two VIPs whose payment has failed."""
    world.vip("Aurelius Partners")
    world.vip("Borealis Freight", number="INV-2")
    world.hours(4)
    return world


def planned(visitor: Visitor, text: str = OTHER_WORD) -> Page:
    """The page of a plan of this text."""
    page = visitor.page(f"{AT}/text")
    press(visitor, page, "Keep the draft and check", The_whole_text=text)
    return press(visitor, visitor.page(f"{AT}/plans"), "Plan the draft")


def statuses(world: World) -> list[Any]:
    """What both accounts say of their payments."""
    rows = sorted(world.org.rows("Account"), key=lambda row: str(row["Name"]))
    return [row["Payment_Status__c"] for row in rows]


def label(world: World) -> str:
    """The version in force."""
    return in_force(world.runtime, "salesforce").label


# ---------------------------------------------------------------- looking


def test_a_plan_shows_counts_records_and_cost_and_writes_nothing(
    world: World, ann: Visitor
) -> None:
    page = planned(ann)
    world.settle()

    assert page.texts("//p[@class='large plan']") == ["+0 ~2 0 blank 0 rejected"]
    assert page.texts("//h3") == [
        f"{row['Name']} {row['Id']}"
        for row in sorted(world.org.rows("Account"), key=lambda row: str(row["Name"]))
    ]
    assert page.texts("//table[@class='fields']//tbody/tr[1]/*") == (
        ["~overwrite", "Payment_Status__c", "Payment failed", "Past due"] * 2
    )
    assert "0 records now; 2 records at their next look, within a day." in page.section("Apply")
    assert (
        "2 records, behind urgent work: at most 6 calls to Stripe and 3 calls to Salesforce."
        in page.section("Apply")
    )
    assert "2 accounts are judged by it from their next look on, 2 of them" in page.section("Apply")
    assert statuses(world) == ["Payment failed"] * 2
    assert label(world) == "mapping:salesforce:shipped"


def test_any_account_is_shown_with_ours_theirs_and_what_would_become_of_it(
    world: World, ann: Visitor
) -> None:
    page = follow(ann, planned(ann), "Any account")

    assert page.texts("//h2")[0].startswith("Aurelius Partners")
    assert page.texts("//table//tbody/tr[1]/*") == [
        "Payment_Status__c payment.status",
        "failed",
        "Past due in Salesforce",
        "Payment failed",
    ]
    assert json.loads(page.texts("//pre")[0]) == {"Payment_Status__c": "Past due"}
    other = press(ann, page, "Show", Find_an_account="borealis freight")
    assert other.texts("//h2")[0].startswith("Borealis Freight")
    assert follow(ann, other, "Previous").texts("//h2")[0].startswith("Aurelius Partners")
    assert follow(ann, page, "Next").texts("//h2")[0].startswith("Borealis Freight")
    assert statuses(world) == ["Payment failed"] * 2


def test_one_that_fails_is_found_and_says_why(ann: Visitor) -> None:
    page = planned(ann, UNKNOWN_WORD)
    account = follow(ann, follow(ann, page, "Any account"), "Show one that fails")

    assert page.texts("//p[@class='large plan']") == ["+0 ~0 0 blank 2 rejected"]
    assert account.texts("//tr[@class='broken']/td[2]") == ["refused has no value 'Oh no'"]
    assert "Show one that changes: none" in account.text


def test_a_plan_made_while_stripe_is_away_says_so_and_is_not_applied(
    world: World, ann: Visitor
) -> None:
    world.stripe.faults.arm(
        Fault(harm=Harm.STATUS, status=503, method="GET", path="/v1/.*", times=None)
    )
    page = planned(ann)

    stopped = press(ann, page, "Apply plan", Why="why not")

    assert "2 accounts could not be read, so nobody knows what it does to them." in page.text
    assert "Stop. 2 accounts could not be read." in page.section("Apply")
    assert stopped.status == 409
    assert "2 accounts could not be read" in stopped.text
    assert label(world) == "mapping:salesforce:shipped"


def test_an_account_that_is_unknown_is_not_found(ann: Visitor) -> None:
    page = press(ann, follow(ann, planned(ann), "Any account"), "Show", Find_an_account="Nobody")

    assert page.status == 404
    assert "There is no account 'Nobody'." in page.text


def test_a_long_look_shows_how_far_it_is_and_ends_at_the_plan(world: World) -> None:
    gate = threading.Event()
    works = Works(world.runtime, patience=0)
    ann = Visitor(world.runtime, works)
    ann.enter(token=ANN)

    def slow(_: Runtime, progress: Any) -> str:
        progress(400)
        gate.wait(30)
        return f"{AT}/plans"

    work = works.begin("Looking at live records", slow, back=AT)
    while not work.seen:
        work.wait(0.01)
    running = ann.page(f"/works/{work.id}")
    gate.set()
    work.wait(30)
    over = ann.page(f"/works/{work.id}")
    works.close()

    assert running.texts("//p[@class='large']") == ["400"]
    assert running.tree.xpath("//meta[@http-equiv='refresh']/@content") == ["2"]
    assert over.answer.url.path == f"{AT}/plans"


def test_a_draft_with_mistakes_is_not_planned(ann: Visitor) -> None:
    press(ann, ann.page(STATUS), "Keep in the draft", Values="failed: Payment failed")
    csrf = ann.page("/").tree.xpath("//input[@name='csrf']/@value")[0]

    assert "Correct them" in ann.page(f"{AT}/plans").section("A new plan")
    assert ann.client.post(f"{AT}/plans", data={"csrf": csrf}).status_code == 409


# ---------------------------------------------------------------- applying


@pytest.mark.req("R15")
@pytest.mark.req("E6")
def test_exactly_the_plan_is_applied_with_its_note_and_existing_records_follow(
    world: World, ann: Visitor
) -> None:
    page = press(ann, planned(ann), "Apply plan", Why="failed is past due", Fill_now="now")
    world.settle()

    assert page.texts("//tbody/tr[1]/*")[:1] == ["mapping:salesforce@1 in force"]
    assert page.texts("//tbody/tr[1]/*")[2:4] == ["Ann", "failed is past due"]
    assert statuses(world) == ["Past due"] * 2
    assert "Your draft" not in ann.page(AT).text
    assert "became mapping:salesforce@1" in follow(
        ann, ann.page(f"{AT}/plans"), plan_id(ann)
    ).section("Apply")


def plan_id(visitor: Visitor) -> str:
    """The newest plan's id."""
    return visitor.page(f"{AT}/plans").texts("//tbody/tr[1]/th")[0]


def test_without_filling_records_follow_at_their_next_look(world: World, ann: Visitor) -> None:
    press(ann, planned(ann), "Apply plan", Why="later")
    world.settle()
    assert statuses(world) == ["Payment failed"] * 2

    world.runtime.reconcile.sweep_everybody()
    world.settle()
    assert statuses(world) == ["Past due"] * 2


@pytest.mark.req("E6")
def test_a_plan_without_a_reason_is_not_applied(world: World, ann: Visitor) -> None:
    answer = press(ann, planned(ann), "Apply plan", Why=" ")

    assert answer.status == 400
    assert label(world) == "mapping:salesforce:shipped"


def test_a_plan_that_does_not_hold_any_more_is_refused_and_names_the_record(
    world: World, ann: Visitor
) -> None:
    page = planned(ann)
    id = str(world.org.rows("Account", Name="Borealis Freight")[0]["Id"])
    world.org.human(world.people["csm"]).update("Account", id, {"Payment_Status__c": ""})

    answer = press(ann, page, "Apply plan", Why="as planned")

    assert answer.status == 409
    assert answer.texts("//main//li") == [f"Borealis Freight ({id})"]
    assert label(world) == "mapping:salesforce:shipped"


def test_a_large_change_stops_until_somebody_says_that_it_is_meant(
    world: World, ann: Visitor
) -> None:
    limits = "limits: {changed_percent: 10, changed_from: 2}\ncontext:"
    press(ann, planned(ann, SHIPPED.replace("context:", limits)), "Apply plan", Why="strict")
    page = planned(ann, OTHER_WORD.replace("context:", limits))

    stopped = press(ann, page, "Apply plan", Why="all of them")
    meant = press(ann, page, "Apply plan", Why="all of them", It_is_meant="yes")

    assert stopped.texts("//main//li") == ["2 of 2 records would change, more than 10 %"]
    assert meant.texts("//tbody/tr[1]/th") == ["mapping:salesforce@2 in force"]


def test_what_somebody_else_put_in_force_meanwhile_is_not_overwritten(
    world: World, ann: Visitor
) -> None:
    page = planned(ann)
    bea = entered(world, BEA)
    other = SHIPPED.replace("cut: 255", "cut: 200")
    press(bea, planned(bea, other), "Apply plan", Why="first")

    answer = press(ann, page, "Apply plan", Why="second")

    assert answer.status == 409
    assert "mapping:salesforce@1 is in force now" in answer.text
    assert "mapping:salesforce@1 came into force since" in ann.page(AT).text
    assert label(world) == "mapping:salesforce@1"


# ---------------------------------------------------------------- two people


@pytest.mark.req("R15")
@pytest.mark.req("E6")
def test_where_two_must_agree_one_plans_and_another_applies(strict: World) -> None:
    ann, bea = entered(strict, ANN), entered(strict, BEA)
    page = planned(ann)
    again = planned(bea)

    assert "you made this plan" in page.section("Apply")
    assert again.answer.url.path == page.answer.url.path
    done = press(bea, bea.page(page.answer.url.path), "Apply plan", Why="agreed")
    assert done.texts("//tbody/tr[1]/*")[2] == "Bea"
    assert label(strict) == "mapping:salesforce@1"


def test_where_two_must_agree_one_alone_is_refused_whatever_is_sent(strict: World) -> None:
    ann = entered(strict, ANN)
    page = planned(ann)
    csrf = ann.page("/").tree.xpath("//input[@name='csrf']/@value")[0]
    fields = {"csrf": csrf, "note": "alone", "fill": "later"}

    answer = Page(ann.client.post(f"{page.answer.url.path}/apply", data=fields))

    assert answer.status == 409
    assert "two people must agree on a mapping, and Ann made this plan" in answer.text
    assert label(strict) == "mapping:salesforce:shipped"


def test_where_two_must_agree_the_shared_token_proves_nobody(strict: World) -> None:
    page = planned(entered(strict, ANN))
    dana = entered(strict, TOKEN)
    csrf = dana.page("/").tree.xpath("//input[@name='csrf']/@value")[0]
    fields = {"csrf": csrf, "note": "x", "fill": "later"}

    answers = [
        dana.client.post(path, data=fields).status_code
        for path in (f"{AT}/plans", f"{page.answer.url.path}/apply")
    ]

    assert answers == [403, 403]
    assert label(strict) == "mapping:salesforce:shipped"


def test_a_plan_of_nothing_is_not_found(ann: Visitor) -> None:
    answers = [ann.page(f"{AT}/plans/{id}").status for id in ("0123456789ab", "x", "..")]

    assert answers[:2] == [404, 404]


def test_another_version_in_force_makes_other_connectors(world: World) -> None:
    works = Works(world.runtime)
    seen: list[Runtime] = []
    for text in (SHIPPED, SHIPPED, OTHER_WORD):
        world.runtime.actions.apply_config("mapping:salesforce", text, by="Ann", note="x")
        with works.look() as here:
            seen.append(here)
    works.close()

    first, same, other = seen
    assert first is same
    assert other is not first


def test_a_work_keeps_its_own_runtime(world: World) -> None:
    works = Works(world.runtime)
    seen: list[Runtime] = []

    def look(here: Runtime, _: Any) -> str:
        seen.append(here)
        return "/"

    work = works.begin("look", look, back="/")
    work.wait(30)
    with works.look() as here:
        seen.append(here)
    works.close()

    assert len({id(one) for one in [*seen, world.runtime]}) == len([*seen, world.runtime])
