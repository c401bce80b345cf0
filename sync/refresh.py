"""Reading the truth about leased accounts, in batches and in stages, with no transaction open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.errors import Ambiguous, Gone, KidgloveError
from domain.facts import (
    AccountFacts,
    CrmPicture,
    InvoiceStatus,
    PaymentPicture,
    Person,
    WorkItem,
)
from domain.holds import Suppression
from domain.ids import AccountId, Ref
from domain.leaf import Known, Leaf, Missing
from domain.ports import AccountRecord, FoundAccounts, ReadsAccounts, ReadsPayments
from domain.rows import Link, LinkState, StoredCase
from mappings.translate import crm_parts, read_plan
from sync.clock import Clock
from sync.configs import Config

ACCOUNT = "account"
"""The kind of a CRM record that an account of ours is linked with."""
FALLBACK_FOR = timedelta(minutes=10)
"""How long the last recipient is taken to be there still: each look costs a call."""


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What the store knows about one account before it is read."""

    account: AccountId
    links: tuple[Link, ...]
    case: StoredCase | None
    ledger: tuple[Suppression, ...]
    was_intercepting: bool = False
    cause: str = ""

    def external_id(self, system: str, kind: str) -> str | None:
        """The confirmed record of this account in a system, or None."""
        return next(
            (
                link.external_id
                for link in self.links
                if link.system == system and link.kind == kind and link.state is LinkState.CONFIRMED
            ),
            None,
        )


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """The facts of one account, and the CRM account that was found for it."""

    facts: AccountFacts
    crm_ref: Ref | None = None
    ambiguous: tuple[Ref, ...] = ()
    errors: tuple[KidgloveError, ...] = ()


class Refresh:
    """Reads payments first, and the CRM only where something is, or may become, a case."""

    def __init__(
        self,
        *,
        payments_system: str,
        payments: ReadsPayments,
        crm_system: str,
        crm: ReadsAccounts | None,
        clock: Clock,
        fallback_owner: str | None = None,
    ) -> None:
        self.payments_system = payments_system
        self.crm_system = crm_system
        self._payments = payments
        self._crm = crm
        self._clock = clock
        self._fallback_owner = fallback_owner
        self._fallback: Person | None = None
        self._fallback_read_at = clock.now()

    def read(self, accounts: Sequence[Remembered], config: Config) -> Mapping[AccountId, Refreshed]:
        """The facts of every account given. What could not be read is `Missing` with the reason."""
        customers = {
            one.account: one.external_id(self.payments_system, "customer") for one in accounts
        }
        wanted = [id for id in customers.values() if id is not None]
        payments = self._read_payments(wanted)
        facts: dict[AccountId, Refreshed] = {}
        deeper: list[Remembered] = []
        for one in accounts:
            customer = customers[one.account]
            answer = payments.get(customer) if customer else None
            if isinstance(answer, PaymentPicture):
                leaf: Leaf[PaymentPicture] = Known(answer, self.payments_system, answer.read_at)
                errors: tuple[KidgloveError, ...] = ()
            else:
                leaf = Missing(answer.message if answer else "no payment customer is linked")
                errors = (answer,) if answer is not None else ()
            facts[one.account] = Refreshed(
                facts=AccountFacts(payments=leaf, crm=Missing("not needed now")), errors=errors
            )
            if isinstance(answer, PaymentPicture) and _needs_crm(one, answer):
                deeper.append(one)
        for account, crm_part in self._read_crm(deeper, customers, config).items():
            before = facts[account]
            picture, ref, ambiguous, problems = crm_part
            facts[account] = Refreshed(
                facts=AccountFacts(payments=before.facts.payments, crm=picture),
                crm_ref=ref,
                ambiguous=ambiguous,
                errors=(*before.errors, *problems),
            )
        return facts

    def fallback(self) -> Person | None:
        """The configured last recipient; None if none is configured or it is gone.

        Read anew every few minutes, because people leave. While the CRM does not answer, as it was
        last read.
        """
        now = self._clock.now()
        if self._fallback is not None and now - self._fallback_read_at < FALLBACK_FOR:
            return self._fallback
        if self._fallback_owner and self._crm is not None:
            self._fallback_read_at = now
            try:
                person = self._crm.person(self._fallback_owner)
            except KidgloveError:
                return self._fallback
            if isinstance(person, Person | Gone):
                self._fallback = person if isinstance(person, Person) else None
        return self._fallback

    def _read_payments(
        self, customers: Sequence[str]
    ) -> Mapping[str, PaymentPicture | KidgloveError]:
        if not customers:
            return {}
        try:
            return self._payments.read_payments(customers)
        except KidgloveError as problem:
            return dict.fromkeys(customers, problem)

    def _read_crm(
        self,
        accounts: Sequence[Remembered],
        customers: Mapping[AccountId, str | None],
        config: Config,
    ) -> Mapping[
        AccountId,
        tuple[Leaf[CrmPicture], Ref | None, tuple[Ref, ...], tuple[KidgloveError, ...]],
    ]:
        if not accounts:
            return {}
        if self._crm is None:
            gap = Missing("no CRM is connected")
            return {one.account: (gap, None, (), ()) for one in accounts}
        keys: dict[AccountId, str] = {}
        ids: list[str] = []
        by_customer: list[str] = []
        for one in accounts:
            linked = one.external_id(self.crm_system, ACCOUNT)
            keys[one.account] = linked or customers[one.account] or ""
            (ids if linked else by_customer).append(keys[one.account])
        try:
            answers: Mapping[str, FoundAccounts | KidgloveError] = self._crm.read_accounts(
                ids=ids, customers=by_customer, plan=read_plan(config.mapping)
            )
        except KidgloveError as problem:
            answers = dict.fromkeys(keys.values(), problem)
        return {
            account: self._crm_answer(answers.get(key), config) for account, key in keys.items()
        }

    def _crm_answer(
        self, answer: FoundAccounts | KidgloveError | None, config: Config
    ) -> tuple[Leaf[CrmPicture], Ref | None, tuple[Ref, ...], tuple[KidgloveError, ...]]:
        if isinstance(answer, KidgloveError):
            return Missing(answer.message), None, (), (answer,)
        records = answer.records if answer is not None else ()
        if not records:
            return Missing("no CRM account carries this customer id"), None, (), ()
        if len(records) > 1:
            refs = tuple(record.ref for record in records)
            names = " and ".join(ref.id for ref in refs)
            problem = Ambiguous(f"{names} both claim this customer")
            return Missing(problem.message), None, refs, ()
        record = records[0]
        try:
            picture = _picture(record, config, self.crm_system)
        except KidgloveError as problem:
            return Missing(problem.message), record.ref, (), (problem,)
        return Known(picture, self.crm_system, record.read_at), record.ref, (), ()


