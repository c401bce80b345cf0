"""Every value that we wrote anywhere can be asked for: event, rule, version, actor and time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.console.people import ANN, OTTO, with_people
from tests.console.visitor import Visitor
from tests.world import World, build

EXPLAINED = ("at", "actor", "rule", "cause", "config_version")
STATUS = {"salesforce": "Payment_Status__c", "hubspot": "kidglove_payment_status"}
STRIPE_FIELDS = {"finalize": ["status"], "pay": ["status"]}


@pytest.fixture(params=["salesforce", "hubspot"])
def world(request: pytest.FixtureRequest, database_url: str, redis_url: str) -> Iterator[World]:
    """A whole story: a VIP fails, somebody talks to them, and the money comes a day later."""
    made = build(database_url, redis_url, change=with_people, crms=(request.param,))
    (side,) = made.sides
    customer = made.customer()
    account = side.add_account("Aurelius Partners", customer=customer)
    made.hours(4)
    side.say(account, "held")
    made.settle()
    made.days(1)
    (invoice,) = made.stripe.invoices(customer, "open")
    made.stripe.customer_pays(str(invoice["id"]), card="good")
    made.settle()
    yield made
    made.close()


@pytest.fixture
def program(world: World) -> TestClient:
    """Something that asks."""
    return Visitor(world.runtime).client


def asked(program: TestClient, system: str, record: str, field: str) -> list[dict[str, Any]]:
    """What is answered about one value."""
    answer = program.get(
        "/api/why",
        params={"system": system, "record": record, "field": field},
        headers={"authorization": f"Bearer {OTTO}"},
    )
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["writes"]
    return found


def crm_writes(world: World) -> set[tuple[str, str, str]]:
    """System, record and field of every value that the CRM took from us."""
    (side,) = world.sides
    if side.system == "salesforce":
        return {
            (side.system, record, name)
            for seen in world.org.writes()
            for call, record in zip(
                [one for one in seen.body["compositeRequest"] if one["method"] == "PATCH"],
                seen.wrote,
                strict=True,
            )
            for name in call["body"]
        }
    assert world.portal is not None
    return {
        (side.system, record.partition("/")[2], name)
        for seen in world.portal.writes()
        for one, record in zip(seen.body["inputs"], seen.wrote, strict=True)
        for name in one["properties"]
    }


def stripe_writes(world: World) -> set[tuple[str, str, str]]:
    """The same of every value that Stripe took from us."""
    found = set()
    for call in world.stripe.writes():
        _, _, _, id, *verb = call.path.split("/")
        for name in STRIPE_FIELDS.get(verb[0] if verb else "", list(call.params)):
            found.add(("stripe", id, name))
    return found


@pytest.mark.req("R25")
def test_no_write_lacks_a_row(world: World, program: TestClient) -> None:
    writes = crm_writes(world) | stripe_writes(world)
    told = {place: asked(program, *place) for place in writes}

    assert len(crm_writes(world)) > 20
    assert len(stripe_writes(world)) > 3
    assert sorted(place for place, found in told.items() if not found) == []
    assert [
        (place, name)
        for place, found in told.items()
        for one in found
        for name in EXPLAINED
        if not one[name]
    ] == []


@pytest.mark.req("R25")
def test_the_newest_answer_is_the_value_that_stands_there(
    world: World, program: TestClient
) -> None:
    (side,) = world.sides
    (account,) = {record for _, record, name in crm_writes(world) if name == STATUS[side.system]}

    (newest, *_) = asked(program, side.system, account, STATUS[side.system])

    assert newest["value"].casefold() == side.fields(account).status
    assert newest["cause"].startswith("stripe:evt_")
    assert newest["config_version"] == f"policy:default mapping:{side.system}:shipped"


@pytest.mark.req("R25")
def test_people_see_the_same_on_a_page_that_can_be_linked_to(world: World) -> None:
    (side,) = world.sides
    (account,) = {record for _, record, name in crm_writes(world) if name == STATUS[side.system]}
    visitor = Visitor(world.runtime)
    visitor.enter(token=ANN)

    page = visitor.page(f"/why?system={side.system}&record={account}&field={STATUS[side.system]}")

    newest = page.texts("//ol[@class='timeline']/li[1]")[0]
    assert "Because of stripe:evt_" in newest
    assert f"Under policy:default mapping:{side.system}:shipped" in newest
    assert "Rule fields.project" in newest
    assert page.texts("//a[.='The row of the mapping']") != []


def test_what_we_never_wrote_is_said(world: World, program: TestClient) -> None:
    (side,) = world.sides
    visitor = Visitor(world.runtime)
    visitor.enter(token=ANN)

    page = visitor.page(f"/why?system={side.system}&record=x&field=Name")

    assert asked(program, side.system, "x", "Name") == []
    assert "Kidglove never wrote this field." in page.text


def test_half_a_question_is_answered_with_how_to_ask(world: World, program: TestClient) -> None:
    headers = {"authorization": f"Bearer {ANN}"}

    answers = [
        program.get("/api/why?system=stripe&record=x", headers=headers),
        program.get("/api/why?system=x&record=x&field=y", headers=headers),
        program.get("/api/why?system=stripe&record=x%00&field=y", headers=headers),
    ]

    assert [one.status_code for one in answers] == [400, 404, 200]
    assert answers[0].json()["message"] == "the address lacks field"
