"""What people do from the console arrives on the task in the CRM and in the story of the case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.errors import Conflict
from tests.console.visitor import Page, Visitor
from tests.world import World

NOTE = "Spoke to AP: <b>the PO number</b> is missing on the invoice"


@pytest.fixture
def key(world: World) -> str:
    """The key of an open VIP case."""
    customer, _ = world.vip()
    world.hours(4)
    return world.open_case(customer).key


def task(world: World) -> dict[str, object]:
    """The one living task."""
    (found,) = [row for row in world.tasks() if "-e" not in row["Dunning_Key__c"]]
    return found


def note(visitor: Visitor, key: str, text: str) -> Page:
    """Fill in the form for a note."""
    return visitor.send(f"/cases/{key}", f"/cases/{key}/note", text=text)


@pytest.mark.req("R66")
def test_a_note_stands_on_the_task_and_in_the_timeline(
    world: World, visitor: Visitor, key: str
) -> None:
    page = note(visitor, key, NOTE)
    world.settle()

    assert "Your note is on the case" in page.text
    assert NOTE in str(task(world)["Description"])
    assert f"Dana noted: {NOTE}" in visitor.page(f"/cases/{key}").section("Timeline")


def test_a_note_with_markup_is_text_on_the_page(visitor: Visitor, key: str) -> None:
    page = note(visitor, key, "<script>alert('x')</script>")

    assert "<script>alert('x')</script>" in page.section("Timeline")
    assert page.tree.xpath("//script") == []


def test_the_same_note_from_a_double_click_is_one_note(visitor: Visitor, key: str) -> None:
    note(visitor, key, NOTE)

    page = note(visitor, key, NOTE)

    assert page.section("Timeline").count(NOTE) == 1


def test_a_note_does_not_move_the_case_in_the_list(
    world: World, visitor: Visitor, key: str
) -> None:
    world.vip("Smaller", amount=600_000, number="INV-1")
    world.hours(4)

    note(visitor, key, NOTE)

    names = visitor.page("/").texts("//table//tbody/tr/th")
    assert names == ["Aurelius Partners", "Smaller"]


@pytest.mark.req("R65")
def test_expediting_makes_the_task_urgent_and_due_today_with_the_reason(
    world: World, visitor: Visitor
) -> None:
    customer, account = world.vip("Halberd", amount=180_000, CSM__c=None)
    world.hours(4)
    key = world.open_case(customer).key
    assert world.task(account)["Priority"] == "Normal"
    assert world.task(account)["ActivityDate"] == "2026-11-23"

    page = visitor.send(f"/cases/{key}", f"/cases/{key}/expedite", reason="They renew tomorrow")
    world.settle()

    assert "The case is expedited" in page.text
    assert world.task(account)["Priority"] == "High"
    assert world.task(account)["ActivityDate"] == "2026-11-20"
    assert "Expedited by Dana: They renew tomorrow" in world.task(account)["Description"]
    story = visitor.page(f"/cases/{key}").section("Timeline")
    assert "Dana expedited: They renew tomorrow" in story


@pytest.mark.req("R137", partly="a task is not created by hand from here")
def test_each_form_says_how_many_records_it_will_change(visitor: Visitor, key: str) -> None:
    page = visitor.page(f"/cases/{key}")

    said = page.texts("//form//p[@id]")
    assert said == [
        "The note is added to 1 case and its timeline, and 1 task in Salesforce is updated.",
        (
            "1 case becomes high priority, and its due day moves to Fri 20 Nov; the reason is "
            "logged, and 1 task in Salesforce is updated."
        ),
    ]


def test_the_form_for_a_case_that_nobody_has_yet_says_that_it_calls_somebody(
    world: World, visitor: Visitor
) -> None:
    customer = world.stripe.add_customer("Bright", "ap@bright.example", card="declines:generic")
    world.stripe.add_subscription(
        customer, amount=4_900, started_months_ago=9, next_renewal_in=timedelta(hours=1)
    )
    world.hours(4)

    page = visitor.page(f"/cases/{world.open_case(customer).key}")

    said = page.texts("//form//p[@id]")
    assert said[0].endswith("and it stands on the task in Salesforce as soon as there is one.")
    assert said[1].startswith("1 case goes to a person at once")


@pytest.mark.parametrize(("text", "status"), [("", 400), (" \u200b ", 400), ("x" * 2_001, 400)])
def test_a_note_that_says_nothing_or_too_much_is_refused(
    visitor: Visitor, key: str, text: str, status: int
) -> None:
    assert note(visitor, key, text).status == status


def test_a_case_that_was_closed_meanwhile_takes_no_note(world: World, visitor: Visitor) -> None:
    customer, _ = world.vip()
    world.hours(4)
    case = world.open_case(customer)
    csrf = visitor.page(f"/cases/{case.key}").tree.xpath("//input[@name='csrf']/@value")[0]
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(case.invoices[0])
    world.settle()

    answer = visitor.client.post(f"/cases/{case.key}/note", data={"csrf": csrf, "text": "late"})

    assert answer.status_code == 404
    assert "Nothing was changed" in answer.text


def test_a_case_that_changes_at_the_same_moment_asks_to_do_it_again(
    world: World, visitor: Visitor, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object, **__: object) -> None:
        raise Conflict("case was changed meanwhile")

    monkeypatch.setattr(world.runtime.actions, "add_note", taken)

    page = note(visitor, key, NOTE)

    assert page.status == 409
    assert "Nothing of yours was written" in page.text
