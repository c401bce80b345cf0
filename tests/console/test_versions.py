"""What was in force, what differs, the way back, and the text to take away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jobs.versions import in_force
from mappings.canonical import canonical
from mappings.mapping_file import default_mapping_text
from tests.console.keyboard import follow, press
from tests.console.people import ANN, with_people
from tests.console.visitor import Page, Visitor
from tests.world import World, build

AT = "/mappings/salesforce"
SHIPPED = default_mapping_text("salesforce")
NEW_FIELD = SHIPPED.replace("theirs: Stripe_ARR__c", "theirs: Expansion_ARR__c").replace(
    "  expansion: Expansion_ARR__c\n", ""
)
"""The ARR goes into another field, in which somebody has written something."""


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """A VIP whose payment has failed, with an expansion that a CSM wrote down."""
    made = build(database_url, redis_url, change=with_people)
    made.org.grant_edit("Account", "Expansion_ARR__c")
    made.vip(Expansion_ARR__c=5_000)
    made.hours(4)
    yield made
    made.close()


@pytest.fixture
def ann(world: World) -> Visitor:
    """An admin."""
    found = Visitor(world.runtime)
    found.enter(token=ANN)
    return found


def applied(world: World, visitor: Visitor, text: str, why: str) -> Page:
    """The history after this text was planned and applied, and every record has followed."""
    press(visitor, visitor.page(f"{AT}/text"), "Keep the draft and check", The_whole_text=text)
    plan = press(visitor, visitor.page(f"{AT}/plans"), "Plan the draft")
    page = press(visitor, plan, "Apply plan", Why=why, Fill_now="now")
    world.settle()
    return page


def expansion(world: World) -> Any:
    """What the field holds."""
    (account,) = world.org.rows("Account")
    return account["Expansion_ARR__c"]


@pytest.mark.req("R15")
def test_old_versions_stay_listed_with_who_and_why(world: World, ann: Visitor) -> None:
    applied(world, ann, NEW_FIELD, "elsewhere")
    page = applied(world, ann, SHIPPED, "back where it was")

    assert page.texts("//tbody/tr/th") == [
        "mapping:salesforce@2 in force",
        "mapping:salesforce@1",
        "mapping:salesforce:shipped",
    ]
    assert page.texts("//tbody/tr/td[3]") == [
        "back where it was",
        "elsewhere",
        "what ships with the product",
    ]


def test_two_versions_are_compared_by_what_they_mean(world: World, ann: Visitor) -> None:
    page = follow(ann, applied(world, ann, NEW_FIELD, "elsewhere"), "What it changed")

    minus = page.texts("//span[@class='minus']")
    assert [one for one in minus if "payment.arr" in one] == [
        "- - {ours: payment.arr, flow: ->, theirs: Stripe_ARR__c, wins: stripe}"
    ]
    same = press(ann, page, "Compare", to="0")
    assert "Both mean the same." in same.text


@pytest.mark.req("E5")
def test_undoing_gives_back_what_stood_there_before_for_thirty_days(
    world: World, ann: Visitor
) -> None:
    page = applied(world, ann, NEW_FIELD, "elsewhere")
    assert expansion(world) == pytest.approx(170_400)
    world.days(30)
    ann.enter(token=ANN)

    way = follow(ann, ann.page(page.answer.url.path), "Undo it")
    assert "1 field in 1 record get back what stood there before, 0 are left alone." in way.text
    assert "1 account is judged by it from their next look on" in way.text
    assert expansion(world) == pytest.approx(170_400)

    done = press(ann, way, "Go back to mapping:salesforce:shipped", Why="wrong field")
    world.settle()

    assert "The version is in force again." in done.text
    assert expansion(world) == pytest.approx(5_000)
    assert in_force(world.runtime, "salesforce").label == "mapping:salesforce@2"


def test_the_way_back_says_which_holds_would_end(world: World, ann: Visitor) -> None:
    by_description = SHIPPED.replace("  field: Dunning_Status__c", "  field: Description")
    page = applied(world, ann, by_description, "another hold field")
    (account,) = world.org.rows("Account")
    world.csm(str(account["Id"]), Description="In Resolution")
    world.runtime.reconcile.sweep_everybody()
    world.settle()

    way = follow(ann, ann.page(page.answer.url.path), "Undo it")

    assert "In open cases 0 holds would start and 1 would end." in way.text


def test_what_somebody_has_changed_since_is_left_alone(world: World, ann: Visitor) -> None:
    page = applied(world, ann, NEW_FIELD, "elsewhere")
    (account,) = world.org.rows("Account")
    person = world.org.human(world.people["csm"])
    person.update("Account", str(account["Id"]), {"Expansion_ARR__c": 7})

    way = follow(ann, page, "Undo it")

    assert "0 fields in 0 records get back what stood there before, 1 is left alone." in way.text
    assert way.section("Left alone").endswith("Expansion_ARR__c: somebody has changed it since")


def test_values_may_stay_where_they_are(world: World, ann: Visitor) -> None:
    way = follow(ann, applied(world, ann, NEW_FIELD, "elsewhere"), "Undo it")

    press(ann, way, "Go back to", Why="only the text", Leave_it="keep")
    world.settle()

    assert expansion(world) == pytest.approx(170_400)
    assert in_force(world.runtime, "salesforce").text == SHIPPED


def test_going_back_from_what_is_not_in_force_any_more_is_refused(
    world: World, ann: Visitor
) -> None:
    way = follow(ann, applied(world, ann, NEW_FIELD, "elsewhere"), "Undo it")
    applied(world, ann, SHIPPED, "somebody was faster")

    answer = press(ann, way, "Go back to", Why="late")

    assert answer.status == 409
    assert in_force(world.runtime, "salesforce").number == 2


@pytest.mark.parametrize(
    "path",
    [
        "versions/7/back",
        "versions/0/back",
        "diff?old=7",
        "diff?old=x",
        "export?version=7",
        "export?form=xml",
    ],
)
def test_versions_that_there_are_not_are_not_found(ann: Visitor, path: str) -> None:
    assert ann.page(f"{AT}/{path}").status == 404


def test_each_version_can_be_taken_away_in_three_forms(world: World, ann: Visitor) -> None:
    applied(world, ann, NEW_FIELD, "elsewhere")

    raw, one_spelling, json = (
        ann.page(f"{AT}/export?{query}").answer
        for query in ("version=1&form=raw", "version=0", "form=json")
    )

    assert raw.text == NEW_FIELD
    assert raw.headers["content-disposition"] == (
        'attachment; filename="mapping-salesforce-1.yaml"'
    )
    assert one_spelling.text == canonical(SHIPPED)
    assert canonical(json.text) == canonical(NEW_FIELD)
