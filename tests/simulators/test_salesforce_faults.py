"""What the simulated org does wrong when told to, and its daily allowance."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simulators.faults import Fault, Harm
from simulators.salesforce.troubles import lock_row, row_error, upsert_race, whole
from tests.simulators.test_salesforce_login import Desk, ask_token, assertion_for, open_desk

KEYED = "sobjects/Task/Dunning_Key__c/case-1"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def account(desk: Desk) -> str:
    return f"sobjects/Account/{desk.acme}"


def test_a_locked_row_is_a_500_with_a_code_and_only_once(desk: Desk) -> None:
    desk.sim.faults.arm(lock_row())

    assert desk.code("PATCH", account(desk), {"Payment_Status__c": "Paid"}) == (
        500,
        "UNABLE_TO_LOCK_ROW",
    )
    assert desk.send("PATCH", account(desk), {"Payment_Status__c": "Paid"}).status_code == 204


def test_a_held_parent_blocks_its_tasks(desk: Desk) -> None:
    desk.sim.hold_lock(desk.acme)
    refused = desk.code("PATCH", KEYED, {"Subject": "Call", "WhatId": desk.acme})
    desk.sim.release_lock(desk.acme)

    assert refused == (500, "UNABLE_TO_LOCK_ROW")
    assert desk.send("PATCH", KEYED, {"WhatId": desk.acme}).status_code == 201


def test_a_row_of_a_collection_can_fail_alone(desk: Desk) -> None:
    desk.sim.faults.arm(row_error("UNABLE_TO_LOCK_ROW", "locked", rows=[1]))
    records = [{"attributes": {"type": "Task"}, "Subject": str(n)} for n in range(3)]

    answer = desk.send("POST", "composite/sobjects", {"records": records}).json()

    assert [one["success"] for one in answer] == [True, False, True]
    assert answer[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"


def test_a_trouble_can_be_meant_for_one_object(desk: Desk) -> None:
    desk.sim.faults.arm(row_error("CANNOT_EXECUTE_FLOW_TRIGGER", "A flow failed", object="Task"))
    subs = [
        {"method": "PATCH", "url": f"/services/data/v67.0/{path}", "referenceId": ref, "body": body}
        for path, ref, body in [
            (account(desk), "a", {"Payment_Status__c": "Paid"}),
            (KEYED, "t", {"Subject": "Call"}),
        ]
    ]

    answer = desk.send("POST", "composite", {"compositeRequest": subs}).json()

    statuses = [one["httpStatusCode"] for one in answer["compositeResponse"]]
    assert statuses == [204, 400]


@pytest.mark.parametrize(
    ("name", "refusal", "words"),
    [
        ("request_limit", (403, "REQUEST_LIMIT_EXCEEDED"), "TotalRequests"),
        ("concurrent_limit", (403, "REQUEST_LIMIT_EXCEEDED"), "ConcurrentPerOrgLongTxn"),
        ("session_expired", (401, "INVALID_SESSION_ID"), "Session expired"),
        ("server_unavailable", (503, "SERVER_UNAVAILABLE"), "down"),
        ("api_disabled", (403, "API_DISABLED_FOR_ORG"), "not enabled"),
    ],
)
def test_troubles_of_the_whole_request(
    desk: Desk, name: str, refusal: tuple[int, str], words: str
) -> None:
    desk.sim.faults.arm(whole(name))

    answer = desk.send("GET", "limits")

    assert (answer.status_code, answer.json()[0]["errorCode"]) == refusal
    assert words in answer.json()[0]["message"]
    assert "Retry-After" not in answer.headers
    assert desk.send("GET", "limits").status_code == 200


def test_a_trouble_nobody_knows_is_refused_when_armed(desk: Desk) -> None:
    with pytest.raises(ValueError, match="known: api_disabled"):
        whole("bad_weather")


def test_a_proxy_answers_in_html(desk: Desk) -> None:
    desk.sim.faults.arm(Fault(harm=Harm.HTML, status=503))

    answer = desk.send("GET", "limits")

    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/html")


def test_a_status_without_acting(desk: Desk) -> None:
    desk.sim.faults.arm(Fault(harm=Harm.STATUS, status=503, method="PATCH"))

    assert desk.code("PATCH", account(desk), {"Payment_Status__c": "Paid"}) == (
        503,
        "SERVER_UNAVAILABLE",
    )
    assert desk.sim.get(desk.acme)["Payment_Status__c"] is None
    assert desk.sim.writes() == []


def test_a_status_after_acting(desk: Desk) -> None:
    desk.sim.faults.arm(Fault(harm=Harm.STATUS_AFTER, status=500, method="PATCH"))

    assert desk.code("PATCH", account(desk), {"Payment_Status__c": "Paid"})[0] == 500
    assert desk.sim.get(desk.acme)["Payment_Status__c"] == "Paid"
    assert desk.sim.writes()[0].wrote == (desk.acme,)


@pytest.mark.parametrize(
    ("harm", "kept"),
    [
        (Harm.TIMEOUT_BEFORE, None),
        (Harm.RESET_BEFORE, None),
        (Harm.TIMEOUT_AFTER, "Paid"),
        (Harm.RESET_AFTER, "Paid"),
    ],
)
def test_no_answer_at_all(desk: Desk, harm: Harm, kept: str | None) -> None:
    desk.sim.faults.arm(Fault(harm=harm, method="PATCH"))

    with pytest.raises(requests.ConnectionError):
        desk.send("PATCH", account(desk), {"Payment_Status__c": "Paid"})

    assert desk.sim.get(desk.acme)["Payment_Status__c"] == kept
    assert desk.sim.requests[-1].status == 0
    assert bool(desk.sim.writes()) is (kept is not None)


def test_the_token_endpoint_fails_in_its_own_shape(desk: Desk) -> None:
    desk.sim.faults.arm(Fault(harm=Harm.STATUS, status=500, path=".*/token"))

    answer = ask_token(desk.sim, assertion=assertion_for(desk.sim))

    assert answer.json()["error"] == "server_error"


def in_parallel(count: int, act: Any) -> list[Any]:
    """What `count` threads that start together come back with."""
    found: list[Any] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        found.append(act())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_two_upserts_of_one_new_key_race_to_a_duplicate(desk: Desk) -> None:
    desk.sim.faults.arm(upsert_race(path=f".*{KEYED}"))
    url = f"{desk.sim.url}/services/data/v67.0/{KEYED}"
    headers = {"Authorization": f"Bearer {desk.sf.session_id}"}

    answers = in_parallel(
        2, lambda: requests.patch(url, json={"Subject": "Call"}, headers=headers, timeout=10)
    )

    won, lost = sorted(answers, key=lambda one: one.status_code)
    assert won.status_code == 201
    assert lost.json()[0]["errorCode"] == "DUPLICATE_VALUE"
    assert won.json()["id"] in lost.json()[0]["message"]
    assert len(desk.sim.rows("Task")) == 1


def test_many_upserts_of_one_key_never_make_two_tasks(desk: Desk) -> None:
    url = f"{desk.sim.url}/services/data/v67.0/{KEYED}"
    headers = {"Authorization": f"Bearer {desk.sf.session_id}"}

    answers = in_parallel(
        8, lambda: requests.patch(url, json={"Subject": "Call"}, headers=headers, timeout=10)
    )

    assert sum(one.status_code == 201 for one in answers) == 1
    assert {one.status_code for one in answers} <= {200, 201, 400}
    assert len(desk.sim.rows("Task")) == 1


def test_two_creates_with_one_key_leave_one(desk: Desk) -> None:
    body = {"Subject": "Call", "Dunning_Key__c": "case-1"}
    first = desk.send("POST", "sobjects/Task", body)
    second = desk.send("POST", "sobjects/Task", body)

    assert first.status_code == 201
    assert second.json()[0]["errorCode"] == "DUPLICATE_VALUE"


def test_every_answer_tells_what_is_used_up(desk: Desk) -> None:
    desk.send("GET", "limits")

    assert desk.send("GET", "limits").headers["Sforce-Limit-Info"] == "api-usage=2/15000"


def test_the_daily_allowance_is_enforced_and_rolls(desk: Desk) -> None:
    desk.sim.set_quota(100)
    desk.sim.use_up_quota(left=1)
    assert desk.send("GET", "limits").json()["DailyApiRequests"] == {"Max": 100, "Remaining": 0}

    assert desk.code("GET", "limits") == (403, "REQUEST_LIMIT_EXCEEDED")
    desk.later(hours=1)
    assert desk.code("GET", "limits") == (403, "REQUEST_LIMIT_EXCEEDED")

    desk.later(hours=23)
    desk.log_in()
    assert desk.send("GET", "limits").status_code == 200


def test_requests_remember_who_asked_and_what_changed(desk: Desk) -> None:
    body = {"Payment_Status__c": "Paid"}
    desk.send("PATCH", account(desk), body, {"Sforce-Call-Options": "client=kidglove"})
    desk.send("GET", account(desk))

    (write,) = desk.sim.writes()
    assert (write.method, write.status, write.client_tag) == ("PATCH", 204, "kidglove")
    assert (write.body, write.wrote) == (body, (desk.acme,))
    assert write.at == desk.clock.now()
    assert desk.sim.requests[-1].method == "GET"
