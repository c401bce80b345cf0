"""Several writes in one call: who fails with whom, and under which name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulators.test_salesforce_login import Desk, open_desk

DATA = "/services/data/v67.0"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def composite(desk: Desk, *subs: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """The compositeResponse of one call; each sub gets a referenceId `s0`, `s1`..."""
    named = [{"referenceId": f"s{place}", **sub} for place, sub in enumerate(subs)]
    body = {"collateSubrequests": False, **options, "compositeRequest": named}
    answer = desk.send("POST", "composite", body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return found


def statuses(found: list[dict[str, Any]]) -> list[Any]:
    """What each subrequest came to: its status, or status and code."""
    return [
        (one["httpStatusCode"], one["body"][0]["errorCode"])
        if one["httpStatusCode"] >= 400
        else one["httpStatusCode"]
        for one in found
    ]


def patch_account(desk: Desk, **fields: Any) -> dict[str, Any]:
    return {"method": "PATCH", "url": f"{DATA}/sobjects/Account/{desk.acme}", "body": fields}


def upsert_task(desk: Desk, key: str = "case-1", **fields: Any) -> dict[str, Any]:
    body = {"WhatId": desk.acme, "Subject": "Call", **fields}
    return {"method": "PATCH", "url": f"{DATA}/sobjects/Task/Dunning_Key__c/{key}", "body": body}


def test_an_account_patch_a_task_and_a_look_at_it_are_one_call(desk: Desk) -> None:
    look = {"method": "GET", "url": f"{DATA}/sobjects/Task/@{{s1.id}}"}

    found = composite(desk, patch_account(desk, Payment_Status__c="Paid"), upsert_task(desk), look)

    assert statuses(found) == [204, 201, 200]
    assert found[0]["body"] is None
    assert found[1]["httpHeaders"]["Location"].endswith(found[1]["body"]["id"])
    assert found[2]["body"]["Subject"] == "Call"
    assert desk.sim.api_calls == 1


def test_all_or_none_rolls_the_innocent_back(desk: Desk) -> None:
    before = desk.sim.state()

    found = composite(
        desk,
        patch_account(desk, Payment_Status__c="Paid"),
        upsert_task(desk, Subject="x" * 256),
        patch_account(desk, Last_Failure_Code__c="x"),
        allOrNone=True,
    )

    assert statuses(found) == [
        (400, "PROCESSING_HALTED"),
        (400, "STRING_TOO_LONG"),
        (400, "PROCESSING_HALTED"),
    ]
    assert desk.sim.state() == before
    assert desk.sim.writes() == []


def test_without_all_or_none_each_stands_alone(desk: Desk) -> None:
    found = composite(
        desk, patch_account(desk, Payment_Status__c="Paid"), upsert_task(desk, Subject="x" * 256)
    )

    assert statuses(found) == [204, (400, "STRING_TOO_LONG")]
    assert desk.sim.get(desk.acme)["Payment_Status__c"] == "Paid"


def test_a_reference_to_a_failure_halts(desk: Desk) -> None:
    look = {"method": "GET", "url": f"{DATA}/sobjects/Task/@{{s0.id}}"}

    found = composite(desk, upsert_task(desk, Subject="x" * 256), look)

    assert statuses(found)[1] == (400, "PROCESSING_HALTED")


def test_a_reference_works_inside_a_body(desk: Desk) -> None:
    account = {"method": "POST", "url": f"{DATA}/sobjects/Account", "body": {"Name": "New"}}

    composite(desk, account, upsert_task(desk, WhatId="@{s0.id}"))

    assert desk.sim.rows("Task")[0]["WhatId"] == desk.sim.rows("Account", Name="New")[0]["Id"]


def test_a_reference_reaches_into_query_records(desk: Desk) -> None:
    query = {"method": "GET", "url": f"{DATA}/query?q=SELECT+Id+FROM+Account"}

    found = composite(desk, query, upsert_task(desk, WhatId="@{s0.records[0].Id}"))

    assert statuses(found) == [200, 201]
    assert desk.sim.rows("Task")[0]["WhatId"] == desk.acme


def test_collating_may_reorder_what_is_independent(desk: Desk) -> None:
    look = {"method": "GET", "url": f"{DATA}/sobjects/Account/{desk.acme}"}
    subs = [
        patch_account(desk, Payment_Status__c="Past due"),
        look,
        patch_account(desk, Payment_Status__c="Paid"),
    ]

    ordered = composite(desk, *subs, collateSubrequests=False)
    collated = composite(desk, *subs, collateSubrequests=True)

    assert ordered[1]["body"]["Payment_Status__c"] == "Past due"
    assert collated[1]["body"]["Payment_Status__c"] == "Paid"


def test_a_subrequest_carries_its_own_headers(desk: Desk) -> None:
    sub = patch_account(desk, Payment_Status__c="Paid")
    long_ago = "Fri, 01 May 2020 07:25:37 GMT"

    found = composite(desk, {**sub, "httpHeaders": {"If-Unmodified-Since": long_ago}})

    assert statuses(found) == [(412, "PRECONDITION_FAILED")]


@pytest.mark.parametrize(
    ("sub", "count"),
    [
        ({"method": "GET", "url": f"{DATA}/limits"}, 26),
        ({"method": "GET", "url": f"{DATA}/query?q=SELECT+Id+FROM+Account"}, 6),
    ],
)
def test_too_many_subrequests_are_refused(desk: Desk, sub: dict[str, Any], count: int) -> None:
    subs = [{**sub, "referenceId": f"s{place}"} for place in range(count)]

    assert desk.code("POST", "composite", {"compositeRequest": subs}) == (400, "LIMIT_EXCEEDED")


def test_reference_ids_are_plain_and_unique(desk: Desk) -> None:
    sub = {"method": "GET", "url": f"{DATA}/limits", "referenceId": "a-b"}

    assert desk.code("POST", "composite", {"compositeRequest": [sub]})[0] == 400


def test_batch_runs_each_alone_and_can_halt(desk: Desk) -> None:
    subs = [
        {"method": "GET", "url": "v67.0/limits"},
        {"method": "GET", "url": "v67.0/nonsense"},
        {"method": "GET", "url": "v67.0/limits"},
    ]

    on = desk.send("POST", "composite/batch", {"batchRequests": subs}).json()
    halted = desk.send(
        "POST", "composite/batch", {"batchRequests": subs, "haltOnError": True}
    ).json()

    assert on["hasErrors"]
    assert [one["statusCode"] for one in on["results"]] == [200, 404, 200]
    assert [one["statusCode"] for one in halted["results"]] == [200, 404, 412]


def row(type_: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": type_}, **fields}


def test_collections_answer_200_and_say_per_row(desk: Desk) -> None:
    answer = desk.send(
        "PATCH",
        "composite/sobjects",
        {
            "records": [
                row("Account", id=desk.acme, Payment_Status__c="Paid"),
                row("Account", id=desk.acme, Payment_Status__c="Brilliant"),
            ]
        },
    )

    good, bad = answer.json()
    assert answer.status_code == 200
    assert good == {"id": desk.acme, "success": True, "errors": []}
    assert not bad["success"]
    assert bad["errors"][0]["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert bad["errors"][0]["fields"] == ["Payment_Status__c"]
    assert "errorCode" not in bad["errors"][0]


def test_all_or_none_collections_roll_back(desk: Desk) -> None:
    before = desk.sim.state()

    answer = desk.send(
        "PATCH",
        "composite/sobjects/Account/Stripe_Customer_Id__c",
        {
            "allOrNone": True,
            "records": [
                row("Account", Stripe_Customer_Id__c="cus_acme", Payment_Status__c="Paid"),
                row("Account", Stripe_Customer_Id__c="cus_new"),
            ],
        },
    )

    codes = [one["errors"][0]["statusCode"] for one in answer.json()]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert desk.sim.state() == before


def test_collection_upsert_says_what_was_created(desk: Desk) -> None:
    records = [row("Task", Dunning_Key__c=key, Subject="Call") for key in ("a", "b", "a")]

    answer = desk.send(
        "PATCH", "composite/sobjects/Task/Dunning_Key__c", {"records": records}
    ).json()

    assert [one["created"] for one in answer] == [True, True, False]
    assert answer[0]["id"] == answer[2]["id"]


def test_a_record_whose_attributes_come_late_spoils_the_call(desk: Desk) -> None:
    late = {"Payment_Status__c": "Paid", "attributes": {"type": "Account"}, "id": desk.acme}

    assert desk.code("PATCH", "composite/sobjects", {"records": [late]}) == (
        400,
        "JSON_PARSER_ERROR",
    )


def test_collections_create_read_and_delete(desk: Desk) -> None:
    made = desk.send(
        "POST",
        "composite/sobjects",
        {"records": [row("Task", Subject="One"), row("Task", Subject="Two")]},
    ).json()
    ids = ",".join(one["id"] for one in made)
    read = desk.send("GET", f"composite/sobjects/Task?ids={ids},00T&fields=Subject").json()
    gone = desk.send("DELETE", f"composite/sobjects?ids={ids}&allOrNone=false").json()

    assert [one and one["Subject"] for one in read] == ["One", "Two", None]
    assert [one["success"] for one in gone] == [True, True]
    assert desk.sim.rows("Task") == []


def test_more_than_200_rows_are_refused(desk: Desk) -> None:
    records = [row("Task", Subject="Call")] * 201

    assert desk.code("POST", "composite/sobjects", {"records": records}) == (
        400,
        "EXCEEDED_ID_LIMIT",
    )


def test_a_chatter_post_mentions_a_user(desk: Desk) -> None:
    body = {
        "body": {
            "messageSegments": [
                {"type": "Mention", "id": desk.ann},
                {"type": "Text", "text": " please call"},
            ]
        },
        "feedElementType": "FeedItem",
        "subjectId": desk.acme,
    }

    answer = desk.send("POST", "chatter/feed-elements", body)

    assert answer.status_code == 201
    assert answer.json()["body"]["text"] == "@Ann Example please call"
    assert [one["Mentions"] for one in desk.sim.state()["feed"]] == [[desk.ann]]


def test_an_org_without_chatter_refuses(desk: Desk) -> None:
    desk.sim.set_chatter(False)

    assert desk.code("POST", "chatter/feed-elements", {}) == (403, "FUNCTIONALITY_NOT_ENABLED")
