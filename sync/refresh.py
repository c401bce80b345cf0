"""Reading the truth about leased accounts, in batches and in stages, with no transaction open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.errors import Ambiguous, Gone, KidgloveError
from domain.facts import (
    AccountFacts,
    CrmPicture,
    HoldWord,
    InvoiceStatus,
    PaymentPicture,
    WorkItem,
)
from domain.holds import Quiet, QuietCertificate, Suppression
from domain.ids import AccountId, Ref
from domain.leaf import Known, Leaf, Missing
from domain.ports import AccountRecord, FoundAccounts, ReadsPayments
from domain.projection import our_values
from domain.rows import Agreed, Link, LinkState, StoredCase
from mappings.mapping import FieldMapping
from mappings.merging import OurSide, may_have_changed
from mappings.translate import crm_parts, read_plan
from sync.configs import Config
from sync.crms import Crm, Crms
from sync.linking import ACCOUNT as ACCOUNT
from sync.linking import Answer, Lost, admitted, is_set_aside, lost

OF_PAYMENTS = ("payment.", "customer.")
"""The values of ours that the payment system alone decides."""


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What the store knows about one account before it is read."""

    account: AccountId
    links: tuple[Link, ...]
    case: StoredCase | None
    ledger: tuple[Suppression, ...]
    was_intercepting: bool = False
    task_place: str | None = None
    """The CRM in which the open case's task stands."""
    unasked: tuple[str, ...] = ()
    """The CRMs that did not answer when the account was last asked for there by its customer id."""
    cause: str = ""
    agreed: Mapping[str, Mapping[str, Agreed]] = field(default_factory=dict)
    """What was agreed on with each CRM, by field."""

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

    def is_open_in(self, system: str) -> bool:
        """Whether this CRM must still be asked for the account although another one knows it: it
        did not answer, it has the task, or a record of it is set aside."""
        return (
            system in self.unasked or system == self.task_place or is_set_aside(self.links, system)
        )


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """The facts of one account, the CRM in which its task belongs, and its record there.

    `elsewhere` is the account in the other CRMs that know it.
    """

    facts: AccountFacts
    crm: Crm | None = None
    crm_ref: Ref | None = None
    elsewhere: tuple[CrmPicture, ...] = ()
    ambiguous: tuple[Ref, ...] = ()
    lost: tuple[Lost, ...] = ()
    errors: tuple[KidgloveError, ...] = ()
    unasked: tuple[str, ...] | None = None
    """What `Remembered.unasked` is from now on; None if it stays as it is."""


