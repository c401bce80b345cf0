"""Everything that is held now: who asked, until when, what was changed, what was read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.case import Case
from domain.holds import HeldByPolicy, Hold, QuietCertificate, Suppression

if TYPE_CHECKING:
    from store.unit_of_work import Transaction


@dataclass(frozen=True, kw_only=True)
class Held:
    """One account that is quiet, or is to become so."""

    account: str
    key: str
    holds: Sequence[Hold]
    certificate: QuietCertificate | None
    changed: Sequence[Suppression]


def holds_of(case: Case) -> tuple[Hold, ...]:
    """The holds in force on a case: the policy's, the CRM's word, the customer's promise."""
    policy = (
        (HeldByPolicy(tier=case.tier, since=case.policy_hold_since),)
        if case.policy_hold_since is not None
        else ()
    )
    return (*policy, *(hold for hold in (case.word, case.promise) if hold is not None))


def held(tx: Transaction) -> list[Held]:
    """Every open case with a hold in force, the largest ARR first."""
    found = []
    for stored in tx.cases.all():
        case = stored.case
        holds = holds_of(case)
        if not holds:
            continue
        found.append(
            Held(
                account=tx.cases.account_name(case.account) or f"account {case.account}",
                key=case.key,
                holds=holds,
                certificate=tx.cases.certificate(case.account),
                changed=[row for row in tx.cases.ledger(case.account) if row.is_ours],
            )
        )
    return found