def _needs_crm(one: Remembered, picture: PaymentPicture) -> bool:
    """Whether a case is open or may open: only then is the CRM worth a call.

    A CRM hint always is; so is anything open or drafted, because tier and hold are judged by
    what the CRM says; and so is a closed case that has just ended, whose task must close.
    """
    if one.case is not None and (one.case.case.is_open or not one.case.case.seen_closed):
        return True
    if any(row.is_ours for row in one.ledger) or "mapping" in one.cause:
        return True
    if not one.cause.startswith(f"{picture.customer.system}:"):
        return True
    return any(
        invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.DRAFT, InvoiceStatus.UNKNOWN)
        for invoice in picture.invoices
    )


def _understood(task: WorkItem, config: Config) -> WorkItem:
    """The task with the meaning that the mapping gives to its outcome."""
    return replace(task, meaning=config.mapping.task.meaning(task.outcome))


def _name_of(record: AccountRecord) -> str | None:
    """The name of whoever edited the account last, if it is one of its own people."""
    return next(
        (person.name for person in record.people.values() if person.id == record.changed_by), None
    )


def _picture(record: AccountRecord, config: Config, source: str) -> CrmPicture:
    parts = crm_parts(
        record.fields,
        config.mapping,
        source=source,
        read_at=record.read_at,
        currency=config.policy.base_currency,
        changed_by=_name_of(record),
    )
    hold = parts.hold
    return CrmPicture(
        account=record.ref,
        read_at=record.read_at,
        name=record.name,
        url=record.url,
        hold=hold,
        promise=parts.promise,
        override=parts.override,
        people=record.people,
        ap_contact=record.ap_contact,
        tickets=record.tickets,
        last_touch=record.last_touch,
        health=parts.health,
        cs_tier=parts.cs_tier,
        expansion=parts.expansion,
        renewal_call=parts.renewal_call,
        contract=parts.contract,
        contract_end=parts.contract_end,
        seats=parts.seats,
        entities=parts.entities,
        tasks=tuple(_understood(task, config) for task in record.tasks),
        fields=record.fields,
        customers=record.customers,
        problems=parts.problems,
    )
