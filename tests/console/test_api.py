"""Programs put mappings in force and ask why, with a token in each request and no cookie."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from console.access import WRONG_TRIES
from jobs.versions import in_force
from mappings.mapping_file import default_mapping_text
from tests.console.people import ANN, OTTO, two_must_agree
from tests.console.visitor import TOKEN, Visitor
from tests.world import World, build

AT = "/api/mappings/salesforce"
SHIPPED = default_mapping_text("salesforce")
OTHER_WORD = SHIPPED.replace("failed: Payment failed", "failed: Past due")


@pytest.fixture
def world(staffed: World) -> World:
    """A VIP whose payment has failed, and people with tokens of their own."""
    return staffed


@pytest.fixture
def program(world: World) -> TestClient:
    """Something that sends requests."""
    return Visitor(world.runtime).client


def bearer(token: str) -> dict[str, str]:
    """The header with a token."""
    return {"authorization": f"Bearer {token}"}


def put(
    program: TestClient, text: str = OTHER_WORD, token: str = ANN, **more: object
) -> httpx.Response:
    """Send a new version."""
    body = {"text": text, "note": "failed is past due", **more}
    answer: httpx.Response = program.put(AT, json=body, headers=bearer(token))
    return answer


def label(world: World) -> str:
    """The version in force."""
    return in_force(world.runtime, "salesforce").label


def status(world: World) -> Any:
    """What the account says of its payments."""
    (account,) = world.org.rows("Account")
    return account["Payment_Status__c"]


@pytest.mark.req("R15")
def test_a_new_version_is_used_by_the_next_job_without_a_restart(
    world: World, program: TestClient
) -> None:
    before = world.runtime, world.relay
    assert status(world) == "Payment failed"

    answer = put(program)
    world.runtime.reconcile.sweep_everybody()
    world.settle()

    assert answer.status_code == 201
    assert answer.json() == {
        "applied": "mapping:salesforce@1",
        "is_new": True,
        "replaces": "mapping:salesforce:shipped",
        "by": "Ann",
        "accounts": 1,
        "open_cases": 1,
        "findings": [],
    }
    assert (world.runtime, world.relay) == before
    assert status(world) == "Past due"


@pytest.mark.req("R15")
def test_the_old_version_is_still_listed_and_still_there(world: World, program: TestClient) -> None:
    put(program)
    put(program, SHIPPED, note="back")

    listed = program.get(f"{AT}/versions", headers=bearer(OTTO)).json()
    first = program.get(f"{AT}/versions/1", headers=bearer(OTTO)).json()

    assert listed["in_force"] == "mapping:salesforce@2"
    assert [(one["label"], one["by"], one["note"]) for one in listed["versions"]] == [
        ("mapping:salesforce@2", "Ann", "back"),
        ("mapping:salesforce@1", "Ann", "failed is past due"),
    ]
    assert first == {
        "system": "salesforce",
        "version": 1,
        "label": "mapping:salesforce@1",
        "text": OTHER_WORD,
    }


@pytest.mark.req("R15")
def test_who_is_no_admin_changes_nothing(world: World, program: TestClient) -> None:
    answer = put(program, token=OTTO)

    assert answer.status_code == 403
    assert answer.json()["message"] == "Otto may read mappings, not change them"
    assert label(world) == "mapping:salesforce:shipped"


def test_a_request_without_a_token_learns_nothing(world: World, program: TestClient) -> None:
    asked = [AT, f"{AT}/versions", "/api/mappings", "/api/why?system=stripe&record=x&field=y"]

    answers = [program.get(path) for path in asked] + [
        program.put(AT, json={"text": OTHER_WORD, "note": "x"}),
        program.put(AT, json={}, headers={"authorization": "Basic eDp4"}),
        program.put(AT, json={}, headers=bearer("nobody-has-this-token")),
    ]

    assert {one.status_code for one in answers} == {401}
    assert {one.headers["www-authenticate"] for one in answers} == {'Bearer realm="kidglove"'}
    assert {one.json()["error"] for one in answers} == {"no_token"}
    assert label(world) == "mapping:salesforce:shipped"


def test_the_cookie_of_a_person_is_no_token(world: World) -> None:
    visitor = Visitor(world.runtime)
    visitor.enter(token=ANN)

    assert visitor.client.get(AT).status_code == 401


def test_a_broken_file_is_refused_with_every_mistake(world: World, program: TestClient) -> None:
    broken = OTHER_WORD.replace("theirs: Stripe_MRR__c, wins: stripe", "theirs: A__c, wins: strpie")

    answer = put(program, broken.replace("theirs: Stripe_ARR__c", "theirs: Past_Due_Since__c"))

    assert answer.status_code == 422
    assert [
        (one["file"], one["line"], one["column"], one["suggestion"])
        for one in answer.json()["findings"]
    ] == [("salesforce.yaml", 30, 55, "stripe"), ("salesforce.yaml", 31, 43, None)]
    assert label(world) == "mapping:salesforce:shipped"


def test_the_mapping_of_another_crm_is_refused(program: TestClient) -> None:
    answer = put(program, default_mapping_text("hubspot"))

    assert answer.status_code == 422
    assert answer.json()["findings"][0]["message"] == (
        "this is the mapping of salesforce, not of 'hubspot'"
    )


def test_yaml_is_taken_as_it_is_with_the_note_in_the_address(
    world: World, program: TestClient
) -> None:
    headers = {**bearer(ANN), "content-type": "application/yaml"}

    answer = program.put(f"{AT}?note=by+hand", content=OTHER_WORD, headers=headers)

    assert answer.status_code == 201
    assert program.get(AT, headers=bearer(OTTO)).json()["text"] == OTHER_WORD


def test_the_same_text_again_is_the_same_version(program: TestClient) -> None:
    answers = [put(program), put(program)]

    assert [one.status_code for one in answers] == [201, 200]
    assert [one.json()["applied"] for one in answers] == ["mapping:salesforce@1"] * 2


def test_a_version_that_was_made_over_another_one_is_refused(
    world: World, program: TestClient
) -> None:
    put(program, base="mapping:salesforce:shipped")

    answer = put(program, SHIPPED, base="mapping:salesforce:shipped")

    assert answer.status_code == 409
    assert "mapping:salesforce@1 is in force" in answer.json()["message"]
    assert label(world) == "mapping:salesforce@1"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"text": "mapping: x"}', "application/json", 400),
        (b'{"note": "why"}', "application/json", 400),
        (b'{"text": 3, "note": "why"}', "application/json", 400),
        (b'{"text": "x", "note": " "}', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"mapping: x", "application/yaml", 400),
        (b"mapping=x", "application/x-www-form-urlencoded", 415),
        (b"x" * 1_100_000, "application/yaml", 413),
        (b'{"text": "\\ud800", "note": "why"}', "application/json", 422),
    ],
)
def test_odd_requests_are_refused_with_what_to_send(
    world: World, program: TestClient, body: bytes, kind: str, status: int
) -> None:
    answer = program.put(AT, content=body, headers={**bearer(ANN), "content-type": kind})

    assert answer.status_code == status
    assert set(answer.json()) >= {"error", "message", "remedy"}
    assert label(world) == "mapping:salesforce:shipped"


def test_what_is_not_there_is_not_found(program: TestClient) -> None:
    asked = ["mappings/hubspot", "mappings/x", "mappings/salesforce/versions/7", "nothing", ""]

    answers = [program.get(f"/api/{path}", headers=bearer(ANN)) for path in asked]

    assert {one.status_code for one in answers} == {404}
    assert {one.headers["content-type"] for one in answers} == {"application/json"}


def test_guessing_is_braked_and_keeps_no_person_out(world: World) -> None:
    visitor = Visitor(world.runtime)
    for number in range(WRONG_TRIES):
        visitor.client.get(AT, headers=bearer(f"guess-{number}"))

    assert visitor.client.get(AT, headers=bearer(ANN)).status_code == 429
    assert visitor.enter(token=ANN).status == 200


def test_the_shared_token_says_who_it_is_in_a_header(world: World, program: TestClient) -> None:
    names = ["Dana", "", "ann"]

    answers = [
        program.put(
            AT,
            json={"text": text, "note": "x"},
            headers={**bearer(TOKEN), "x-kidglove-by": name},
        )
        for name, text in zip(names, [OTHER_WORD, SHIPPED, OTHER_WORD], strict=True)
    ]

    assert [one.json().get("by") for one in answers] == ["Dana", "admin", None]
    assert answers[2].status_code == 403


@pytest.mark.req("R15")
def test_where_two_must_agree_no_program_does_it_alone(database_url: str, redis_url: str) -> None:
    world = build(database_url, redis_url, change=two_must_agree)

    answer = put(Visitor(world.runtime).client)
    world.close()

    assert answer.status_code == 409
    assert answer.json()["message"] == ("two people must agree on a mapping, and there is no plan")
