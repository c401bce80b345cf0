"""Which CRMs can be connected, and how each is built from settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import redis

from domain.ports import (
    Examines,
    ListsChanges,
    ReadsAccounts,
    SurveysAccounts,
    SweepsHolds,
    WritesCrm,
)
from settings import Settings
from sync.clock import Clock

if TYPE_CHECKING:
    from mappings.mapping import FieldMapping


class CrmConnector(
    ReadsAccounts, SurveysAccounts, WritesCrm, SweepsHolds, ListsChanges, Examines, Protocol
):
    """Everything that the use cases ask of a CRM."""


class Build(Protocol):
    """Makes a connector; nothing is called before it is used."""

    def __call__(
        self,
        settings: Settings,
        *,
        mapping: FieldMapping,
        clock: Clock,
        connection: redis.Redis,
    ) -> CrmConnector:
        """The connector of the configured account."""
        ...


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """One kind of CRM: how people call it, when it is configured, and how it is built.

    `load` gives the builder; it is what imports the vendor's library, so ask only when it is
    needed. `switch` is the setting whose presence connects it. `records_per_write` is how many
    accounts one write of it takes, `calls_per_write` and `calls_per_look` the calls of one write
    and of reading a hundred accounts whole.
    """

    title: str
    switch: str
    records_per_write: int
    calls_per_write: int
    calls_per_look: int
    is_configured: Callable[[Settings], bool]
    fallback_owner: Callable[[Settings], str | None]
    load: Callable[[], Build]


def _salesforce() -> Build:
    from jobs.salesforce_wiring import build

    return build


def _hubspot() -> Build:
    from jobs.hubspot_wiring import build

    return build


CRMS: Mapping[str, Wiring] = {
    "salesforce": Wiring(
        title="Salesforce",
        switch="KIDGLOVE_SALESFORCE__INSTANCE_URL",
        records_per_write=200,
        calls_per_write=1,
        # One query for the accounts with all that hangs on them, and one for the currency.
        calls_per_look=2,
        is_configured=lambda settings: bool(settings.salesforce.instance_url),
        fallback_owner=lambda settings: settings.salesforce.fallback_owner or None,
        load=_salesforce,
    ),
    "hubspot": Wiring(
        title="HubSpot",
        switch="KIDGLOVE_HUBSPOT__TOKEN",
        records_per_write=100,
        # Each batch is written and read back.
        calls_per_write=2,
        # VENDOR: companies, then for six kinds of neighbours the links and the records (CRM API,
        # associations): one call each for a hundred.
        calls_per_look=13,
        is_configured=lambda settings: bool(settings.hubspot.token.get_secret_value()),
        fallback_owner=lambda settings: settings.hubspot.fallback_owner or None,
        load=_hubspot,
    ),
}
"""Every CRM that can be connected. The first that is configured is the primary one, unless the
policy names another."""


def connected(settings: Settings) -> tuple[str, ...]:
    """The configured CRMs, in order."""
    return tuple(name for name, one in CRMS.items() if one.is_configured(settings))


def title_here(settings: Settings) -> str:
    """How people call the CRM of this installation; "the CRM" if there is not exactly one."""
    names = connected(settings)
    return title_of(names[0]) if len(names) == 1 else title_of(None)


def title_of(system: str | None) -> str:
    """How people call a CRM; a name that is none of ours is "the CRM"."""
    return CRMS[system].title if system is not None and system in CRMS else "the CRM"
