"""Renaming picklist labels: what people see changes, the API value never does."""

from __future__ import annotations

from dataclasses import replace

from simulators.salesforce.org import Org

_TABLES = {"Status": "TaskStatus", "Priority": "TaskPriority"}


def rename_label(org: Org, object_name: str, field: str, value: str, label: str) -> None:
    """Give one picklist value another label; KeyError when there is no such value."""
    if object_name == "Task" and field in _TABLES:
        for record, row in org.live[_TABLES[field]].items():
            if row["ApiName"] == value:
                org.live[_TABLES[field]][record] = {**row, "MasterLabel": label}
                return
    names: tuple[str, ...] = (object_name,)
    one = org.schema[object_name].fields[field]
    if one.shared_on == "Activity":
        names = ("Task", "Event")
    if value not in [choice.value for choice in one.choices]:
        raise KeyError(f"{object_name}.{field} has no value {value!r}")
    choices = tuple(
        replace(choice, label=label) if choice.value == value else choice for choice in one.choices
    )
    for name in names:
        org.replace_field(name, replace(one, choices=choices))
