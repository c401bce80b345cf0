"""The policy and the mappings in force, read anew before every evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from domain.policy import Policy
from domain.workdays import Calendar
from mappings.calendars import calendar_for
from mappings.findings import FileProblems
from mappings.mapping import FieldMapping
from mappings.mapping_file import default_mapping, load_mapping
from mappings.policy_file import load_policy, preset
from sync.durable import ConfigVersionPort, TransactionPort

T = TypeVar("T")

POLICY = "policy"
"""The name under which policy versions are stored."""


def mapping_name(crm: str) -> str:
    """The name under which the versions of a CRM's mapping are stored."""
    return f"mapping:{crm}"


def crm_of(name: str) -> str | None:
    """The CRM whose mapping is stored under this name; None for the policy."""
    kind, _, crm = name.partition(":")
    return crm if kind == "mapping" else None


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything an admin may change, as of one evaluation. `label` names the versions.

    `mappings` has one for each connected CRM, by its system's name.
    """

    policy: Policy
    mappings: Mapping[str, FieldMapping]
    calendar: Calendar
    label: str


def with_policy(config: Config, policy: Policy, now: datetime) -> Config:
    """The same configuration with another policy and its working days."""
    return replace(config, policy=policy, calendar=_calendar(policy, now))


def _calendar(policy: Policy, now: datetime) -> Calendar:
    return calendar_for(policy.calendar, range(now.year - 1, now.year + 3))


class Configs:
    """Loads the newest stored documents that can be read; none is parsed twice.

    With nothing stored, the shipped preset and mapping hold. A change needs no restart: the next
    evaluation asks for the newest version. A version that cannot be read changes nothing: the one
    before it stays in force, in every process alike, and the administrators are told once.
    """

    def __init__(self, *, default_preset: str, crms: Sequence[str]) -> None:
        self._policy = _Document(
            POLICY, load_policy, partial(preset, default_preset), f"{POLICY}:{default_preset}"
        )
        self._mappings = {
            crm: _Document(
                mapping_name(crm),
                load_mapping,
                partial(default_mapping, crm),
                f"{mapping_name(crm)}:shipped",
            )
            for crm in crms
        }

    def current(self, tx: TransactionPort, now: datetime) -> Config:
        """The configuration in force."""
        policy, label = self._policy.in_force(tx, now)
        mappings = {crm: one.in_force(tx, now) for crm, one in self._mappings.items()}
        return Config(
            policy=policy,
            mappings={crm: mapping for crm, (mapping, _) in mappings.items()},
            calendar=_calendar(policy, now),
            label=" ".join([label, *(named for _, named in mappings.values())]),
        )


class _Document(Generic[T]):
    """One kind of document, what reads it, and what ships in its place."""

    def __init__(
        self, name: str, read: Callable[..., T], ship: Callable[[], T], shipped: str
    ) -> None:
        self._name = name
        self._read = read
        self._ship = ship
        self._shipped = shipped
        self._known: dict[int, T | FileProblems] = {}

    def in_force(self, tx: TransactionPort, now: datetime) -> tuple[T, str]:
        """The newest version that can be read, and its label."""
        passed: list[tuple[str, FileProblems]] = []
        stored = tx.system.config(self._name)
        found: T | FileProblems | None = None
        while stored is not None:
            found = self._version(stored)
            if not isinstance(found, FileProblems):
                break
            passed.append((stored.label, found))
            stored = tx.system.config(self._name, before=stored.version)
        if found is None or isinstance(found, FileProblems):
            found = self._ship()
        label = stored.label if stored is not None else self._shipped
        for refused, problems in passed:
            tx.audit.raise_alert(
                f"config:{refused}",
                f"{refused} cannot be used, and {label} stays in force. {problems.message} "
                f"{problems.remedy}",
                rule="config.unreadable",
                now=now,
                account=None,
            )
        return found, label

    def _version(self, stored: ConfigVersionPort) -> T | FileProblems:
        if stored.version not in self._known:
            try:
                self._known[stored.version] = self._read(stored.text, name=stored.label)
            except FileProblems as problems:
                self._known[stored.version] = problems
        return self._known[stored.version]
