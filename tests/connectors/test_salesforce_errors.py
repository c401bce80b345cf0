"""Every error that Salesforce states leads to the class that says what happens next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.salesforce.errors import CAUSES, NoAccess, VendorError, classified, stated
from domain.errors import (
    Ambiguous,
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

TABLE: list[tuple[str, int, type[KidgloveError]]] = [
    ("INVALID_SESSION_ID", 401, Unauthorized),
    ("INVALID_AUTH_HEADER", 401, Unauthorized),
    ("REQUEST_LIMIT_EXCEEDED", 403, RateLimited),
    ("UNABLE_TO_LOCK_ROW", 500, Transient),
    ("UNABLE_TO_LOCK_ROW", 400, Transient),
    ("SERVER_UNAVAILABLE", 503, Transient),
    ("QUERY_TIMEOUT", 400, Transient),
    ("REQUEST_RUNNING_TOO_LONG", 400, Transient),
    ("INVALID_QUERY_LOCATOR", 400, Transient),
    ("UNKNOWN_EXCEPTION", 500, OutcomeUnknown),
    ("PROCESSING_HALTED", 400, Transient),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", 400, Transient),
    ("PRECONDITION_FAILED", 412, Conflict),
    ("DUPLICATE_VALUE", 400, Conflict),
    ("ENTITY_IS_DELETED", 404, Gone),
    ("NOT_FOUND", 404, Gone),
    ("INVALID_CROSS_REFERENCE_KEY", 400, Gone),
    ("MALFORMED_ID", 400, Gone),
    ("STRING_TOO_LONG", 400, Rejected),
    ("NUMBER_OUTSIDE_VALID_RANGE", 400, Rejected),
    ("INACTIVE_OWNER_OR_USER", 400, Rejected),
    ("DUPLICATES_DETECTED", 400, Rejected),
    ("REQUIRED_FIELD_MISSING", 400, Rejected),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", 400, Rejected),
    ("FIELD_FILTER_VALIDATION_EXCEPTION", 400, Rejected),
    ("FIELD_INTEGRITY_EXCEPTION", 400, Rejected),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", 400, Rejected),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", 400, Rejected),
    ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", 400, Misconfigured),
    ("INVALID_TYPE_ON_FIELD_IN_RECORD", 400, Misconfigured),
    ("INVALID_FIELD", 400, NoAccess),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", 400, NoAccess),
    ("INVALID_TYPE", 400, NoAccess),
    ("INSUFFICIENT_ACCESS", 403, NoAccess),
    ("INSUFFICIENT_ACCESS_OR_READONLY", 403, NoAccess),
    ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", 400, NoAccess),
    ("API_CURRENTLY_DISABLED", 403, Misconfigured),
    ("API_DISABLED_FOR_ORG", 403, Misconfigured),
    ("UNSUPPORTED_API_VERSION", 500, Misconfigured),
    ("GONE", 410, Misconfigured),
    ("STORAGE_LIMIT_EXCEEDED", 400, Misconfigured),
    ("SOMETHING_NEW", 400, Bug),
]


def refused(code: str, status: int = 400, message: str = "", *, is_write: bool = True) -> Exception:
    return classified(
        status, (VendorError(code=code, message=message),), record="task k-1", is_write=is_write
    )


@pytest.mark.parametrize(("code", "status", "expected"), TABLE)
def test_each_code_has_its_class(code: str, status: int, expected: type[KidgloveError]) -> None:
    assert type(refused(code, status)) is expected


def test_the_table_of_this_test_has_every_row() -> None:
    assert {code for code, _, _ in TABLE} == {*CAUSES, "SOMETHING_NEW"}


@pytest.mark.parametrize(
    ("status", "on_write", "on_read"),
    [
        (300, Ambiguous, Ambiguous),
        (401, Unauthorized, Unauthorized),
        (404, Gone, Gone),
        (412, Conflict, Conflict),
        (418, Bug, Bug),
        (200, OutcomeUnknown, Transient),
        (502, OutcomeUnknown, Transient),
        (503, OutcomeUnknown, Transient),
    ],
)
def test_without_a_code_the_status_decides(
    status: int, on_write: type[KidgloveError], on_read: type[KidgloveError]
) -> None:
    write = classified(status, (), record="task k-1", is_write=True)
    read = classified(status, (), record="task k-1", is_write=False)
    assert (type(write), type(read)) == (on_write, on_read)


def test_a_server_fault_while_reading_did_nothing() -> None:
    assert type(refused("UNKNOWN_EXCEPTION", 500, is_write=False)) is Transient


def test_used_up_daily_calls_wait_a_quarter_of_an_hour() -> None:
    problem = refused("REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded.")
    assert isinstance(problem, RateLimited)
    assert problem.after == timedelta(minutes=15)


def test_too_many_long_calls_wait_seconds() -> None:
    problem = refused("REQUEST_LIMIT_EXCEEDED", 403, "ConcurrentPerOrgLongTxn Limit exceeded.")
    assert isinstance(problem, RateLimited)
    assert problem.after == timedelta(seconds=5)


@pytest.mark.parametrize(
    "text",
    [
        "This session is not valid for use with the REST API",
        "Connected app is not attached to Agent",
    ],
)
def test_a_401_that_no_login_cures_is_a_setting(text: str) -> None:
    assert type(refused("INVALID_SESSION_ID", 401, text)) is Misconfigured


def test_a_missing_external_id_field_is_a_setting_and_not_a_missing_record() -> None:
    problem = refused(
        "NOT_FOUND",
        404,
        "Provided external ID field does not exist or is not accessible: Dunning_Key__c",
    )
    assert isinstance(problem, NoAccess)
    assert problem.row == "Dunning_Key__c"


def test_a_hidden_field_is_named_with_its_object() -> None:
    problem = refused("INVALID_FIELD", 400, "No such column 'Health__c' on entity 'Account'. If")
    assert isinstance(problem, NoAccess)
    assert (problem.names, problem.entity) == (("Health__c",), "Account")


def test_a_message_repeats_no_data() -> None:
    problem = classified(
        400,
        stated(
            [
                {
                    "errorCode": "DUPLICATE_VALUE",
                    "message": "duplicate value found: Email duplicates dana@aurelius.example",
                    "fields": ["Email"],
                }
            ]
        ),
        record="account 001",
        is_write=True,
    )
    assert problem.message == "Salesforce refused account 001: DUPLICATE_VALUE (Email)"


def test_both_spellings_of_an_error_are_read() -> None:
    single = stated([{"errorCode": "A", "message": "m"}])
    row = stated([{"statusCode": "A", "message": "m", "fields": ["F"]}])
    assert single == (VendorError(code="A", message="m"),)
    assert row == (VendorError(code="A", message="m", fields=("F",)),)


@pytest.mark.parametrize("content", ["<html>busy</html>", None, {}, [1], [{"message": "x"}]])
def test_what_is_no_error_list_states_nothing(content: object) -> None:
    assert stated(content) == ()
