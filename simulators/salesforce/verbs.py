"""The verbs of the control API: the Python API by name, with JSON arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Protocol


class Acts(Protocol):
    """What the verbs are taken from."""

    def human(self, user_id: str) -> Any: ...
    def add_event(self, account: str, subject: str, *, start: datetime, **fields: Any) -> str: ...
    def rows(self, object_name: str, **equals: Any) -> Any: ...
    def add_task(self, account: str | None, subject: str, **fields: Any) -> str: ...


_PLAIN = (
    "activate",
    "add_account",
    "add_case",
    "add_contact",
    "add_field",
    "add_queue",
    "add_user",
    "clear_rules",
    "deactivate",
    "describe",
    "forget_locators",
    "get",
    "grant_edit",
    "hide_field",
    "hide_object",
    "hold_lock",
    "kill_tokens",
    "merge_accounts",
    "release_lock",
    "rename_picklist_label",
    "revoke_edit",
    "set_chatter",
    "set_page_size",
    "set_quota",
    "set_task_priorities",
    "set_task_statuses",
    "set_visibility_lag",
    "show_field",
    "show_object",
    "use_up_quota",
    "watch",
)


def verbs_of(sim: Acts) -> Mapping[str, Callable[..., Any]]:
    """Every verb by name."""

    def human_update(user_id: str, object: str, id: str, fields: dict[str, Any]) -> None:
        sim.human(user_id).update(object, id, fields)

    def human_create(user_id: str, object: str, fields: dict[str, Any]) -> Any:
        return sim.human(user_id).create(object, fields)

    def human_delete(user_id: str, object: str, id: str) -> None:
        sim.human(user_id).delete(object, id)

    def complete_task(user_id: str, id: str, outcome: str | None = None) -> None:
        sim.human(user_id).complete_task(id, outcome)

    def add_event(account: str, subject: str, start: str, **more: Any) -> str:
        return sim.add_event(account, subject, start=datetime.fromisoformat(start), **more)

    def add_task(account: str, subject: str, due: str | None = None, **more: Any) -> str:
        day = None if due is None else date.fromisoformat(due)
        return sim.add_task(account, subject, due=day, **more)

    def rows(object: str, **equals: Any) -> Any:
        return sim.rows(object, **equals)

    own = (human_update, human_create, human_delete, complete_task, add_event, add_task, rows)
    return {name: getattr(sim, name) for name in _PLAIN} | {one.__name__: one for one in own}
