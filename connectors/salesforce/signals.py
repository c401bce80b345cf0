"""What a stored message hints at: the account to look at again, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.salesforce import ids
from domain.ids import Ref
from domain.ports import Hint


def hints(body: bytes) -> list[Hint]:
    """The hint in a stored message. ValueError if it cannot be read.

    A task hints at its account when the message names it, else at itself.
    """
    try:
        said = json.loads(body)
    except RecursionError as error:
        raise ValueError("a stored message is nested too deeply") from error
    if not isinstance(said, dict):
        raise ValueError("a stored message is a JSON object")
    kind, event, entity, record = (_text(said, name) for name in ("kind", "event", "object", "id"))
    account = said.get("account")
    return [
        Hint(
            ref=subject(entity, record, str(account) if account else None),
            topic=f"{entity.lower()}.changed",
            event_id=f"{kind}:{event}",
        )
    ]


def subject(entity: str, record: str, account: str | None) -> Ref:
    """The record to look at: the account wherever one is known. ValueError for a wrong id.

    # VENDOR: a task may hang on a deal or a case as well; only ids that begin with 001 are
    # accounts (Object Reference, key prefixes).
    """
    if entity == "Account":
        return ids.account(record)
    if account and account.startswith("001"):
        return ids.account(account)
    return Ref(ids.SYSTEM, entity.lower(), ids.to_18(record))


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the message has no {name}")
    return value
