"""One record is written as a plan wants it, looked at, explained, and given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.effects import EffectKind
from domain.rows import EffectMode
from jobs.versions import in_force
from jobs.why import why
from mappings.mapping_file import default_mapping_text
from tests.console.keyboard import follow, press, unreachable
from tests.console.people import ANN, BEA, OTTO, entered, two_must_agree, with_people
from tests.console.visitor import Page, Visitor
from tests.world import World, build

AT = "/mappings/salesforce"
SHIPPED = default_mapping_text("salesforce")
OTHER_WORD = SHIPPED.replace("failed: Payment failed", "failed: Past due")
NEW_FIELD = OTHER_WORD.replace("theirs: Stripe_ARR__c", "theirs: Expansion_ARR__c").replace(
    "  expansion: Expansion_ARR__c\n", ""
)
WRITE = "Write this one record"


@pytest.fixture
def world(database_url: str, redis_url: str) -> Iterator[World]:
    """Two VIPs whose payment has failed, and people with tokens of their own."""
    made = build(database_url, redis_url, change=with_people)
    made.org.grant_edit("Account", "Expansion_ARR__c")
    made.vip("Aurelius Partners", Expansion_ARR__c=5_000)
    made.vip("Borealis Freight", number="INV-2")
    made.hours(4)
    yield made
    made.close()


def shown(visitor: Visitor, text: str = NEW_FIELD) -> Page:
    """The first account under a plan of this text."""
    page = visitor.page(f"{AT}/text")
    press(visitor, page, "Keep the draft and check", The_whole_text=text)
    plan = press(visitor, visitor.page(f"{AT}/plans"), "Plan the draft")
    return follow(visitor, plan, "Any account")


def again(visitor: Visitor, page: Page) -> Page:
    """The same page as of now."""
    return visitor.page(page.answer.url.path)


def fields(world: World, name: str = "Aurelius Partners") -> list[Any]:
    """What the account says of its payments, and its expansion."""
    (account,) = world.org.rows("Account", Name=name)
    return [account["Payment_Status__c"], account["Expansion_ARR__c"]]


def test_one_record_is_written_and_no_other_and_the_mapping_stays(
    world: World, ann: Visitor
) -> None:
    page = shown(ann)
    told = page.section(WRITE)
    press(ann, page, WRITE)
    world.settle()

    assert "Writes 2 fields of 1 record in Salesforce: Expansion_ARR__c, Payment_Status__c" in told
    assert fields(world) == ["Past due", pytest.approx(170_400)]
    assert fields(world, "Borealis Freight") == ["Payment failed", None]
    assert in_force(world.runtime, "salesforce").number == 0
    after = again(ann, page)
    assert "Ann, plan" in after.section("Tried on this record")
    assert unreachable(after) == []


def test_a_trial_is_explained_like_every_other_write(world: World, ann: Visitor) -> None:
    press(ann, shown(ann), WRITE)
    world.settle()
    (account,) = world.org.rows("Account", Name="Aurelius Partners")

    newest = why(world.runtime, "salesforce", str(account["Id"]), "Payment_Status__c")[0]

    assert (newest.value, newest.rule, newest.cause) == ("Past due", "mapping.trial", "person:Ann")
    assert newest.config_version.startswith("plan:")


def test_an_undone_trial_leaves_the_record_as_it_was_found(world: World, ann: Visitor) -> None:
    before = fields(world)
    page = shown(ann)
    press(ann, page, WRITE)
    world.settle()

    done = press(ann, again(ann, page), "Undo")
    world.settle()

    assert "gets back what stood there before" in done.text
    assert fields(world) == before
    assert "undone" in again(ann, page).section("Tried on this record")
    assert "Undo" not in again(ann, page).texts("//button")


def test_what_somebody_has_changed_since_is_not_undone(world: World, ann: Visitor) -> None:
    page = shown(ann)
    press(ann, page, WRITE)
    world.settle()
    (account,) = world.org.rows("Account", Name="Aurelius Partners")
    person = world.org.human(world.people["csm"])
    person.update("Account", str(account["Id"]), {"Expansion_ARR__c": 7})

    press(ann, again(ann, page), "Undo")
    world.settle()

    assert fields(world) == ["Payment failed", 7]


def test_the_next_look_writes_what_the_mapping_in_force_says(world: World, ann: Visitor) -> None:
    press(ann, shown(ann, OTHER_WORD), WRITE)
    world.settle()
    assert fields(world)[0] == "Past due"

    world.runtime.reconcile.sweep_everybody()
    world.settle()

    assert fields(world)[0] == "Payment failed"


def test_something_else_than_what_was_seen_is_not_written(world: World, ann: Visitor) -> None:
    page = shown(ann)
    (account,) = world.org.rows("Account", Name="Aurelius Partners")
    person = world.org.human(world.people["csm"])
    person.update("Account", str(account["Id"]), {"Payment_Status__c": "Past due"})

    answer = press(ann, page, WRITE)
    world.settle()

    assert answer.status == 409
    assert fields(world)[1] == 5_000


def test_a_value_that_the_crm_refuses_is_not_tried(world: World, ann: Visitor) -> None:
    page = shown(ann, NEW_FIELD.replace("failed: Past due", "failed: Oh no"))

    assert "Writes 1 field of 1 record in Salesforce: Expansion_ARR__c" in page.section(WRITE)


def test_while_fields_are_only_observed_nothing_is_tried(world: World, ann: Visitor) -> None:
    world.runtime.settings.effect_modes = {EffectKind.WRITE_FIELDS: EffectMode.OBSERVE}

    answer = press(ann, shown(ann), WRITE)
    world.settle()

    assert answer.status == 409
    assert "only observed" in answer.text
    assert fields(world) == ["Payment failed", 5_000]


def test_an_operator_tries_nothing(world: World, ann: Visitor) -> None:
    page, otto = shown(ann), entered(world, OTTO)
    csrf = otto.page("/").tree.xpath("//input[@name='csrf']/@value")[0]

    answers = [
        otto.client.post(f"{page.answer.url.path}/{verb}", data={"csrf": csrf}).status_code
        for verb in ("try", "undo")
    ]

    assert answers == [403, 403]
    assert WRITE not in again(otto, page).text


def test_where_two_must_agree_a_trial_needs_another_person_too(
    database_url: str, redis_url: str
) -> None:
    world = build(database_url, redis_url, change=two_must_agree)
    world.vip("Aurelius Partners")
    world.hours(4)
    ann, bea = entered(world, ANN), entered(world, BEA)
    page = shown(ann, OTHER_WORD)

    alone, other = page.section(WRITE), press(bea, again(bea, page), WRITE)
    world.settle()
    found = fields(world)[0]
    world.close()

    assert "you made this plan" in alone
    assert other.status == 200
    assert found == "Past due"


@pytest.mark.parametrize("trial", ["0", "1", "x", ""])
def test_what_is_no_trial_is_not_undone(world: World, ann: Visitor, trial: str) -> None:
    page = shown(ann)
    csrf = ann.page("/").tree.xpath("//input[@name='csrf']/@value")[0]

    answer = ann.client.post(f"{page.answer.url.path}/undo", data={"csrf": csrf, "trial": trial})

    assert answer.status_code == 409
