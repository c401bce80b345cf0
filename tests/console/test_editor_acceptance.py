"""What the mapping editor is accepted by, where no other test says it whole."""

from __future__ import annotations

import pytest

from domain.merge import Flow
from mappings.mapping_file import default_mapping_text
from mappings.mapping_words import rule_sentence
from mappings.vocabulary import Winner
from tests.console.keyboard import follow, press
from tests.console.people import ANN, OTTO, entered
from tests.console.visitor import Page, Visitor
from tests.world import World

AT = "/mappings/salesforce"
SHIPPED = default_mapping_text("salesforce")
TWO_HUNDRED = 200
CHANGES_NOTHING = (
    "Looking changes 0 records.",
    "Reading it changes 0 records.",
    "Checking changes 0 records.",
    "0 records were read or changed.",
    "0 records change until a plan of it is applied",
    "0 records are written.",
    "and writes 0.",
)
"""How a page says that nothing follows from it yet."""


@pytest.fixture
def world(staffed: World) -> World:
    """A VIP whose payment has failed, and people with tokens of their own."""
    return staffed


def with_rows(rows: list[str]) -> str:
    """The shipped mapping with these rows behind its own."""
    head, gap, tail = SHIPPED.partition("\n# Who gets the work")
    return head + "".join(f"  - {{{row}}}\n" for row in rows) + gap + tail


def constants(count: int) -> list[str]:
    """Rows of fields with numbers in their names."""
    return [
        f"constant: word {number}, flow: ->, theirs: Field_{number:03}__c, wins: worker"
        for number in range(count)
    ]


def kept(visitor: Visitor, text: str) -> Page:
    """The rows of this text, as a draft."""
    press(visitor, visitor.page(f"{AT}/text"), "Keep the draft and check", The_whole_text=text)
    return visitor.page(AT)


@pytest.mark.req("E2")
def test_two_hundred_fields_are_filtered_to_those_that_are_meant(ann: Visitor) -> None:
    page = kept(ann, with_rows(constants(TWO_HUNDRED - SHIPPED.count("theirs:"))))

    found = press(ann, page, "Find", Find_rows="field_17")

    assert "200 rows." in page.text
    assert "10 of 200 rows." in found.text
    assert found.texts("//table[contains(@class, 'rows')]//tbody/tr/th/a") == [
        f"Field_17{number}__c" for number in range(10)
    ]


@pytest.mark.req("E3")
@pytest.mark.parametrize("flow", list(Flow))
def test_whoever_wins_stands_on_the_page_with_what_it_means(ann: Visitor, flow: Flow) -> None:
    rows = [
        f'ours: customer.phone, flow: "{flow.value}", theirs: Field_{wins}__c, wins: {wins}'
        for wins in Winner
    ]

    page = press(ann, kept(ann, with_rows(rows)), "Find", Find_rows="Field_")

    said = page.texts("//table[contains(@class, 'rows')]//tbody/tr/td[3]")
    assert said == [f"{wins.value} {rule_sentence(wins, flow)}" for wins in Winner]


@pytest.mark.req("E3")
def test_the_form_of_a_row_offers_each_rule_with_its_sentence(ann: Visitor) -> None:
    page = ann.page(f"{AT}/add")

    assert page.texts("//select[@name='wins']/option[@value!='']") == [
        f"{wins.value}: {rule_sentence(wins)}" for wins in Winner if wins is not Winner.ERP
    ]


@pytest.mark.req("E4")
@pytest.mark.parametrize("token", [ANN, OTTO])
@pytest.mark.parametrize(
    "page",
    [
        "",
        "/rows/Payment_Status__c",
        "/rows/Dunning_Status__c",
        "/add",
        "/text",
        "/check",
        "/explain",
        "/doctor",
        "/suggestions",
        "/plans",
        "/diff",
        "/history",
    ],
)
def test_every_page_that_only_shows_something_says_that_it_changes_nothing(
    world: World, token: str, page: str
) -> None:
    found = entered(world, token).page(f"{AT}{page}")

    assert found.status == 200
    assert any(one in found.text for one in CHANGES_NOTHING)


@pytest.mark.req("E4")
def test_the_list_of_mappings_says_so_too(ann: Visitor) -> None:
    assert "Looking changes 0 records." in ann.page("/mappings").text


@pytest.mark.req("E4")
def test_a_plan_and_the_way_back_say_how_many_records_they_write(
    world: World, ann: Visitor
) -> None:
    kept(ann, SHIPPED.replace("failed: Payment failed", "failed: Past due"))
    plan = press(ann, ann.page(f"{AT}/plans"), "Plan the draft")
    account = ann.page(f"{plan.answer.url.path}/account")
    history = press(ann, plan, "Apply plan", Why="failed is past due", Fill_now="now")
    world.settle()

    assert "1 account looked at" in plan.text
    assert "1 record would be written" in plan.text
    assert "Showing one reads 1 record in each live system and writes 0." in account.text
    assert "0 fields in 0 records get back what stood there before" in (
        follow(ann, history, "Undo it").text
    )