class Refresh:
    """Reads payments first, and the CRM only where something is, or may become, a case."""

    def __init__(
        self,
        *,
        payments_system: str,
        payments: ReadsPayments,
        crms: Crms,
    ) -> None:
        self.payments_system = payments_system
        self.crms = crms
        self._payments = payments

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
            if isinstance(answer, PaymentPicture) and answer.is_deleted:
                # It shows no invoices; what was open is not settled by that, nor given back.
                answer = Gone(
                    f"customer {customer} was deleted in the payment system",
                    remedy="Settle what was open there by hand; then give the case up, or link "
                    "the account with the customer that took its place.",
                )
            if isinstance(answer, PaymentPicture):
                leaf: Leaf[PaymentPicture] = Known(answer, self.payments_system, answer.read_at)
                errors: tuple[KidgloveError, ...] = ()
            else:
                leaf = Missing(answer.message if answer else "no payment customer is linked")
                errors = (answer,) if answer is not None else ()
            facts[one.account] = Refreshed(
                facts=AccountFacts(payments=leaf, crm=Missing("not needed now")),
                crm=self._home(one, {}, config),
                errors=errors,
            )
            if isinstance(answer, PaymentPicture) and (
                _needs_crm(one, answer) or _says_more(one, answer, config)
            ):
                deeper.append(one)
        answers = self._read_crms(deeper, customers, config)
        for one in deeper:
            facts[one.account] = self._with_crm(
                one, facts[one.account], answers[one.account], config
            )
        return facts

    def _read_payments(
        self, customers: Sequence[str]
    ) -> Mapping[str, PaymentPicture | KidgloveError]:
        if not customers:
            return {}
        try:
            return self._payments.read_payments(customers)
        except KidgloveError as problem:
            return dict.fromkeys(customers, problem)

    def _read_crms(
        self,
        accounts: Sequence[Remembered],
        customers: Mapping[AccountId, str | None],
        config: Config,
    ) -> Mapping[AccountId, Mapping[str, Answer]]:
        """What each CRM says of each account, by system, the policy's primary first.

        A linked account is read where it is linked. One without any link is asked for everywhere
        by its customer id, once: what is found becomes its links. Where the answer is open it is
        asked for again.
        """
        found: dict[AccountId, dict[str, Answer]] = {one.account: {} for one in accounts}
        for crm in self.crms.ordered(config.policy.crm.primary):
            keys: dict[AccountId, str] = {}
            ids: list[str] = []
            by_customer: list[str] = []
            for one in accounts:
                linked = one.external_id(crm.system, ACCOUNT)
                is_elsewhere = linked is None and self._is_linked(one)
                if is_elsewhere and not one.is_open_in(crm.system):
                    continue
                keys[one.account] = linked or customers[one.account] or ""
                (ids if linked else by_customer).append(keys[one.account])
            if not keys:
                continue
            try:
                answers: Mapping[str, FoundAccounts | KidgloveError] = crm.reads.read_accounts(
                    ids=ids, customers=by_customer, plan=read_plan(config.mappings[crm.system])
                )
            except KidgloveError as problem:
                answers = dict.fromkeys(keys.values(), problem)
            for account, key in keys.items():
                found[account][crm.system] = answers.get(key)
        return found

    def _is_linked(self, one: Remembered) -> bool:
        return any(one.external_id(crm.system, ACCOUNT) for crm in self.crms.connected)

    def _with_crm(
        self,
        one: Remembered,
        before: Refreshed,
        answers: Mapping[str, Answer],
        config: Config,
    ) -> Refreshed:
        """The facts joined: the home CRM's picture, and what people say in the others."""
        gone = lost(answers, one.links)
        answers = admitted(answers, one.links)
        home = self._home(one, answers, config)
        if home is None:
            gap = Missing("no CRM is connected")
            return replace(before, facts=replace(before.facts, crm=gap))
        picture, ref, ambiguous, problems = self._understand(
            answers.get(home.system), config, home.system
        )
        elsewhere: list[CrmPicture] = []
        for system, answer in answers.items():
            if system == home.system:
                continue
            other, other_ref, claimants, other_problems = self._understand(answer, config, system)
            problems += other_problems
            ambiguous += claimants
            if isinstance(other, Known) and other_ref is not None:
                elsewhere.append(other.value)
        unread = tuple(
            system
            for system, answer in answers.items()
            if system != home.system and isinstance(answer, KidgloveError)
        )
        unasked = tuple(
            system
            for system, answer in answers.items()
            if isinstance(answer, KidgloveError) and one.external_id(system, ACCOUNT) is None
        )
        heard = _in_resolution(elsewhere)
        if isinstance(picture, Known):
            picture = replace(picture, value=_heard_everywhere(picture.value, heard))
            heard = None
        return replace(
            before,
            facts=replace(
                before.facts,
                crm=picture,
                unread=unread,
                heard=heard,
                is_lost=_knows_none(answers.get(home.system)),
            ),
            crm=home,
            crm_ref=ref,
            elsewhere=tuple(elsewhere),
            ambiguous=ambiguous,
            lost=gone,
            errors=(*before.errors, *problems),
            unasked=unasked if unasked != one.unasked else None,
        )

    def _home(self, one: Remembered, answers: Mapping[str, Answer], config: Config) -> Crm | None:
        """Where an open task stands it stays; else the policy's primary among those that know the
        account. One that cannot be read now is waited for, lest the task open in two."""
        ordered = self.crms.ordered(config.policy.crm.primary)
        for crm in ordered:
            if crm.system == one.task_place:
                return crm
        for crm in ordered:
            answer = answers.get(crm.system)
            if one.external_id(crm.system, ACCOUNT) or isinstance(answer, KidgloveError):
                return crm
            if answer is not None and answer.records:
                return crm
        return ordered[0] if ordered else None

    def _understand(
        self, answer: Answer, config: Config, system: str
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
            picture = _picture(record, config, system)
        except KidgloveError as problem:
            return Missing(problem.message), record.ref, (), (problem,)
        return Known(picture, system, record.read_at), record.ref, (), ()


def _knows_none(answer: Answer) -> bool:
    """Whether a CRM answered, and has no record of the account."""
    return isinstance(answer, FoundAccounts) and not answer.records


def _in_resolution(pictures: Sequence[CrmPicture]) -> CrmPicture | None:
    """The first in which somebody says "in resolution"."""
    return next((one for one in pictures if one.hold.word is HoldWord.HELD), None)


def _heard_everywhere(home: CrmPicture, other: CrmPicture | None) -> CrmPicture:
    """Somebody who says "in resolution" is heard in whichever CRM it is said."""
    if other is None or home.hold.word in (HoldWord.HELD, HoldWord.UNKNOWN):
        return home
    return replace(home, hold=other.hold)


def _needs_crm(one: Remembered, picture: PaymentPicture) -> bool:
    """Whether a case is open or may open: only then is the CRM worth a call.

    A CRM hint always is; so is anything open or drafted, because tier and hold are judged by
    what the CRM says; and so is a closed case that has just ended, whose task must close.
    """
    if one.case is not None and (one.case.case.is_open or not one.case.case.seen_closed):
        return True
    if any(row.is_ours for row in one.ledger) or "mapping" in one.cause:
        return True
    sources = {part.partition(":")[0] for part in one.cause.split(" + ")}
    if sources != {picture.customer.system}:
        return True
    return any(
        invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.DRAFT, InvoiceStatus.UNKNOWN)
        for invoice in picture.invoices
    )


