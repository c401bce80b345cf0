"""The context package: everything a person needs to know about one case, at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from domain.case import Case
from domain.decline_table import DeclineClass
from domain.facts import AccountFacts, Person
from domain.holds import HeldByWord, Quiet, QuietCertificate
from domain.leaf import Known, Missing, value_or
from domain.package_payment import attempts, case_invoices, failure, history, invoice_part, value
from domain.package_payment import next_attempt as planned_attempt
from domain.package_relation import account, health, last_touch, people, support
from domain.package_schema import (
    Account,
    Attempts,
    Failure,
    Health,
    History,
    InvoicePart,
    LastTouch,
    Links,
    NextAttempt,
    People,
    QuietPart,
    Recommend,
    Standing,
    Support,
    Value,
    decode,
    encode,
    path_name,
    schema_of,
)
from domain.package_sources import Sources, tidy
from domain.policy import Policy, Tier
from domain.recommend import TRANSFER, contract_kind, mood_of, recommend, record_of
from domain.situation import Names
from domain.wording import Reader, clean, safe_url

NO_LIVE_LINK = "made when the mail is written; a live link never stands in a task"
NO_ADDRESS = "the record carries no address"
GROUPS = (
    "account failure invoice attempts next_attempt value health support last_touch history people "
    "quiet recommend links"
).split()
"""The groups of leaves, in the order in which the details list them."""


@dataclass(frozen=True, kw_only=True)
class SystemNames:
    """How the outside systems are called in texts for people, also by the leaves' source ids."""

    payments: str
    crm: str
    erp: str
    by_source: Mapping[str, str] = field(default_factory=dict)

    def show(self, source: str) -> str:
        """The name that a person knows this source by."""
        return self.by_source.get(source, source)


