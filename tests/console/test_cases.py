"""The list of cases and the page of one, over a world in which everything is real."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from console.case_list import read_page
from domain.policy import ExchangeRate
from domain.rows import EffectMode
from mappings.policy_file import preset
from store.codec import PAYMENTS
from tests.console.visitor import Page, Visitor
from tests.world import World

ROWS = "//table//tbody/tr"
EVIL = "<script>alert('x')</script> & Sons"


def cells(page: Page, label: str) -> list[str]:
    """One column of the list."""
    return page.texts(f"{ROWS}/td[@data-label='{label}']")


@pytest.mark.req("R133")
def test_cases_are_listed_by_arr_the_largest_first(world: World, visitor: Visitor) -> None:
    world.vip("Middle", amount=800_000, number="INV-2")
    world.vip("Large", amount=2_000_000, number="INV-3")
    world.vip("Small", amount=600_000, number="INV-1")
    world.hours(4)

    page = visitor.page("/")

    assert page.texts(f"{ROWS}/th") == ["Large", "Middle", "Small"]
    assert cells(page, "ARR") == ["$240,000", "$96,000", "$72,000"]
    assert cells(page, "At risk") == ["$20,000", "$8,000", "$6,000"]
    assert cells(page, "Owner") == ["Morgan Vale"] * 3
    assert cells(page, "Stripe")[0].startswith("Quiet read back")
    assert cells(page, "Next look")[0] != "none"


def test_a_stage_shows_its_cases_and_no_others(world: World, visitor: Visitor) -> None:
    _, waiting = world.vip("Waiting", number="INV-1")
    world.vip("Working", number="INV-2")
    world.hours(4)
    world.csm(waiting, Dunning_Status__c="In Resolution")
    world.settle()

    page = visitor.page("/?stage=in_resolution")

    assert page.texts(f"{ROWS}/th") == ["Waiting"]
    assert page.texts("//nav[@aria-label='Stages']//a[@aria-current]") == ["In resolution 1"]
    assert "With a person 1" in page.texts("//nav[@aria-label='Stages']//a")


def test_a_closed_case_leaves_the_list_and_is_found_among_the_closed(
    world: World, visitor: Visitor
) -> None:
    customer, _ = world.vip()
    world.hours(4)
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(world.open_case(customer).invoices[0])
    world.settle()

    assert visitor.page("/").texts(f"{ROWS}/th") == []
    closed = visitor.page("/?stage=closed")
    assert closed.texts(f"{ROWS}/th") == ["Aurelius Partners"]
    assert cells(closed, "Stage") == ["Closed (paid) tier vip"]


def test_the_case_page_tells_why_it_is_quiet_and_who_asked(world: World, visitor: Visitor) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-11")
    world.settle()

    page = visitor.page(f"/cases/{world.open_case(customer).key}")

    assert "1 invoice and 1 subscription read back" in page.section("Stripe: quiet")
    assert "until the end of Fri 11 Dec" in page.section("Stripe: quiet")
    holds = page.section("Holds")
    assert "The policy: tier vip is handled by people only." in holds
    assert "Morgan Vale: Salesforce says 'In Resolution'." in holds
    assert "collected automatically" in holds
    assert "not paused" in holds
    assert "changed, read back quiet" in holds
    assert "INV-2026-04-1198" in page.section("Money")
    assert "none: it is switched off" in page.section("Money")


def test_the_case_page_tells_the_last_decision_with_rules_and_versions(
    world: World, visitor: Visitor
) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.csm(account, Dunning_Status__c="In Resolution", Dunning_Hold_Until__c="2026-12-11")
    world.settle()

    decision = visitor.page(f"/cases/{world.open_case(customer).key}").section("The last decision")

    assert "the CRM says 'In Resolution'; until Fri 11 Dec hold.word" in decision
    assert "policy:default mapping:salesforce:shipped" in decision
    assert "is above $5,000" in decision


@pytest.mark.req("R140", partly="there is no ERP yet")
def test_the_timeline_merges_every_side_in_the_order_of_time(
    world: World, visitor: Visitor
) -> None:
    customer, _ = world.vip()
    world.hours(4)
    world.days(1)

    page = visitor.page(f"/cases/{world.open_case(customer).key}")

    times = [str(time) for time in page.tree.xpath("//ol[@class='timeline']/li/time/@datetime")]
    assert times == sorted(times, reverse=True)
    sides = {kind.split()[0] for kind in page.tree.xpath("//ol[@class='timeline']/li/@class")}
    assert sides == {"payments", "message", "decision", "effect"}
    story = page.section("Timeline")
    assert "Stripe tried INV-2026-04-1198: The bank says there is not enough money" in story
    assert "Kidglove decided a payment failed" in story
    assert "pause future invoices" in story


def test_a_name_with_markup_is_shown_as_it_is_written(world: World, visitor: Visitor) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.org.human(world.people["csm"]).update("Account", account, {"Name": EVIL})
    world.csm(account, Dunning_Status__c="In Resolution")
    world.settle()

    pages = [visitor.page("/"), visitor.page(f"/cases/{world.open_case(customer).key}")]

    assert [EVIL in page.text for page in pages] == [True, True]
    assert [page.tree.xpath("//script") for page in pages] == [[], []]


def test_an_unknown_case_is_not_found(visitor: Visitor) -> None:
    page = visitor.page("/cases/kg-in_nowhere")

    assert page.status == 404
    assert "There is no case with this key" in page.text


def test_a_page_number_that_makes_no_sense_is_the_first_page(visitor: Visitor) -> None:
    assert visitor.page("/?page=-1&stage=nonsense").status == 200


def test_links_to_the_vendors_are_shown_only_if_they_are_web_addresses(
    world: World, visitor: Visitor
) -> None:
    customer, _ = world.vip()
    world.hours(4)

    page = visitor.page(f"/cases/{world.open_case(customer).key}")

    outside = page.tree.xpath("//a[@rel='noreferrer']/@href")
    assert [str(link).startswith("https://") for link in outside] == [True, True]


def test_the_case_before_shows_the_past_and_no_present_hold(world: World, visitor: Visitor) -> None:
    customer, _ = world.vip()
    world.hours(4)
    first = world.open_case(customer)
    world.stripe.customer_updates_card(customer)
    world.stripe.customer_pays(first.invoices[0])
    world.settle()
    world.stripe.customer_updates_card(customer, "declines:insufficient_funds")
    world.advance(timedelta(days=31))
    assert world.open_case(customer).key != first.key

    page = visitor.page(f"/cases/{first.key}")

    assert "This account has a newer case" in page.text
    assert "Stripe: not asked for" in page.texts("//h2")
    assert "The case is closed" in page.section("Do something")


def test_revenue_in_another_currency_is_compared_by_the_policys_rate(world: World) -> None:
    world.vip("In euros", amount=1_000_000, number="INV-1")
    world.vip("In yen", amount=900_000, number="INV-2")
    world.vip("In dollars", amount=1_100_000, number="INV-3")
    world.hours(4)
    rates = {
        "eur": ExchangeRate(rate=Decimal("1.25"), as_of="2026-11-01"),
        "jpy": ExchangeRate(rate=Decimal("0.0065"), as_of="2026-11-01"),
    }
    priced_in(world, "In euros", "eur")
    priced_in(world, "In yen", "jpy")

    with world.runtime.store.begin() as tx:
        policy = replace(preset("default"), rates=rates)
        found = read_page(tx, stage=None, number=1, policy=policy, now=world.clock.now())

    assert [(one.name, one.arr.text() if one.arr else None) for one in found.rows] == [
        ("In euros", "€120,000"),
        ("In dollars", "$132,000"),
        ("In yen", "¥10,800,000"),
    ]


def priced_in(world: World, name: str, currency: str) -> None:
    """The account's revenue is in this currency, the minor units unchanged."""
    with world.runtime.store.begin() as tx:
        (account,) = [
            one.case.account
            for one in tx.cases.all()
            if tx.cases.account_name(one.case.account) == name
        ]
        picture = PAYMENTS.load(tx.system.picture(account, "payments"))
        assert picture.mrr_now is not None
        picture = replace(picture, mrr_now=replace(picture.mrr_now, currency=currency))
        tx.system.save_picture(
            account,
            "payments",
            digest=currency,
            picture=PAYMENTS.dump(picture),
            read_at=picture.read_at,
        )


