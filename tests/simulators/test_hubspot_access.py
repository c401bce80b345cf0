"""Who may call, how often, and what goes wrong on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from simulators.faults import Fault, Harm
from simulators.hubspot import whole
from tests.simulators.hubspot_stage import Desk, open_desk

COMPANIES = "/crm/objects/2026-09/companies"


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from open_desk()


def headers(answer: requests.Response) -> dict[str, str]:
    """The rate limit headers of an answer."""
    start = "x-hubspot-ratelimit-"
    return {
        name.lower().removeprefix(start): text
        for name, text in answer.headers.items()
        if name.lower().startswith(start)
    }


def test_no_key_a_wrong_one_and_a_dead_one_are_refused(desk: Desk) -> None:
    assert desk.session.get(f"{desk.sim.url}{COMPANIES}", timeout=10).status_code == 401
    assert desk.send("GET", COMPANIES, key="pat-na1-wrong").status_code == 401
    desk.sim.revoke_key()
    assert desk.refused("GET", COMPANIES) == (401, "INVALID_AUTHENTICATION")


def test_a_rotated_key_may_live_on_for_a_week(desk: Desk) -> None:
    old = desk.sim.service_key
    new = desk.sim.rotate_key(grace=True)

    assert [desk.send("GET", COMPANIES, key=key).status_code for key in (old, new)] == [200, 200]
    desk.later(days=7)
    assert [desk.send("GET", COMPANIES, key=key).status_code for key in (old, new)] == [401, 200]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", COMPANIES, "crm.objects.companies.read"),
        ("POST", COMPANIES, "crm.objects.companies.write"),
        ("POST", f"{COMPANIES}/batch/upsert", "crm.objects.companies.write"),
        ("GET", "/crm/owners/2026-09", "crm.objects.owners.read"),
        ("GET", "/crm/objects/2026-09/tickets", "tickets"),
        ("GET", "/crm/pipelines/2026-09/tickets", "tickets"),
        ("POST", "/crm/objects/2026-09/tasks", "crm.objects.contacts.write"),
        ("GET", "/crm/objects/2026-09/users", "crm.objects.users.read"),
        ("POST", "/crm/properties/2026-09/companies", "crm.schemas.companies.write"),
    ],
)
def test_a_missing_scope_is_named(desk: Desk, method: str, path: str, scope: str) -> None:
    desk.sim.revoke_scope(scope)

    answer = desk.send(method, path, {"inputs": []})

    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
    assert scope in answer.json()["errors"][0]["context"]["requiredGranularScopes"]


def test_mails_need_a_scope_of_their_own(desk: Desk) -> None:
    mail = desk.sim.add_email(desk.acme, "Re: invoice", hs_email_text="Dear Ann")
    path = f"/crm/objects/2026-09/emails/{mail}?properties=hs_email_text,hs_email_subject"
    assert desk.ok("GET", path)["properties"]["hs_email_text"] == "Dear Ann"

    desk.sim.revoke_scope("sales-email-read")

    with_mails = f"/crm/objects/2026-09/companies/{desk.acme}?associations=calls,emails"
    read = {"inputs": [{"id": mail}], "properties": ["hs_email_subject"]}
    for refused in (
        desk.send("GET", path),
        desk.send("GET", with_mails),
        desk.send("POST", "/crm/objects/2026-09/emails/batch/read", read),
    ):
        assert refused.status_code == 403
        assert "sales-email-read" in refused.text
    desk.ok("GET", f"/crm/objects/2026-09/companies/{desk.acme}?associations=calls")


def test_an_oauth_token_lives_half_an_hour_and_says_so(desk: Desk) -> None:
    known = desk.sim.credentials()
    form = {
        "grant_type": "refresh_token",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
        "refresh_token": known["refresh_token"],
    }
    door = f"{desk.sim.url}/oauth/2026-09/token"
    answer = requests.post(door, data=form, timeout=10).json()
    token = answer["access_token"]
    told = requests.post(f"{door}/introspect", data={"token": token}, timeout=10).json()

    assert (answer["expires_in"], answer["hub_id"], told["active"]) == (1800, 62515, True)
    assert desk.send("GET", COMPANIES, key=token).status_code == 200
    desk.later(minutes=30)
    late = desk.send("GET", COMPANIES, key=token)
    assert (late.status_code, late.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert requests.post(door, data={**form, "client_secret": "x"}, timeout=10).status_code == 400


def test_an_apps_token_says_what_it_stands_for_and_a_service_key_does_not(desk: Desk) -> None:
    path = "/oauth/v2/private-apps/get/access-token-info"
    key = {"tokenKey": desk.sim.service_key}
    assert desk.refused("POST", path, key) == (404, "OBJECT_NOT_FOUND")

    desk.sim.set_app_token()
    told = desk.ok("POST", path, {"tokenKey": desk.sim.service_key})

    assert (told["hubId"], told["appId"]) == (62515, 8111832)
    assert "tickets" in told["scopes"]
    assert desk.refused("POST", path, {"tokenKey": "x"}) == (401, "INVALID_AUTHENTICATION")


def test_every_answer_but_a_search_tells_what_is_left(desk: Desk) -> None:
    assert headers(desk.send("GET", COMPANIES)) == {
        "daily": "650000",
        "daily-remaining": "649999",
        "interval-milliseconds": "10000",
        "max": "190",
        "remaining": "189",
        "secondly": "19",
        "secondly-remaining": "19",
    }


def test_ten_seconds_hold_so_many_calls_of_one_app(desk: Desk) -> None:
    desk.sim.set_limits(burst=3, only_virtual=True)
    other = desk.sim.access.add_app("999")

    answers = [desk.send("GET", COMPANIES) for _ in range(4)]
    refused = answers[3].json()

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert refused["policyName"] == "TEN_SECONDLY_ROLLING"
    assert refused["errorType"] == "RATE_LIMIT"
    assert "Retry-After" not in answers[3].headers
    assert desk.send("GET", COMPANIES, key=other).status_code == 200
    desk.later(seconds=10)
    assert desk.send("GET", COMPANIES).status_code == 200
    assert desk.sim.limits.refused == 1
    assert desk.sim.limits.window(desk.sim.app_id).peak == 3


def test_a_429_may_say_when_to_come_again(desk: Desk) -> None:
    desk.sim.set_limits(burst=0, retry_after=True)
    assert desk.send("GET", COMPANIES).headers["Retry-After"] == "10"


def test_the_day_ends_at_midnight_of_the_account(desk: Desk) -> None:
    desk.sim.use_up_daily(left=1)
    assert desk.send("GET", COMPANIES).status_code == 200

    answer = desk.send("GET", COMPANIES)
    assert (answer.status_code, answer.json()["policyName"]) == (429, "DAILY")

    desk.clock.advance_to(datetime(2026, 11, 25, 0, 0, tzinfo=UTC))
    assert desk.send("GET", COMPANIES).status_code == 429
    desk.clock.advance_to(datetime(2026, 11, 25, 5, 0, tzinfo=UTC))
    assert desk.send("GET", COMPANIES).status_code == 200


def test_the_account_tells_who_it_is_and_what_it_used(desk: Desk) -> None:
    details = desk.ok("GET", "/account-info/v3/details")
    usage = desk.ok("GET", "/account-info/2026-09/api-usage/daily/private-apps")["results"][0]

    assert (details["portalId"], details["accountType"], details["utcOffset"]) == (
        62515,
        "STANDARD",
        "-05:00",
    )
    assert details["utcOffsetMilliseconds"] == -18_000_000
    assert (usage["currentUsage"], usage["resetsAt"]) == (2, "2026-11-25T05:00:00Z")


@pytest.mark.parametrize(
    ("name", "status", "category"),
    [
        ("ten_secondly", 429, "RATE_LIMITS"),
        ("daily", 429, "RATE_LIMITS"),
        ("locked", 423, "LOCKED"),
        ("migration", 477, "MIGRATION_IN_PROGRESS"),
        ("conflict", 409, "CONFLICT"),
        ("token_expired", 401, "EXPIRED_AUTHENTICATION"),
        ("scopes", 403, "MISSING_SCOPES"),
        ("bad_gateway", 502, "INTERNAL_ERROR"),
    ],
)
def test_a_fault_of_the_vendor_hits_once_without_acting(
    desk: Desk, name: str, status: int, category: str
) -> None:
    desk.sim.faults.arm(whole(name))
    body = {"properties": {"name": "Birch"}}

    assert desk.refused("POST", COMPANIES, body) == (status, category)
    assert len(desk.sim.rows("companies")) == 1
    assert desk.send("POST", COMPANIES, body).status_code == 201


def test_a_fault_can_carry_retry_after_and_unknown_ones_are_refused(desk: Desk) -> None:
    desk.sim.faults.arm(whole("locked", retry_after=2))
    assert desk.send("GET", COMPANIES).headers["Retry-After"] == "2"
    with pytest.raises(ValueError, match="unknown vendor fault"):
        whole("nothing")


def test_a_proxy_answers_with_html(desk: Desk) -> None:
    desk.sim.faults.arm(Fault(harm=Harm.HTML, status=502))
    answer = desk.send("GET", COMPANIES)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")


@pytest.mark.parametrize(
    ("harm", "kept"),
    [
        (Harm.TIMEOUT_BEFORE, 1),
        (Harm.TIMEOUT_AFTER, 2),
        (Harm.RESET_BEFORE, 1),
        (Harm.RESET_AFTER, 2),
    ],
)
def test_a_lost_answer_does_not_say_whether_it_was_done(desk: Desk, harm: Harm, kept: int) -> None:
    desk.sim.faults.arm(Fault(harm=harm, method="POST", seconds=0.05))

    with pytest.raises(requests.ConnectionError):
        desk.send("POST", COMPANIES, {"properties": {"name": "Birch"}})

    assert len(desk.sim.rows("companies")) == kept
    assert desk.sim.requests[-1].status == 0


def test_a_status_after_the_fact_hides_that_it_was_done(desk: Desk) -> None:
    desk.sim.faults.arm(Fault(harm=Harm.STATUS_AFTER, status=500))

    assert desk.send("POST", COMPANIES, {"properties": {"name": "Birch"}}).status_code == 500
    assert [row["name"] for row in desk.sim.rows("companies")] == ["Acme", "Birch"]


def test_the_requests_are_kept_without_the_key(desk: Desk) -> None:
    body = {"properties": {"hold": "held"}}
    desk.ok("PATCH", f"{COMPANIES}/{desk.acme}", body)
    desk.ok("GET", f"{COMPANIES}/{desk.acme}?properties=hold")

    write, read = desk.sim.requests
    assert (write.method, write.path, write.body, write.status, write.wrote) == (
        "PATCH",
        f"{COMPANIES}/{desk.acme}",
        body,
        200,
        (f"companies/{desk.acme}",),
    )
    assert (read.path, read.wrote) == (f"{COMPANIES}/{desk.acme}?properties=hold", ())
    assert not any("authorization" in one.headers for one in desk.sim.requests)
    assert desk.sim.writes() == [write]
    assert desk.sim.api_calls == 2


def test_a_frozen_clock_is_no_dead_end(desk: Desk) -> None:
    desk.sim.set_limits(search=1)
    path = f"{COMPANIES}/search"
    statuses: list[Any] = [desk.send("POST", path, {}).status_code]
    until = time.monotonic() + 20
    while statuses[-1] != 200 or len(statuses) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
        statuses.append(desk.send("POST", path, {}).status_code)

    assert statuses[-1] == 200
