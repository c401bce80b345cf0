"""The link that a personal mail carries: the right form, and nobody of ours opens it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.ports import PaymentLink
from tests.journeys.hands import text
from tests.sides import Side
from tests.world import World


def made(world: World, customer: str) -> PaymentLink:
    """The link, as the room that writes the mail will ask for it."""
    link = world.runtime.stripe.make_link(customer, key=f"link:{customer}:1")
    assert isinstance(link, PaymentLink)
    return link


@pytest.mark.req("R78", partly="the check of a mail's body stands with the mail")
@pytest.mark.req("R79")
def test_the_link_opens_the_form_for_a_new_card_and_nobody_of_ours_opens_it(
    world: World, crm: Side
) -> None:
    customer, account = world.vip()
    world.hours(4)
    world.stripe.forget_requests()

    link = made(world, customer)
    world.settle()

    calls = [(call.method, call.path) for call in world.stripe.requests]
    assert calls == [("POST", "/v1/billing_portal/sessions")]
    assert link.opens == "payment_method_update"
    assert link.url.startswith("https://billing.stripe.com/p/session/")
    assert "checkout" not in link.url
    assert link.url not in text(crm, account)
    assert "billing.stripe.com" not in text(crm, account)


@pytest.mark.req("R79")
def test_a_scanner_uses_nothing_up_and_the_customer_replaces_the_card(
    world: World, crm: Side
) -> None:
    customer, account = world.vip()
    world.hours(4)
    link = made(world, customer)

    assert [world.stripe.scan_portal(link.url) for _ in range(3)] == ["open"] * 3
    assert world.stripe.customer_opens_portal(link.url, card="good") == "open"
    world.settle()

    assert "A new card was added on Fri 20 Nov" in text(crm, account)


def test_a_link_that_waited_over_the_weekend_is_recovered_by_its_owner(world: World) -> None:
    customer, _ = world.vip()
    link = made(world, customer)
    world.advance(timedelta(days=3), settle=False)

    assert link.survives_expiry
    assert world.stripe.customer_opens_portal(link.url) == "recoverable"
    address = world.stripe.get(customer)["email"]
    assert world.stripe.customer_opens_portal(link.url, email=address) == "recovered"


def test_asking_twice_for_the_same_mail_is_the_same_link(world: World) -> None:
    customer, _ = world.vip()

    assert made(world, customer) == made(world, customer)
