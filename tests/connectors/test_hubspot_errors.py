"""Every refusal of HubSpot's means one thing that happens next; what nobody knows is a bug."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from connectors.hubspot.errors import (
    BY_STATUS,
    CAUSES,
    Cause,
    MissingScope,
    classified,
    concerns_rows,
    stated,
)
from connectors.hubspot.transport import transport_error
from domain.errors import (
    Bug,
    Conflict,
    Gone,
    KidgloveError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
)

MEANS: Mapping[Cause, type[KidgloveError]] = {
    Cause.CREDENTIAL: Unauthorized,
    Cause.SCOPE: MissingScope,
    Cause.LIMIT: RateLimited,
    Cause.LOCKED: RateLimited,
    Cause.MOVING: RateLimited,
    Cause.RACE: Conflict,
    Cause.GONE: Gone,
    Cause.PROPERTY: Misconfigured,
    Cause.OPTION: Misconfigured,
    Cause.VALUE: Rejected,
    Cause.RULE: Rejected,
    Cause.VERSION: Misconfigured,
}


def problem(status: int, body: Any = None, **more: Any) -> KidgloveError:
    known: dict[str, Any] = {"record": "company 7", "is_write": True}
    return classified(status, stated(body), **{**known, **more})


@pytest.mark.parametrize("code", sorted(CAUSES))
def test_every_code_means_what_the_table_says(code: str) -> None:
    assert type(problem(400, {"category": code})) is MEANS[CAUSES[code]]


@pytest.mark.parametrize("code", sorted(CAUSES))
def test_a_code_inside_the_errors_beats_the_category_around_it(code: str) -> None:
    body = {"category": "VALIDATION_ERROR", "errors": [{"code": code, "message": "x"}]}
    assert type(problem(400, body)) is MEANS[CAUSES[code]]


@pytest.mark.parametrize("status", sorted(BY_STATUS))
def test_every_status_without_a_body_means_what_the_table_says(status: int) -> None:
    assert type(problem(status, "<html>")) is MEANS[BY_STATUS[status]]


@pytest.mark.parametrize("body", [None, {}, [], "words", {"category": "BRAND_NEW"}, {"errors": 1}])
def test_what_nobody_knows_is_a_bug(body: Any) -> None:
    assert type(problem(400, body)) is Bug


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524, 299])
@pytest.mark.parametrize(("is_write", "means"), [(True, OutcomeUnknown), (False, Transient)])
def test_a_fault_of_the_vendors_leaves_a_write_unknown(
    status: int, is_write: bool, means: type[KidgloveError]
) -> None:
    assert type(problem(status, None, is_write=is_write)) is means


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"policyName": "TEN_SECONDLY_ROLLING"}, 10),
        ({"category": "RATE_LIMITS", "message": "ten_secondly_rolling limit reached"}, 10),
        ({"errorType": "RATE_LIMIT", "policyName": "SECONDLY"}, 1),
        ({"message": "You have reached your secondly limit."}, 1),
        ({"policyName": "DAILY"}, 900),
        ({}, 1),
    ],
)
def test_a_limit_without_a_wait_gets_the_wait_of_its_policy(
    body: Mapping[str, Any], seconds: int
) -> None:
    found = problem(429, body)
    assert isinstance(found, RateLimited)
    assert found.after == timedelta(seconds=seconds)


def test_the_wait_that_hubspot_tells_is_the_one() -> None:
    found = problem(429, {"policyName": "DAILY"}, retry_after=timedelta(seconds=7))
    assert isinstance(found, RateLimited)
    assert found.after == timedelta(seconds=7)


def test_a_missing_scope_is_named() -> None:
    body = {
        "category": "MISSING_SCOPES",
        "errors": [{"context": {"requiredGranularScopes": ["crm.objects.companies.write"]}}],
    }
    found = problem(403, body)
    assert "crm.objects.companies.write" in found.message
    assert "crm.objects.companies.write" in found.remedy


OLD = {
    "category": "VALIDATION_ERROR",
    "message": "Property values were not valid: "
    + json.dumps([{"isValid": False, "error": "INVALID_OPTION", "name": "tier", "message": "x"}]),
}
NEW = {
    "category": "VALIDATION_ERROR",
    "errors": [{"code": "INVALID_OPTION", "context": {"propertyName": ["tier"]}}],
}


@pytest.mark.parametrize("body", [OLD, NEW])
def test_the_property_is_found_in_either_shape(body: Mapping[str, Any]) -> None:
    found = problem(400, body)
    assert isinstance(found, Misconfigured)
    assert found.row == "tier"


def test_a_rule_of_the_portal_is_told_in_its_own_words_and_without_secrets() -> None:
    body = {
        "category": "VALIDATION_ERROR",
        "message": "A CSM must be named, ask ann@acme.com (pat-na1-0123456789abcdef)",
    }
    told = problem(400, body).message
    assert "A CSM must be named" in told
    assert "ann@acme.com" not in told
    assert "0123456789abcdef" not in told


def test_the_message_of_anything_else_is_not_repeated() -> None:
    assert "Ana Lima" not in problem(409, {"message": "Ana Lima exists"}).message


def test_a_batch_is_halved_for_rows_and_not_for_a_missing_scope() -> None:
    assert concerns_rows(problem(409))
    assert concerns_rows(problem(400, OLD))
    assert not concerns_rows(problem(403))
    assert not concerns_rows(problem(429))


POOL: Any = None


@pytest.mark.parametrize(
    ("failure", "on_write", "on_read"),
    [
        (NewConnectionError(POOL, "refused"), Transient, Transient),
        (ConnectTimeoutError(POOL, "slow"), Transient, Transient),
        (MaxRetryError(POOL, "/x", NewConnectionError(POOL, "no")), Transient, Transient),
        (ReadTimeoutError(POOL, "/x", "slow"), OutcomeUnknown, Transient),
        (MaxRetryError(POOL, "/x", ReadTimeoutError(POOL, "/x", "s")), OutcomeUnknown, Transient),
        (ProtocolError("reset"), OutcomeUnknown, Transient),
        (SSLError("bad"), Misconfigured, Misconfigured),
        (LocationParseError("x"), Misconfigured, Misconfigured),
    ],
)
def test_a_line_that_broke_means_nothing_or_the_unknown(
    failure: Any, on_write: type[KidgloveError], on_read: type[KidgloveError]
) -> None:
    means = [type(transport_error(failure, call="x", is_write=one)) for one in (True, False)]
    assert means == [on_write, on_read]
