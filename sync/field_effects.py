"""Which mapped fields differ from what they should be, on either side, and what is written then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.effects import CUSTOMER_RULE, FIELDS_RULE, Effect, EffectKind, Guard, digest_of
from domain.facts import AccountFacts, CrmPicture, PaymentPicture
from domain.ids import AccountId, Ref
from domain.leaf import Known, Leaf
from domain.merge import ABSENT, Flow
from domain.rows import Agreed
from mappings.incoming import CrmSide
from mappings.mapping import FieldMapping
from mappings.merging import Asked, Look, OurSide, Write, look
from sync.durable import TransactionPort
from sync.unfit import tell_unfit


@dataclass(frozen=True, kw_only=True)
class FieldEffects:
    """The writes that follow for one CRM record, and what is to be kept of the look."""

    record: Ref
    effects: tuple[Effect, ...] = ()
    look: Look = Look()


def field_effects(
    tx: TransactionPort,
    account: AccountId,
    crm: CrmPicture,
    ours: Mapping[str, Leaf[object]],
    mapping: FieldMapping,
    *,
    payments: PaymentPicture | None,
    now: datetime,
) -> FieldEffects:
    """The writes after which every mapped field is as its row wants it; none if it is already.

    `payments` is the customer that this CRM may write to, None if it may not. Nothing is stored.
    """
    system, record = crm.account.system, crm.account.id
    if not ours:
        return FieldEffects(record=crm.account)
    agreed = tx.agreed.of_record(system, record)
    found = look(
        mapping,
        OurSide(
            values=ours,
            details=payments.details if payments is not None and not payments.is_deleted else None,
        ),
        CrmSide(
            fields=crm.fields,
            people=crm.people,
            contact=crm.ap_contact,
            changed_at=crm.changed_at,
            fields_changed_at=crm.fields_changed_at,
        ),
        agreed=agreed,
        now=now,
        ours_changed_at=(
            tx.inbox.heard_at(account, payments.customer.system)
            if payments is not None and _asks_for_times(mapping)
            else None
        ),
    )
    effects = []
    if found.to_theirs:
        effects.append(_fields(record, found.to_theirs))
    if found.to_ours and payments is not None:
        effects += _customer(payments.customer.id, system, record, found.to_ours, agreed)
    return FieldEffects(record=crm.account, effects=tuple(effects), look=found)


def writable(facts: AccountFacts, crm: CrmPicture) -> PaymentPicture | None:
    """The customer that this CRM may write to, None if it may not.

    Only the CRM of the account's task may: two would take turns for ever.
    """
    home, payments = facts.crm, facts.payments
    if not isinstance(home, Known) or not isinstance(payments, Known):
        return None
    return payments.value if home.value.account == crm.account else None


def keep_look(
    tx: TransactionPort, account: AccountId, found: FieldEffects, *, now: datetime
) -> None:
    """Keep what the two sides agree on without a write, ask what a person has to choose, and tell
    what is held back.

    A second time it changes nothing.
    """
    system, record = found.record.system, found.record.id
    tx.agreed.remember(account, system, record, found.look.remember, now=now)
    tell_unfit(tx, account, found.record, found.look.unfit, now=now)
    for one in found.look.asked:
        _ask(tx, account, system, record, one, now)


def _asks_for_times(mapping: FieldMapping) -> bool:
    return bool(mapping.timed_fields)


def _fields(record: str, writes: Sequence[Write]) -> Effect:
    values = {one.row.theirs: one.value for one in writes}
    subject = f"fields:{record}"
    return Effect(
        kind=EffectKind.WRITE_FIELDS,
        subject=subject,
        key=f"{subject}:{digest_of(values)}",
        body={
            "account": record,
            "values": values,
            "blanks": sum(one.blanks for one in writes),
            "before": {one.row.theirs: one.present for one in writes},
            "merge": {one.row.theirs: _merge(one) for one in writes},
        },
        guard=Guard.ALWAYS,
        rule=FIELDS_RULE,
    )


def _customer(
    customer: str,
    system: str,
    record: str,
    writes: Sequence[Write],
    agreed: Mapping[str, Agreed],
) -> list[Effect]:
    """The notes and the details each travel alone: a detail that is refused must not take the
    notes with it."""
    parts: dict[str, list[Write]] = {}
    for one in writes:
        part = "details" if one.row.flow is Flow.BOTH or _is_detail(one) else "notes"
        parts.setdefault(part, []).append(one)
    return [
        _customer_part(customer, part, system, record, some, agreed)
        for part, some in sorted(parts.items())
    ]


def _is_detail(write: Write) -> bool:
    return (write.row.ours or "").startswith("customer.")


def _customer_part(
    customer: str,
    part: str,
    system: str,
    record: str,
    writes: Sequence[Write],
    agreed: Mapping[str, Agreed],
) -> Effect:
    values = {one.row.ours or "": one.value for one in writes}
    expected = {one.row.ours or "": one.present for one in writes}
    subject = f"customer:{customer}:{part}"
    # The key goes to the vendor, which answers a known one without acting. The same values may be
    # wanted again after somebody has changed them, so the last write is part of it.
    last = max((known.effect_id or 0 for known in agreed.values()), default=0)
    return Effect(
        kind=EffectKind.WRITE_CUSTOMER,
        subject=subject,
        key=f"{subject}:{digest_of([values, expected, last])}",
        body={
            "customer": customer,
            "values": values,
            "expected": expected,
            "blanks": sum(one.blanks for one in writes),
            "system": system,
            "record": record,
            "merge": {
                one.row.ours or "": _merge(one)
                | {"agrees": {"ours": one.agrees.ours, "theirs": one.agrees.theirs}}
                for one in writes
            },
        },
        guard=Guard.ALWAYS,
        rule=CUSTOMER_RULE,
    )


def _merge(write: Write) -> dict[str, Any]:
    """What the receipt needs of a row: where its agreement is kept, who won, and over what."""
    said = {"key": write.key, "wins": write.row.wins.value, "why": write.why}
    may_be = {"replaces": write.replaces, "note": write.note}
    return said | {name: value for name, value in may_be.items() if value is not None}


def _ask(
    tx: TransactionPort, account: AccountId, system: str, record: str, asked: Asked, now: datetime
) -> None:
    sides = [None if one is ABSENT else one for one in (asked.ours, asked.theirs)]
    tx.audit.raise_alert(
        f"field-asked:{record}:{asked.key}:{digest_of(sides)}",
        f"{asked.row.theirs} of {system} {record} and our {asked.row.source} differ, and its row "
        f"asks a person. `kidglove field list` shows both values; "
        f"`kidglove field settle {system} {record} '{asked.key}' --keep ours` or `--keep theirs` "
        "ends it.",
        rule="field.asked",
        now=now,
        account=account,
    )
