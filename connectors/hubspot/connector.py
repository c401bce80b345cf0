"""HubSpot as the ports see it: one object that has every capability of this vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.hubspot import ids, signals
from connectors.hubspot.changes import ChangeLister
from connectors.hubspot.client import TIMEOUTS, Client
from connectors.hubspot.definitions import Definitions
from connectors.hubspot.described import described
from connectors.hubspot.doctor import Doctor, Expected
from connectors.hubspot.gateway import Gateway
from connectors.hubspot.journal import PREFIX, Companies, Journal
from connectors.hubspot.names import Names
from connectors.hubspot.people import People
from connectors.hubspot.portal import Portal
from connectors.hubspot.read import AccountReader, Found
from connectors.hubspot.suggest import AccountSuggester
from connectors.hubspot.survey import AccountSurveyor
from connectors.hubspot.sweep import HoldSweeper
from connectors.hubspot.tasks import TaskFields
from connectors.hubspot.write import CrmWriter
from connectors.hubspot.write_fields import FieldWriter
from connectors.hubspot.write_tasks import TaskWriter
from connectors.kit.http import Timeouts
from connectors.kit.limits import Limiter
from connectors.kit.retry import Retry
from domain.described import DescribedField
from domain.errors import KidgloveError
from domain.facts import Person
from domain.ids import Ref
from domain.ports import (
    AccountGlance,
    FieldsChange,
    Finding,
    Hint,
    Page,
    ReadPlan,
    Receipt,
    TaskChange,
)
from domain.suggestions import Candidate, Wanted


class HubspotConnector:
    """`ReadsAccounts`, `SurveysAccounts`, `WritesCrm`, `ListsChanges`, `SendsSignals`,
    `SweepsHolds`, `Examines`, `Describes`, `SuggestsAccounts`.

    For one process and one thread, made after the fork. `calls` counts the HTTP requests by kind.
    Whatever reads or writes records raises `Misconfigured` if the token is another portal's.
    `base_url` sends all traffic to a simulator.
    """

    def __init__(
        self,
        token: str,
        *,
        names: Names,
        expected: Expected,
        clock: Callable[[], datetime],
        limiter: Limiter | None = None,
        search_limiter: Limiter | None = None,
        base_url: str | None = None,
        timeouts: Timeouts = TIMEOUTS,
        retry: Retry | None = None,
        journal: Callable[[Companies], Journal] | None = None,
    ) -> None:
        """With a `journal`, changes are read from it instead of being searched for."""
        self._gateway = Gateway(
            Client(
                token,
                base_url=base_url,
                limiter=limiter,
                search_limiter=search_limiter,
                timeouts=timeouts,
                retry=retry,
            )
        )
        companies = Definitions(self._gateway, ids.COMPANIES, now=clock)
        tasks = Definitions(self._gateway, ids.TASKS, now=clock)
        self._portal = Portal(self._gateway, portal_id=expected.portal_id, now=clock)
        people = People(self._gateway, now=clock, zone=self._portal.zone)
        fields = TaskFields(key=names.task_key, outcome=names.task_outcome)
        self._reader = AccountReader(
            self._gateway, companies, people, names, self._portal.pages, now=clock
        )
        self._surveyor = AccountSurveyor(self._gateway, companies)
        self._writer = CrmWriter(
            TaskWriter(self._gateway, tasks, people, fields, now=clock),
            FieldWriter(self._gateway, companies),
        )
        self._changes = ChangeLister(self._gateway, names)
        self._journal = journal(self._changes.companies_of) if journal else None
        self._sweeper = HoldSweeper(self._gateway, companies, names)
        self._suggester = AccountSuggester(self._gateway, names)
        self._doctor = Doctor(self._gateway, people, names, expected, now=clock)

    @property
    def calls(self) -> Counter[str]:
        """How many HTTP requests were made, by kind."""
        return self._gateway.calls

    def read_accounts(
        self,
        *,
        ids: Sequence[str] = (),
        customers: Sequence[str] = (),
        plan: ReadPlan,
        urgent: bool = False,
    ) -> Found:
        """See `ReadsAccounts.read_accounts`; a fixed number of calls for each hundred accounts."""
        self._portal.need_ours()
        # Urgent accounts come alone, so a batch of one may use the calls kept in reserve.
        alone = len(ids) + len(customers) == 1
        return self._reader.read_accounts(
            ids=ids, customers=customers, plan=plan, urgent=urgent or alone
        )

    def survey_accounts(
        self, *, ids: Sequence[str] = (), customers: Sequence[str] = (), plan: ReadPlan
    ) -> Mapping[str, tuple[AccountGlance, ...] | KidgloveError]:
        """See `SurveysAccounts.survey_accounts`; one call per hundred companies."""
        self._portal.need_ours()
        return self._surveyor.survey_accounts(ids=ids, customers=customers, plan=plan)

    def person(self, id: str) -> Person | KidgloveError:
        """See `ReadsAccounts.person`."""
        return self._reader.person(id)

    def write(
        self,
        changes: Sequence[TaskChange | FieldsChange],
        *,
        known: Mapping[Ref, Mapping[str, Any]] | None = None,
        urgent: bool = False,
    ) -> Sequence[Receipt | KidgloveError]:
        """See `WritesCrm.write`; a batch with a high-priority task is urgent by itself."""
        self._portal.need_ours()
        return self._writer.write(changes, known=known, urgent=urgent)

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """See `ListsChanges.changes`; two or three calls a page. A cursor of the other way begins
        anew, so that the way can be changed at any time."""
        self._portal.need_ours()
        if self._journal is not None:
            return self._journal.changes(cursor, now=now)
        is_ours = cursor is not None and not cursor.startswith(PREFIX)
        return self._changes.changes(cursor if is_ours else None, now=now)

    def hints(self, body: bytes) -> Sequence[Hint]:
        """See `SendsSignals.hints`."""
        return signals.hints(body)

    def accounts_on_hold(self, *, plan: ReadPlan, words: Sequence[str]) -> Sequence[Ref]:
        """See `SweepsHolds.accounts_on_hold`; one call for each two hundred of them."""
        if words:
            self._portal.need_ours()
        return self._sweeper.accounts_on_hold(plan=plan, words=words)

    def suggest(self, wanted: Sequence[Wanted]) -> Mapping[str, tuple[Candidate, ...]]:
        """See `SuggestsAccounts.suggest`."""
        if any(one.name or one.domains for one in wanted):
            self._portal.need_ours()
        return self._suggester.suggest(wanted)

    def describe_fields(self, object: str) -> Mapping[str, DescribedField]:
        """See `Describes.describe_fields`; one call."""
        return described(object, self._gateway.properties(object))

    def examine(self) -> Sequence[Finding]:
        """See `Examines.examine`."""
        return self._doctor.examine()
