"""Taking a VIP's renewal over while it is still a draft, so that no automatic mail can ever leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.effects import Effect, EffectKind, Guard, command_key
from domain.facts import Invoice, InvoiceStatus, PaymentPicture
from domain.holds import Suppression, SuppressionState
from domain.policy import Automation, HoldStart, Tier
from domain.quieting import MARK, Quieting, give_back
from domain.situation import Reason, Situation


def intercepts(tier: Tier) -> bool:
    """Whether this tier's renewals are collected on our clock from the first attempt on."""
    return tier.automation is Automation.HELD and tier.hold_start is HoldStart.INTERCEPT


def intercept(situation: Situation, picture: PaymentPicture, tier: Tier) -> Quieting:
    """Judge the drafts of an account that is not held: take over, collect once, or hand back.

    If we were away longer than the policy allows, the invoice goes back to the payment system,
    which then collects it as if we had never been there: revenue is never parked by our absence.
    """
    if not intercepts(tier):
        return give_back(
            situation, picture, situation.ledger, why=f"tier {tier.name} is not taken over"
        )
    overdue = _overdue(situation, picture)
    kept = {row.subject for row in situation.ledger if row.is_intercept} - overdue
    work = give_back(
        situation,
        picture,
        [row for row in situation.ledger if row.subject not in kept],
        why="it is not ours to collect any longer",
    )
    for invoice in picture.invoices:
        subject = f"invoice:{invoice.id}"
        row = work.rows.get(subject)
        if invoice.status.is_settled:
            if row is not None and row.is_ours:
                work.put(replace(row, state=SuppressionState.MOOT))
        elif row is None:
            _take_over(situation, work, invoice, subject)
        elif row.is_ours and subject in kept:
            _collect(situation, work, invoice, row)
    return work


def _overdue(situation: Situation, picture: PaymentPicture) -> frozenset[str]:
    """Intercepted invoices that nobody collected in time."""
    limit = timedelta(hours=situation.policy.hold.intercept_hand_back_hours)
    return frozenset(
        f"invoice:{invoice.id}"
        for invoice in picture.invoices
        if not invoice.attempted and situation.now - invoice.created_at >= limit
    )


def _take_over(
    situation: Situation, work: Quieting, invoice: Invoice, subject: str
) -> None:
    limit = timedelta(hours=situation.policy.hold.intercept_hand_back_hours)
    too_old = situation.now - invoice.created_at >= limit
    if (
        invoice.status is not InvoiceStatus.DRAFT
        or not invoice.is_renewal
        or not invoice.is_charged_automatically
        or invoice.advances is not True
        or too_old
    ):
        return
    row = Suppression(
        subject=subject,
        hold_number=0,
        state=SuppressionState.WANTED,
        before={"advances": True},
        is_intercept=True,
    )
    work.put(row)
    _quiet(work, row)
    work.reasons.append(
        Reason(rule="intercept.take_over", text=f"{subject} is collected by us, without any mail")
    )


def _quiet(work: Quieting, row: Suppression) -> None:
    kind = EffectKind.QUIET_INVOICE
    work.effects.append(
        Effect(
            kind=kind,
            subject=row.subject,
            key=command_key(kind, row.subject, "intercept", row.drifts),
            body={"mark": MARK},
            guard=Guard.STILL_INTERCEPTED,
            rule="intercept.take_over",
        )
    )


def collect_at(situation: Situation, invoice: Invoice) -> datetime:
    """When an intercepted draft is finalized and tried: as long as the payment system would wait."""
    wait = timedelta(minutes=situation.policy.hold.intercept_finalize_minutes)
    return invoice.created_at + wait


def _collect(
    situation: Situation, work: Quieting, invoice: Invoice, row: Suppression
) -> None:
    if invoice.advances is not False:
        if row.state is SuppressionState.WANTED:
            _quiet(work, row)
        else:
            # A person switched it on again: their word counts, the invoice is theirs.
            work.put(replace(row, state=SuppressionState.FOREIGN))
        return
    if situation.now < collect_at(situation, invoice):
        return
    if invoice.status is InvoiceStatus.DRAFT:
        work.effects.append(_step(EffectKind.FINALIZE_INVOICE, row.subject))
    elif invoice.status is InvoiceStatus.OPEN and not invoice.attempted:
        work.effects.append(_step(EffectKind.PAY_INVOICE, row.subject, 1))


def _step(kind: EffectKind, subject: str, *parts: int) -> Effect:
    return Effect(
        kind=kind,
        subject=subject,
        key=command_key(kind, subject, *parts),
        guard=Guard.STILL_INTERCEPTED,
        rule="intercept.collect",
    )
