"""What a stored message hints at: the companies to look at again, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.hubspot import ids
from connectors.hubspot.webhook import event_key
from connectors.hubspot.wire import moment_or_none
from domain.ids import Ref
from domain.ports import Hint

_KINDS: Mapping[str, str] = {"company": "account", "0-2": "account", "task": "task", "0-27": "task"}
"""The object types that concern us, in the words of both dialects."""


def hints(body: bytes) -> list[Hint]:
    """The hints in a stored message, one for each record that it names, oldest event first.

    ValueError if it cannot be read. What changed is never believed: the record is read. Nothing is
    dropped because an integration changed it: another tool may say that an account is in
    resolution, and an echo of ours says nothing new.
    """
    try:
        said = json.loads(body)
    except RecursionError as error:
        raise ValueError("a stored message is nested too deeply") from error
    events = said if isinstance(said, list) else [said]
    found: dict[Ref, Hint] = {}
    if not all(isinstance(event, Mapping) for event in events):
        raise ValueError("an event is a JSON object")
    for event in sorted(events, key=_moment):
        for hint in _hints(event):
            found.setdefault(hint.ref, hint)
    return list(found.values())


def _hints(event: Mapping[str, Any]) -> list[Hint]:
    kind_of_event = str(event.get("subscriptionType") or event.get("eventType") or "")
    if not kind_of_event:
        raise ValueError("the event has no subscription type")
    subject, _, verb = kind_of_event.partition(".")
    merged = event.get("mergedObjectIds")
    records = [
        event.get("objectId"),
        event.get("primaryObjectId"),
        event.get("newObjectId"),
        *(merged if isinstance(merged, list) else ()),
    ]
    kinds = [(_kind(subject, event.get("objectTypeId")), one) for one in records]
    if verb == "associationChange":
        kinds += _ends(event)
    at = moment_or_none(event.get("occurredAt"))
    return [
        Hint(
            ref=Ref(ids.SYSTEM, kind, ids.known(record)),
            topic=f"{'company' if kind == 'account' else kind}.{verb}",
            event_id=f"event:{event_key(event)[:40]}",
            at=at,
        )
        for kind, record in kinds
        if kind is not None and record not in (None, "", 0)
    ]


def _kind(subject: str, type_id: object) -> str | None:
    return _KINDS.get(str(type_id) if subject == "object" else subject)


def _ends(event: Mapping[str, Any]) -> list[tuple[str | None, Any]]:
    """The records of an association change, whose type reads like `COMPANY_TO_CONTACT`."""
    source, _, target = str(event.get("associationType") or "").lower().partition("_to_")
    return [
        (_KINDS.get(source), event.get("fromObjectId")),
        (_KINDS.get(target), event.get("toObjectId")),
    ]


def _moment(event: Mapping[str, Any]) -> int:
    at = event.get("occurredAt")
    return at if isinstance(at, int) else 0
