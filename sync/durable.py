"""What the use cases need from the durable store: the shape of one open transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from domain.case import Case, Timer, TimerKind
from domain.effects import Effect
from domain.errors import KidgloveError
from domain.holds import QuietCertificate, Suppression
from domain.ids import AccountId, CaseId, Ref
from domain.ports import Incoming
from domain.rows import (
    Agreed,
    AskedField,
    EffectState,
    InboxRow,
    InboxState,
    LeasedLane,
    Link,
    Stance,
    StoredCase,
    StoredEffect,
    Urgency,
    WrittenValue,
)


class InboxPort(Protocol):
    """See `store.inbox`."""

    def store(self, messages: Sequence[Incoming], now: datetime) -> int: ...
    def take_new(self, limit: int) -> list[InboxRow]: ...
    def finish(
        self,
        id: int,
        state: InboxState,
        *,
        now: datetime,
        reason: str | None = None,
        account: AccountId | None = None,
    ) -> None: ...
    def heard_at(self, account: AccountId, source: str) -> datetime | None: ...


class LinksPort(Protocol):
    """See `store.links`."""

    def account_of(self, ref: Ref) -> AccountId | None: ...
    def open_account(self, ref: Ref, *, now: datetime, name: str | None = None) -> AccountId: ...
    def link(self, account: AccountId, ref: Ref, *, now: datetime) -> None: ...
    def quarantine(
        self, ref: Ref, *, account: AccountId | None, reason: str, now: datetime
    ) -> None: ...
    def of(self, account: AccountId) -> list[Link]: ...
    def name(self, account: AccountId, name: str) -> None: ...


class LanesPort(Protocol):
    """See `store.lanes`."""

    def mark_dirty(
        self, account: AccountId, kind: str, *, urgency: Urgency = ..., cause: str
    ) -> None: ...
    def lease(
        self, account: AccountId, kind: str, *, owner: str, now: datetime, seconds: float
    ) -> LeasedLane | None: ...
    def hold(self, lane: LeasedLane, *, seconds: float | None = None) -> None: ...
    def release(
        self, lane: LeasedLane, *, is_done: bool, not_before: datetime | None = None
    ) -> None: ...


class CasesPort(Protocol):
    """See `store.cases`."""

    def latest(self, account: AccountId) -> StoredCase | None: ...
    def by_key(self, key: str) -> StoredCase | None: ...
    def save(
        self, case: Case, *, before: StoredCase | None, arr_minor: int | None = None
    ) -> CaseId: ...
    def ledger(self, account: AccountId) -> tuple[Suppression, ...]: ...
    def save_suppression(self, account: AccountId, row: Suppression) -> None: ...
    def replace_timers(self, account: AccountId, wanted: Sequence[Timer]) -> None: ...
    def take_due_timers(self, now: datetime, limit: int) -> list[tuple[AccountId, TimerKind]]: ...
    def take_stance(
        self, account: AccountId, stance: Stance, certificate: QuietCertificate | None
    ) -> None: ...
    def stance(self, account: AccountId) -> Stance | None: ...
    def certificate(self, account: AccountId) -> QuietCertificate | None: ...
    def accounts(self, *, after: AccountId | None = None, limit: int = ...) -> list[AccountId]: ...
    def all(self, *, open_only: bool = ..., limit: int = ...) -> list[StoredCase]: ...


class EffectsPort(Protocol):
    """See `store.effects`."""

    def add(
        self,
        account: AccountId,
        effect: Effect,
        *,
        case_id: CaseId | None,
        system: str,
        state: EffectState,
        cause: str,
        config_version: str,
        now: datetime,
    ) -> bool: ...
    def open_for(self, account: AccountId, system: str) -> list[StoredEffect]: ...
    def open_keys(self, account: AccountId) -> frozenset[str]: ...
    def done_for(
        self, account: AccountId, system: str, subject: str, *, limit: int = ...
    ) -> list[StoredEffect]: ...
    def is_ours(self, key: str) -> bool: ...
    def revive(self, key: str, *, ended_before: datetime) -> bool: ...
    def start(self, ids: Sequence[int]) -> None: ...
    def keep_snapshot(self, id: int, snapshot: Mapping[str, Any]) -> None: ...
    def finish(
        self,
        id: int,
        state: EffectState,
        *,
        now: datetime,
        receipt: Mapping[str, Any] | None = None,
        error: KidgloveError | None = None,
    ) -> None: ...
    def put_off(self, id: int, *, until: datetime | None, error: KidgloveError) -> None: ...
    def act_on_observed(self, key: str) -> bool: ...
    def drop_waiting_tasks(
        self, account: AccountId, *, keep: Collection[str], now: datetime
    ) -> None: ...
    def replay_all(self, code: str) -> list[tuple[AccountId, str]]: ...
    def record_written(self, values: Sequence[WrittenValue]) -> None: ...


class AgreedPort(Protocol):
    """See `store.agreed`."""

    def of_record(self, system: str, record: str) -> dict[str, Agreed]: ...
    def of_account(self, account: AccountId) -> dict[str, dict[str, Agreed]]: ...
    def questions(self) -> list[AskedField]: ...
    def remember(
        self,
        account: AccountId,
        system: str,
        record: str,
        fields: Mapping[str, Agreed],
        *,
        now: datetime,
    ) -> None: ...


class AuditPort(Protocol):
    """See `store.audit`."""

    def note(
        self,
        kind: str,
        text: str,
        *,
        now: datetime,
        account: AccountId | None = None,
        case_id: CaseId | None = None,
        actor: str = ...,
        details: Mapping[str, Any] | None = None,
    ) -> None: ...
    def raise_alert(
        self, key: str, text: str, *, rule: str, now: datetime, account: AccountId | None
    ) -> bool: ...


class ConfigVersionPort(Protocol):
    """One stored version of a document."""

    @property
    def text(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def label(self) -> str: ...


class SystemPort(Protocol):
    """See `store.system`."""

    def cursor(self, name: str) -> str | None: ...
    def set_cursor(self, name: str, value: str, *, now: datetime) -> None: ...
    def open_circuit(self, system: str, *, reason: str, now: datetime) -> bool: ...
    def is_cut_off(self, system: str, *, now: datetime, probe_after: timedelta) -> bool: ...
    def close_circuit(self, system: str) -> bool: ...
    def config(self, name: str, *, before: int | None = None) -> ConfigVersionPort | None: ...
    def add_config(
        self, name: str, text: str, *, author: str, note: str, now: datetime
    ) -> ConfigVersionPort: ...
    def save_picture(
        self, account: AccountId, source: str, *, digest: str, picture: Any, read_at: datetime
    ) -> bool: ...
    def picture(self, account: AccountId, source: str) -> Any | None: ...


class TransactionPort(Protocol):
    """One open transaction with every repository."""

    @property
    def inbox(self) -> InboxPort: ...
    @property
    def links(self) -> LinksPort: ...
    @property
    def lanes(self) -> LanesPort: ...
    @property
    def cases(self) -> CasesPort: ...
    @property
    def effects(self) -> EffectsPort: ...
    @property
    def agreed(self) -> AgreedPort: ...
    @property
    def audit(self) -> AuditPort: ...
    @property
    def system(self) -> SystemPort: ...


class Store(Protocol):
    """Opens transactions: committed when the block ends well, rolled back when it raises."""

    def begin(self) -> AbstractContextManager[TransactionPort]: ...
