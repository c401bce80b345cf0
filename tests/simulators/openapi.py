"""Stripe's own OpenAPI document as the judge of every answer the simulator gives.

The document describes version dahlia; what endive added is listed here by hand, so that the
rest stays strict.
"""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DEFAULT = Path(__file__).resolve().parents[2] / "../shared/specs/stripe/openapi.json"

ENDIVE_PATHS = {("POST", "/v1/subscriptions/{subscription}/pause"): "subscription"}
"""Endpoints younger than the document, with the object they answer."""

ENDIVE_PARAMETERS = {
    ("POST", "/v1/billing_portal/sessions"): {"after_expiration"},
    ("POST", "/v1/subscriptions/{subscription}/resume"): {"payment_behavior"},
    ("POST", "/v1/subscriptions/{subscription}/pause"): {
        "type",
        "invoicing_behavior",
        "bill_for",
        "expand",
    },
}
"""Request parameters younger than the document."""


class Spec:
    """The document, converted once, with one compiled validator per schema in use."""

    def __init__(self, document: dict[str, Any]) -> None:
        schemas = {name: _convert(one) for name, one in document["components"]["schemas"].items()}
        self.paths: dict[str, Any] = document["paths"]
        self.kinds = {
            one["properties"]["object"]["enum"][0]: name
            for name, one in document["components"]["schemas"].items()
            if one.get("properties", {}).get("object", {}).get("enum")
            and not name.startswith("deleted_")
        }
        self._registry = Registry().with_resource(
            "stripe:spec",
            DRAFT202012.create_resource({"components": {"schemas": schemas}}),
        )
        self._validators: dict[str, Draft202012Validator] = {}

    def path_of(self, method: str, path: str) -> str:
        """The template in the document that a request path fits."""
        hits = [
            template
            for template, operations in self.paths.items()
            if method.lower() in operations
            and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        hits += [
            template
            for known, template in ENDIVE_PATHS
            if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        assert hits, f"Stripe has no {method} {path}"
        return min(hits, key=lambda template: template.count("{"))

    def parameters(self, method: str, template: str) -> set[str]:
        """The names that Stripe takes at the top level of this request."""
        extra = ENDIVE_PARAMETERS.get((method, template), set())
        operation = self.paths.get(template, {}).get(method.lower(), {})
        query = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        return query | set(self._form(method, template).get("properties", {})) | extra

    def inner_parameters(self, method: str, template: str, name: str) -> set[str] | None:
        """The names inside a hash or a list of hashes; None when the hash takes anything."""
        node = self._form(method, template).get("properties", {}).get(name, {})
        found: set[str] = set()
        for choice in [node, *node.get("anyOf", [])]:
            inner = choice.get("items", choice)
            found |= set(inner.get("properties", {}))
        return found or None

    def _form(self, method: str, template: str) -> dict[str, Any]:
        operation = self.paths.get(template, {}).get(method.lower(), {})
        content = operation.get("requestBody", {}).get("content", {})
        form: dict[str, Any] = content.get("application/x-www-form-urlencoded", {}).get(
            "schema", {}
        )
        return form

    def problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; empty when it is as Stripe says."""
        template = self.path_of(method, path)
        if status >= 400:
            return self._against("error", {"$ref": "stripe:spec#/components/schemas/error"}, body)
        if (method, template) in ENDIVE_PATHS:
            return self.object_problems(body)
        answers = self.paths[template][method.lower()]["responses"]["200"]
        schema = answers["content"]["application/json"]["schema"]
        return self._against(f"{method} {template}", _absolute(_convert(schema)), body)

    def object_problems(self, body: dict[str, Any]) -> list[str]:
        """What is wrong with one object, by its own name."""
        name = self.kinds[body["object"]]
        return self._against(name, {"$ref": f"stripe:spec#/components/schemas/{name}"}, body)

    def _against(self, name: str, schema: dict[str, Any], body: Any) -> list[str]:
        if name not in self._validators:
            self._validators[name] = Draft202012Validator(schema, registry=self._registry)
        return [
            f"{name} at {list(error.absolute_path)}: {error.message[:300]}"
            for error in self._validators[name].iter_errors(body)
        ]


def _convert(node: Any) -> Any:
    if isinstance(node, dict):
        node = {key: _convert(value) for key, value in node.items()}
        if node.pop("nullable", False):
            return {"anyOf": [node, {"type": "null"}]}
        return node
    return [_convert(part) for part in node] if isinstance(node, list) else node


def _absolute(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: f"stripe:spec{value}" if key == "$ref" else _absolute(value)
            for key, value in node.items()
        }
    return [_absolute(part) for part in node] if isinstance(node, list) else node


@functools.cache
def _load() -> Spec | None:
    path = Path(os.environ.get("KIDGLOVE_STRIPE_SPEC", DEFAULT))
    return Spec(json.loads(path.read_text())) if path.exists() else None


def stripe_spec() -> Spec:
    """The document; skips loudly without it, and fails where a skip must not pass for a proof."""
    spec = _load()
    if spec is not None:
        return spec
    reason = (
        "NOT CHECKED AGAINST STRIPE: its OpenAPI document is missing. Put it at "
        f"{DEFAULT} or name it in KIDGLOVE_STRIPE_SPEC."
    )
    if os.environ.get("CI") == "true" or os.environ.get("KIDGLOVE_REQUIRE_SPEC") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class CheckedSession(requests.Session):
    """A session for the stock library that judges every answer.

    `checked` names the endpoints whose good answers it saw, `problems` what was wrong: raising
    here would reach the test as a network error.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self._spec = spec
        self.checked: set[tuple[str, str]] = set()
        self.problems: list[str] = []

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().request(method, url, *args, **kwargs)
        verb, path = str(method).upper(), urlsplit(str(url)).path
        self.problems += self._spec.problems(verb, path, answer.status_code, answer.json())
        if answer.status_code == 200:
            self.checked.add((verb, self._spec.path_of(verb, path)))
        return answer