def test_more_cases_than_fit_are_on_the_next_page(
    world: World, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.vip("Large", amount=2_000_000, number="INV-1")
    world.vip("Small", amount=600_000, number="INV-2")
    world.hours(4)
    monkeypatch.setattr("console.case_list.SIZE", 1)

    first = visitor.page("/")
    second = visitor.page(str(first.tree.xpath("//a[@rel='next']/@href")[0]))

    assert first.texts(f"{ROWS}/th") == ["Large"]
    assert second.texts(f"{ROWS}/th") == ["Small"]
    assert "Page 2 of 2" in second.text


def test_an_installation_that_only_observes_says_so_on_every_page(
    world: World, visitor: Visitor
) -> None:
    world.runtime.settings.all_effects = EffectMode.OBSERVE
    customer, _ = world.vip()
    world.hours(4)

    pages = [visitor.page("/"), visitor.page(f"/cases/{world.open_case(customer).key}")]

    assert ["nothing of them is sent" in page.text for page in pages] == [True, True]
    assert "0 tasks in Salesforce change" in pages[1].section("Do something")


def test_a_quiet_that_was_not_read_back_lately_does_not_look_quiet(
    world: World, visitor: Visitor
) -> None:
    customer, _ = world.vip()
    world.hours(4)
    world.advance(timedelta(days=2), settle=False)

    listed = visitor.page("/")
    case = visitor.page(f"/cases/{world.open_case(customer).key}")

    assert cells(listed, "Stripe")[0].startswith("Quiet, not proven lately read back")
    assert "late: reminder" in cells(listed, "Next look")[0]
    assert case.tree.xpath("//section[contains(@class, 'certificate bad')]")
