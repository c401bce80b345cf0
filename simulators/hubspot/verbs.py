"""The verbs of the control API: the Python API by name, with JSON arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol


class Acts(Protocol):
    """What the verbs are taken from."""

    def human(self, owner_id: str) -> Any: ...


_PLAIN = (
    "activate",
    "add_company",
    "add_contact",
    "add_label",
    "add_owner",
    "add_property",
    "add_ticket",
    "clear_rules",
    "deactivate",
    "drop_property",
    "get",
    "history",
    "install",
    "kill_tokens",
    "linked",
    "merge_companies",
    "rename_option",
    "repeat_event_ids",
    "require_on_create",
    "require_when",
    "revoke_key",
    "revoke_scope",
    "rotate_key",
    "rows",
    "set_app_token",
    "set_away",
    "set_batches",
    "set_limits",
    "set_merging",
    "set_options",
    "set_page_size",
    "set_scopes",
    "set_search_lag",
    "set_unique_on",
    "set_up",
    "set_working_hours",
    "set_zone",
    "use_up_daily",
    "watch",
    "write_journal",
)
_DATED = ("add_task", "add_note", "add_call", "add_email", "add_meeting")


def verbs_of(sim: Acts) -> Mapping[str, Callable[..., Any]]:
    """Every verb by name."""

    def human_update(owner_id: str, type_name: str, id: str, properties: dict[str, Any]) -> None:
        sim.human(owner_id).update(type_name, id, properties)

    def human_create(
        owner_id: str, type_name: str, properties: dict[str, Any], links: list[list[str]]
    ) -> Any:
        ends = [(one[0], one[1]) for one in links]
        return sim.human(owner_id).create(type_name, properties, ends)

    def human_delete(owner_id: str, type_name: str, id: str) -> None:
        sim.human(owner_id).delete(type_name, id)

    def human_restore(owner_id: str, type_name: str, id: str) -> None:
        sim.human(owner_id).restore(type_name, id)

    def complete_task(owner_id: str, id: str, properties: dict[str, Any] | None = None) -> None:
        sim.human(owner_id).complete_task(id, **(properties or {}))

    def snooze_task(owner_id: str, id: str, until: str) -> None:
        sim.human(owner_id).snooze_task(id, datetime.fromisoformat(until))

    def reassign_task(owner_id: str, id: str, to: str) -> None:
        sim.human(owner_id).reassign_task(id, to)

    def log_call(owner_id: str, company: str, title: str, **more: Any) -> Any:
        return sim.human(owner_id).log_call(company, title, **_moments(more))

    own = (
        human_update,
        human_create,
        human_delete,
        human_restore,
        complete_task,
        snooze_task,
        reassign_task,
        log_call,
    )
    return (
        {name: getattr(sim, name) for name in _PLAIN}
        | {name: _dated(getattr(sim, name)) for name in _DATED}
        | {one.__name__: one for one in own}
    )


def _dated(verb: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **given: verb(**_moments(given))


def _moments(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name in ("at", "due") and value else value
        for name, value in given.items()
    }
