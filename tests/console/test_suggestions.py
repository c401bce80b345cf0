"""Suggested rows: looked at by everybody, taken over one by one, and run by nobody's looking."""

from __future__ import annotations

import pytest

from jobs.versions import in_force
from mappings.mapping_file import check_mapping, default_mapping_text, load_mapping
from simulators.faults import Fault, Harm
from tests.console.keyboard import follow, press, unreachable
from tests.console.visitor import Page, Visitor
from tests.world import World

AT = "/mappings/salesforce"
SHIPPED = default_mapping_text("salesforce")
STATUS_ROW = (
    "{ours: payment.status, flow: ->, theirs: Payment_Status__c, wins: stripe, values: {current: "
    "Current, failed: Payment failed, past_due: Past due, paid: Paid, lost: Lost, unknown: "
    "Unknown}}"
)


@pytest.fixture
def world(staffed: World) -> World:
    """A VIP whose payment has failed, and people with tokens of their own."""
    return staffed


def draft(world: World, name: str = "Ann") -> str | None:
    """The text of somebody's draft."""
    with world.runtime.store.begin() as tx:
        found = tx.drafts.of("mapping:salesforce", name)
    return found.text if found else None


def suggested(page: Page) -> dict[str, list[str]]:
    """The fields suggested for each of our values."""
    return {
        " ".join(str(one.text_content()).split()): [
            str(button.text_content()).split()[1] for button in one.xpath("..//button")
        ]
        for one in page.tree.xpath("//section[@aria-labelledby]/h2[code]")
    }


def test_each_value_without_a_row_shows_its_fields_with_the_row_and_the_reason(
    ann: Visitor,
) -> None:
    page = ann.page(f"{AT}/suggestions")

    assert suggested(page) == {
        "account.tier": ["CS_Tier__c"],
        "account.vip": ["VIP_Override__c"],
        "account.owner": ["OwnerId"],
        "account.csm": ["CSM__c"],
        "account.ap_contact": ["AP_Contact__c"],
        "account.health": ["Health_Score__c"],
        "account.resolution": ["Dunning_Status__c"],
        "account.promise": ["Dunning_Promise_Date__c"],
        "customer.name": ["Name"],
        "customer.phone": ["Phone"],
        "customer.address.city": ["BillingCity"],
        "customer.address.country": ["BillingCountry"],
    }
    assert page.section("customer.address.city") == (
        "customer.address.city The city of the billing address. customer.address.city "
        "\u2190is read from BillingCity Billing City Its name says 'billing city', and it holds a "
        "text. {ours: customer.address.city, flow: <-, theirs: BillingCity, wins: crm} Adds 1 row "
        "to your draft. 0 records change until a plan of it is applied. Add BillingCity to the "
        "draft"
    )


@pytest.mark.req("E4")
def test_the_page_says_that_looking_changes_nothing(world: World, ann: Visitor) -> None:
    (before,) = world.org.rows("Account")

    page = ann.page(f"{AT}/suggestions")
    world.settle()

    assert "0 records were read or changed." in page.text
    assert "a suggestion does not run" in page.text
    assert world.org.rows("Account") == [before]
    assert draft(world) is None


def test_a_row_is_taken_over_with_the_keyboard_and_waits_in_the_draft(
    world: World, ann: Visitor
) -> None:
    page = follow(ann, ann.page(AT), "Suggestions")
    assert unreachable(page) == []

    page = press(ann, page, "Add BillingCity to the draft")
    world.days(1)

    text = draft(world)
    assert text is not None
    added = "  - {ours: customer.address.city, flow: <-, theirs: BillingCity, wins: crm}\n"
    assert text.replace(added, "") == SHIPPED
    assert "The row is in your draft." in page.text
    assert "customer.address.city" not in suggested(page)
    assert in_force(world.runtime, "salesforce").label == "mapping:salesforce:shipped"


def test_a_row_with_words_arrives_as_it_was_shown(world: World, ann: Visitor) -> None:
    press(ann, ann.page(f"{AT}/rows/Payment_Status__c"), "Remove the row")

    page = press(ann, ann.page(f"{AT}/suggestions"), "Add Payment_Status__c to the draft")

    text = str(draft(world))
    assert f"  - {STATUS_ROW}\n" in text
    assert load_mapping(text, name="x").rows[-1].theirs == "Payment_Status__c"
    assert "payment.status" not in suggested(page)


def test_every_row_can_be_taken_over_and_the_mapping_has_no_mistake(
    world: World, ann: Visitor
) -> None:
    page = ann.page(f"{AT}/suggestions")
    for fields in suggested(page).values():
        page = press(ann, page, f"Add {fields[0]} to the draft")

    text = str(draft(world))
    assert check_mapping(text, name="x") == []
    assert len(load_mapping(text, name="x").rows) == 31
    assert suggested(page) == {}
    assert "wrong" not in ann.page(f"{AT}/doctor").texts("//tbody/tr/td[1]")


def test_the_same_button_twice_adds_one_row(world: World, ann: Visitor) -> None:
    page = ann.page(f"{AT}/suggestions")
    press(ann, page, "Add Phone to the draft")

    answer = press(ann, page, "Add Phone to the draft")

    assert answer.status == 409
    assert "This row stands in your draft already." in answer.text
    assert str(draft(world)).count("theirs: Phone") == 1


def test_what_is_near_by_name_and_impossible_is_named_with_the_reason(
    world: World, ann: Visitor
) -> None:
    world.org.revoke_edit("Account", "Stripe_ARR__c")
    press(ann, ann.page(f"{AT}/rows/Stripe_ARR__c"), "Remove the row")

    page = ann.page(f"{AT}/suggestions")

    assert "payment.arr" not in suggested(page)
    assert "Stripe_ARR__c for payment.arr: we may not write the field." in page.section(
        "Near by name, and impossible"
    )


def test_an_operator_looks_and_takes_nothing_over(world: World, otto: Visitor) -> None:
    page = otto.page(f"{AT}/suggestions")
    csrf = page.tree.xpath("//input[@name='csrf']/@value")[0]
    sent = {"csrf": csrf, "ours": "customer.phone", "flow": "<-", "theirs": "Phone", "wins": "crm"}

    answer = Page(otto.client.post(f"{AT}/suggestions", data=sent))

    assert "Phone" in page.section("customer.phone")
    assert page.texts("//main//button") == []
    assert (answer.status, draft(world, "Otto")) == (403, None)


def test_a_form_that_names_no_field_is_refused(world: World, ann: Visitor) -> None:
    csrf = ann.page("/").tree.xpath("//input[@name='csrf']/@value")[0]

    answer = ann.client.post(f"{AT}/suggestions", data={"csrf": csrf, "ours": "customer.phone"})

    assert (answer.status_code, draft(world)) == (400, None)


def test_a_text_with_mistakes_is_corrected_first(ann: Visitor) -> None:
    broken = SHIPPED.replace("wins: stripe", "wins: strpie", 1)
    press(ann, ann.page(f"{AT}/text"), "Keep the draft and check", The_whole_text=broken)

    page = ann.page(f"{AT}/suggestions")

    assert "Nothing is suggested for a text with mistakes." in page.text
    assert suggested(page) == {}


def test_a_crm_that_does_not_answer_is_said_so(world: World, ann: Visitor) -> None:
    world.org.faults.arm(Fault(harm=Harm.STATUS, status=503, times=None))

    page = ann.page(f"{AT}/suggestions")

    assert page.status == 200
    assert "Salesforce could not be asked" in page.texts("//p[@role='alert']")[0]
