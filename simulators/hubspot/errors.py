"""Refusals in HubSpot's own words: `status`, `category`, `message`, and what they are about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Refusal(Exception):
    """A request or a row that the portal refuses; `about` is the JSON `context`."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        about: Mapping[str, Sequence[str]] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        links: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{category}: {message}")
        self.status = status
        self.category = category
        self.message = message
        self.about = {key: list(texts) for key, texts in (about or {}).items()}
        self.errors = [dict(one) for one in errors]
        self.links = dict(links or {})
        self.more = dict(more or {})

    def alone(self, correlation: str) -> dict[str, Any]:
        """The body of a refused request."""
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": correlation,
            "category": self.category,
        }
        if self.about:
            body["context"] = self.about
        if self.errors:
            body["errors"] = self.errors
        if self.links:
            body["links"] = self.links
        return body | self.more

    def in_batch(self, about: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """One entry of a batch's `errors`; `about` says which inputs it is about."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": {**self.about, **{key: list(texts) for key, texts in about.items()}},
            "errors": self.errors,
            "links": self.links,
        }


@dataclass(frozen=True)
class RowHarm:
    """An error that a dial has put on some written rows of one request, those at `rows` or all."""

    refusal: Refusal
    type: str | None = None
    rows: frozenset[int] | None = None

    def hits(self, type_name: str, place: int) -> bool:
        """Whether the row at that place of the request is one of them."""
        return self.type in (None, type_name) and (self.rows is None or place in self.rows)


def invalid(message: str, **more: Any) -> Refusal:
    """400 VALIDATION_ERROR."""
    return Refusal(400, "VALIDATION_ERROR", message, **more)


def invalid_property(name: str, code: str, message: str, *, status: int = 400) -> Refusal:
    """A property value that the portal does not take, told twice: as text and as `errors`."""
    told = {"isValid": False, "message": message, "error": code, "name": name}
    return Refusal(
        status,
        "VALIDATION_ERROR" if status == 400 else "CONFLICT",
        f"Property values were not valid: [{json.dumps(told)}]",
        errors=[{"message": message, "code": code, "context": {"propertyName": [name]}}],
    )


def not_found(what: str = "Object not found.  objectId are usually numeric.") -> Refusal:
    """404 for a record, property, owner or path that is not there."""
    return Refusal(404, "OBJECT_NOT_FOUND", what)


def no_such_path() -> Refusal:
    """404 for a path that leads nowhere."""
    return Refusal(404, "NOT_FOUND", "Unable to find a handler for this request")


def not_allowed(method: str) -> Refusal:
    """405 for a known path."""
    return Refusal(405, "METHOD_NOT_ALLOWED", f"HTTP {method} is not supported here")


def bad_json() -> Refusal:
    """400 for a body that is no JSON object."""
    return invalid("Invalid input JSON on line 1, column 1: Unexpected character")


def missing_scopes(scopes: Sequence[str]) -> Refusal:
    """403 that names what the credential lacks; any one of `scopes` would do."""
    text = "This app hasn't been granted all required scopes to make this call."
    return Refusal(
        403,
        "MISSING_SCOPES",
        text,
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
    )


def unauthenticated(message: str, category: str = "INVALID_AUTHENTICATION") -> Refusal:
    """401: no credential, an unknown one, or one past its time."""
    return Refusal(401, category, message)