@dataclass(frozen=True, kw_only=True)
class ContextPackage:
    """One case as of one moment, for one reader's zone.

    Every leaf of the groups is `Known` with its source or `Missing` with the reason. `standing` is
    the case's own state.
    """

    as_of: datetime
    zone: str
    read_limit: int
    names: SystemNames
    standing: Standing
    account: Account
    failure: Failure
    invoice: InvoicePart
    attempts: Attempts
    next_attempt: NextAttempt
    value: Value
    health: Health
    support: Support
    last_touch: LastTouch
    history: History
    people: People
    quiet: QuietPart
    recommend: Recommend
    links: Links

    def to_json(self) -> dict[str, Any]:
        """The JSON form, valid against the published schema."""
        document: dict[str, Any] = encode(self)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ContextPackage:
        """The package that `to_json` made the document from; ValueError if it is none."""
        package: ContextPackage = decode(cls, document)
        return package

    def leaves(self) -> Iterator[tuple[str, Known[Any] | Missing]]:
        """Every leaf with its path (`failure.class`), group by group."""
        for group in GROUPS:
            part = getattr(self, group)
            for one in fields(part):
                yield f"{group}.{path_name(one.name)}", getattr(part, one.name)

    def link_for(self, leaf: Known[Any] | Missing) -> Known[str] | Missing:
        """Where to look this leaf up: the customer's record in the system that it is from."""
        if isinstance(leaf, Missing):
            return leaf
        for link in (self.links.payments, self.links.crm, self.links.erp, self.links.why):
            if isinstance(link, Known) and link.source == leaf.source:
                return link
        return Missing(NO_ADDRESS)


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of the package, as it stands in `domain/package.schema.json`."""
    return schema_of(ContextPackage, "Kidglove context package")


def build_package(
    *,
    case: Case,
    facts: AccountFacts,
    policy: Policy,
    tier: Tier,
    certificate: QuietCertificate,
    now: datetime,
    zone: str,
    next_owner: Person | None,
    due_at: datetime | None,
    names: Names,
    why_command: str | None = None,
    snoozed_until: date | None = None,
) -> ContextPackage:
    """The package for this case from these facts; never raises, whatever the facts leave out.

    `zone` is the reader's. `due_at` is when the work goes on to `next_owner`. `why_command` is
    what to ask for the reasons (made from `names` and the case's key if not given).
    """
    reader = Reader(zone=zone, as_of=now)
    sources = Sources(
        case=case,
        facts=facts,
        policy=policy,
        tier=tier,
        certificate=certificate,
        reader=reader,
    )
    invoices = case_invoices(sources)
    main = invoices[0] if invoices else None
    failure_ = failure(sources, main)
    health_ = health(sources)
    value_ = value(sources)
    is_transfer = main is not None and isinstance(failure_.class_, Missing)
    approach = (
        TRANSFER
        if is_transfer
        else recommend(
            kind=DeclineClass(value_or(failure_.class_, DeclineClass.UNKNOWN)),
            mood=mood_of(health_.score, is_stale=value_or(health_.is_stale, False)),
            record=record_of(sources.payments.history if sources.payments else None),
            contract=contract_kind(value_.contract),
        )
    )
    made = ContextPackage(
        as_of=now,
        zone=zone,
        read_limit=policy.package.max_read_characters,
        names=_names(facts, names),
        standing=_standing(case, tier, due_at, snoozed_until),
        account=account(sources),
        failure=failure_,
        invoice=invoice_part(sources, invoices),
        attempts=attempts(sources, main),
        next_attempt=planned_attempt(sources, main),
        value=value_,
        health=health_,
        support=support(sources),
        last_touch=last_touch(sources),
        history=history(sources),
        people=people(sources, next_owner),
        quiet=_quiet(sources),
        recommend=Recommend(
            approach=sources.from_policy(approach.approach),
            rule_id=sources.from_policy(approach.rule_id),
            why=sources.from_policy(approach.why),
        ),
        links=Links(
            portal=Missing(NO_LIVE_LINK),
            payments=sources.from_payments(
                safe_url(sources.payments.url) if sources.payments else None, NO_ADDRESS
            ),
            crm=sources.from_crm(safe_url(sources.crm.url) if sources.crm else None, NO_ADDRESS),
            erp=sources.from_erp(None, NO_ADDRESS),
            why=sources.from_policy(_said(why_command) or f"{names.why_command} {case.key}"),
        ),
    )
    return replace(made, **{part: tidy(getattr(made, part)) for part in ("standing", *GROUPS)})


def _names(facts: AccountFacts, names: Names) -> SystemNames:
    erp = facts.erp.source if isinstance(facts.erp, Known) else "the ERP"
    by_source = {"payments": names.payments}
    if isinstance(facts.payments, Known):
        by_source[facts.payments.source] = names.payments
        by_source[facts.payments.value.customer.system] = names.payments
    if isinstance(facts.crm, Known):
        by_source[facts.crm.source] = names.crm
        by_source[facts.crm.value.account.system] = names.crm
    return SystemNames(payments=names.payments, crm=names.crm, erp=erp, by_source=by_source)


def _standing(
    case: Case, tier: Tier, due_at: datetime | None, snoozed_until: date | None
) -> Standing:
    return Standing(
        key=case.key,
        number=case.number,
        state=case.state,
        task=tier.task,
        has_invoices=bool(case.invoices),
        opened_at=case.opened_at,
        assigned_at=case.assigned_at,
        due_on=case.due_on,
        hand_on_at=due_at,
        assignee=_said(case.assignee_name),
        hops=tuple(
            replace(hop, person_name=_said(hop.person_name) or "a colleague") for hop in case.hops
        ),
        is_chain_exhausted=case.is_chain_exhausted,
        word=_named(case.word) if case.word else None,
        promise=case.promise,
        word_ran_out=case.spent_word is not None and case.word is None,
        broken_promise=case.spent_promise if case.promise is None else None,
        snoozed_until=snoozed_until,
        expedited_at=case.expedited_at,
        expedite_reason=_said(case.expedite_reason),
        reopened=case.reopened,
        last_outcome=_said(case.last_outcome),
        last_meaning=case.last_meaning,
        outcome=case.outcome,
        closed_at=case.closed_at,
    )


def _named(word: HeldByWord) -> HeldByWord:
    raw = word.raw if clean(word.raw) else "an empty word"
    return replace(word, raw=raw, by=_said(word.by))


def _said(text: str | None) -> str | None:
    return text if text and clean(text) else None


def _quiet(sources: Sources) -> QuietPart:
    certificate = sources.certificate
    state = certificate.state
    is_off = {Quiet.QUIET: True, Quiet.NOT_QUIET: False, Quiet.OFF: False}.get(state)
    unread = "it could not be confirmed"
    return QuietPart(
        state=Known(state, sources.payments_source, certificate.checked_at),
        retries_off=_checked(sources, is_off, unread),
        mail_off=_checked(sources, is_off, unread),
        invoices=_checked(sources, None if is_off is None else certificate.invoices, unread),
        subscriptions=_checked(
            sources, None if is_off is None else certificate.subscriptions, unread
        ),
        checked_at=_checked(sources, certificate.checked_at, "never read back"),
        until=_checked(sources, certificate.until, "it ends with the case, not on a date"),
        asked_by=sources.from_policy(certificate.because)
        if clean(certificate.because)
        else Missing("nobody asked for quiet"),
    )


def _checked(sources: Sources, value: Any, because: str) -> Any:
    if value is None:
        return Missing(because)
    return Known(value, sources.payments_source, sources.certificate.checked_at)
