"""The policy and the mappings in force, read anew before every evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.policy import Policy
from domain.workdays import Calendar
from mappings.calendars import calendar_for
from mappings.mapping import FieldMapping
from mappings.mapping_file import default_mapping, load_mapping
from mappings.policy_file import load_policy, preset
from sync.durable import TransactionPort

POLICY = "policy"
"""The name under which policy versions are stored; mappings are `mapping:<system>`."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything an admin may change, as of one evaluation. `label` names the versions."""

    policy: Policy
    mapping: FieldMapping
    calendar: Calendar
    label: str


class Configs:
    """Loads the newest stored documents; a version that was read once is not parsed again.

    With nothing stored, the shipped preset and mapping hold. A change needs no restart: the next
    evaluation asks for the newest version.
    """

    def __init__(self, *, default_preset: str, crm: str) -> None:
        self._preset = default_preset
        self._crm = crm
        self._policies: dict[int, Policy] = {}
        self._mappings: dict[int, FieldMapping] = {}

    def current(self, tx: TransactionPort, now: datetime) -> Config:
        """The configuration in force. Raises `FileProblems` if a stored document cannot be read."""
        stored = tx.system.config(POLICY)
        if stored is None:
            policy, label = preset(self._preset), f"{POLICY}:{self._preset}"
        else:
            if stored.version not in self._policies:
                self._policies = {stored.version: load_policy(stored.text, name=stored.label)}
            policy, label = self._policies[stored.version], stored.label
        name = f"mapping:{self._crm}"
        mapped = tx.system.config(name)
        if mapped is None:
            mapping, mapping_label = default_mapping(self._crm), f"{name}:shipped"
        else:
            if mapped.version not in self._mappings:
                self._mappings = {mapped.version: load_mapping(mapped.text, name=mapped.label)}
            mapping, mapping_label = self._mappings[mapped.version], mapped.label
        calendar = calendar_for(policy.calendar, range(now.year - 1, now.year + 3))
        return Config(
            policy=policy, mapping=mapping, calendar=calendar, label=f"{label} {mapping_label}"
        )
