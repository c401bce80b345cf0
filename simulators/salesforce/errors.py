"""Refusals in Salesforce's own words: `errorCode` alone, `statusCode` inside collections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    """A request or row that the org refuses; carries HTTP status, code, message and fields."""

    def __init__(
        self, status: int, code: str, message: str, fields: Sequence[str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)

    def alone(self) -> list[dict[str, Any]]:
        """The body of a single call: a list with `errorCode`."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = self.fields
        return [entry]

    def in_row(self) -> dict[str, Any]:
        """The error of one collection row: `statusCode`, and `fields` always present."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}


def missing_resource() -> Refusal:
    """The path leads nowhere, or to something this user may not see."""
    return Refusal(404, "NOT_FOUND", "The requested resource does not exist")


def bad_json(message: str) -> Refusal:
    """The body cannot be read into the record's types."""
    return Refusal(400, "JSON_PARSER_ERROR", message)


def malformed_query(message: str) -> Refusal:
    """SOQL that this org does not understand."""
    return Refusal(400, "MALFORMED_QUERY", message)


def locked(record: str) -> Refusal:
    """Another transaction holds the row; a production client saw this as HTTP 500."""
    text = f"unable to obtain exclusive access to this record or 1 records: {record}"
    return Refusal(500, "UNABLE_TO_LOCK_ROW", text, [])


def expired_session() -> Refusal:
    """The access token is unknown, killed or past its time."""
    return Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")


def rolled_back() -> Refusal:
    """What an innocent sibling of a failed composite subrequest is told."""
    text = "The transaction was rolled back since another operation in the same transaction failed."
    return Refusal(400, "PROCESSING_HALTED", text)


def rolled_back_row() -> Refusal:
    """What an innocent row of a failed all-or-none collection is told."""
    text = "Record rolled back because not all records were valid and the request was using"
    return Refusal(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", f"{text} AllOrNone header", [])
