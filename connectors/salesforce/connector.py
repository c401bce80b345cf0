"""Salesforce as the ports see it: one object that has every capability of this vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import requests

from connectors.kit.limits import Limiter, Unlimited
from connectors.kit.retry import Retry
from connectors.kit.tokens import TokenProvider
from connectors.salesforce import signals
from connectors.salesforce.changes import ChangeLister
from connectors.salesforce.client import Gateway
from connectors.salesforce.described import described
from connectors.salesforce.doctor import Doctor, Expected
from connectors.salesforce.login import new_salesforce_session
from connectors.salesforce.names import Names
from connectors.salesforce.read import AccountReader, Found
from connectors.salesforce.suggest import AccountSuggester
from connectors.salesforce.survey import AccountSurveyor
from connectors.salesforce.sweep import HoldSweeper
from connectors.salesforce.tasks import TaskFields
from connectors.salesforce.vocabulary import TaskWords
from connectors.salesforce.write import CrmWriter
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


class SalesforceConnector:
    """`ReadsAccounts`, `SurveysAccounts`, `WritesCrm`, `ListsChanges`, `SendsSignals`,
    `SweepsHolds`, `Describes`, `Examines`, `SuggestsAccounts`.

    For one process and one thread; the token is shared with all others through its provider.
    `calls` counts the HTTP requests by kind. `base_url` sends all traffic to a simulator.
    """

    def __init__(
        self,
        *,
        tokens: TokenProvider,
        instance_url: str,
        names: Names,
        expected: Expected,
        clock: Callable[[], datetime],
        limiter: Limiter | None = None,
        session: requests.Session | None = None,
        base_url: str | None = None,
        away_field: str | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._gateway = Gateway(
            tokens,
            instance_url=instance_url,
            session=session or new_salesforce_session(instance_url=instance_url, base_url=base_url),
            limiter=limiter or Unlimited(),
            now=clock,
            retry=retry,
        )
        words = TaskWords(self._gateway, now=clock)
        fields = TaskFields(key=names.task_key, outcome=names.task_outcome)
        self._reader = AccountReader(
            self._gateway,
            instance_url=instance_url,
            now=clock,
            away_field=away_field,
            names=names,
        )
        self._surveyor = AccountSurveyor(self._gateway)
        self._writer = CrmWriter(self._gateway, words, fields)
        self._changes = ChangeLister(self._gateway, names)
        self._sweeper = HoldSweeper(self._gateway, names)
        self._suggester = AccountSuggester(self._gateway, names)
        self._doctor = Doctor(self._gateway, self._reader, words, names, expected)

    @property
    def calls(self) -> Counter[str]:
        """How many HTTP requests were made, by kind; logins are not among them."""
        return self._gateway.calls

    @property
    def last_request_id(self) -> str | None:
        """Salesforce's own id of the last request, for its support."""
        return self._gateway.last_request_id

    def read_accounts(
        self,
        *,
        ids: Sequence[str] = (),
        customers: Sequence[str] = (),
        plan: ReadPlan,
        urgent: bool = False,
    ) -> Found:
        """See `ReadsAccounts.read_accounts`; one call per hundred accounts."""
        # Urgent accounts come alone, so a batch of one may use the calls kept in reserve.
        alone = len(ids) + len(customers) == 1
        return self._reader.read_accounts(
            ids=ids, customers=customers, plan=plan, urgent=urgent or alone
        )

    def survey_accounts(
        self, *, ids: Sequence[str] = (), customers: Sequence[str] = (), plan: ReadPlan
    ) -> Mapping[str, tuple[AccountGlance, ...] | KidgloveError]:
        """See `SurveysAccounts.survey_accounts`; one call per four hundred accounts."""
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
        return self._writer.write(changes, known=known, urgent=urgent)

    def changes(self, cursor: str | None, *, now: datetime) -> Page:
        """See `ListsChanges.changes`; one call a page."""
        return self._changes.changes(cursor, now=now)

    def hints(self, body: bytes) -> Sequence[Hint]:
        """See `SendsSignals.hints`."""
        return signals.hints(body)

    def accounts_on_hold(self, *, plan: ReadPlan, words: Sequence[str]) -> Sequence[Ref]:
        """See `SweepsHolds.accounts_on_hold`; one call."""
        return self._sweeper.accounts_on_hold(plan=plan, words=words)

    def suggest(self, wanted: Sequence[Wanted]) -> Mapping[str, tuple[Candidate, ...]]:
        """See `SuggestsAccounts.suggest`."""
        return self._suggester.suggest(wanted)

    def describe_fields(self, object: str) -> Mapping[str, DescribedField]:
        """See `Describes.describe_fields`; one call."""
        return described(object, self._gateway.describe(object))

    def examine(self) -> Sequence[Finding]:
        """See `Examines.examine`."""
        return self._doctor.examine()