def _says_more(one: Remembered, picture: PaymentPicture, config: Config) -> bool:
    """Whether a field that both sides agreed on is another one now: the CRM has to hear of it,
    also where no case is open. An account that was never in step is left to a case or a backfill.
    """
    facts = AccountFacts(
        payments=Known(picture, picture.customer.system, picture.read_at),
        crm=Missing("not read yet"),
    )
    values = our_values(
        facts,
        one.case.case if one.case else None,
        QuietCertificate(state=Quiet.UNKNOWN),
        picture.read_at,
        policy=config.policy,
    )
    ours = OurSide(
        values={name: leaf for name, leaf in values.items() if name.startswith(OF_PAYMENTS)},
        details=None if picture.is_deleted else picture.details,
    )
    return any(
        may_have_changed(config.mappings[system], ours, fields)
        for system, fields in one.agreed.items()
        if system in config.mappings
    )


def _understood(task: WorkItem, mapping: FieldMapping) -> WorkItem:
    """The task with the meaning that the mapping gives to its outcome."""
    return replace(task, meaning=mapping.task.meaning(task.outcome))


def _name_of(record: AccountRecord) -> str | None:
    """The name of whoever edited the account last, if it is one of its own people."""
    return next(
        (person.name for person in record.people.values() if person.id == record.changed_by), None
    )


def _picture(record: AccountRecord, config: Config, source: str) -> CrmPicture:
    mapping = config.mappings[source]
    parts = crm_parts(
        record.fields,
        mapping,
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
        tasks=tuple(_understood(task, mapping) for task in record.tasks),
        fields=record.fields,
        customers=record.customers,
        problems=parts.problems,
        changed_at=record.changed_at,
        fields_changed_at=record.fields_changed_at,
        digest=record.digest,
    )
