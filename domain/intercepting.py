"""Taking a VIP's renewal over while it is still a draft: no automatic mail can ever leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.effects import Effect, EffectKind, Guard, command_key
from domain.facts import Invoice, InvoiceStatus, PaymentPicture
from domain.holds import Suppression, SuppressionState
from domain.policy import Automation, HoldStart, Tier
from domain.quieting import MARK, Quieting
from domain.restoring import give_back, give_rows_back, is_cancelled, with_parked
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
        return give_back(situation, picture, why=f"tier {tier.name} is not taken over")
    work = with_parked(situation, picture)
    for row in list(work.rows.values()):
        invoice = picture.invoice(row.subject.partition(":")[2])
        if _is_to_collect(row, invoice):
            # Nothing has tried it yet: the customer's first word about it comes from a person.
            work.put(replace(row, is_intercept=True, taken_at=situation.now))
    kept = frozenset(row.subject for row in work.rows.values() if _is_kept(situation, picture, row))
    give_rows_back(work, picture, why="it is not ours to collect any longer", kept=kept)
    for invoice in picture.invoices:
        found = work.rows.get(f"invoice:{invoice.id}")
        if found is None:
            _take_over(situation, work, invoice)
        elif found.subject in kept:
            _collect(situation, work, invoice, found)
    return work


def _is_kept(situation: Situation, picture: PaymentPicture, row: Suppression) -> bool:
    """Whether this is an interception that goes on: unsettled, wanted, and not too late."""
    invoice = picture.invoice(row.subject.partition(":")[2])
    if not row.is_ours or not row.is_intercept or invoice is None or invoice.status.is_settled:
        return False
    if is_cancelled(picture, invoice, row):
        return False
    return invoice.attempted or situation.now < hand_back_at(situation, invoice, row)


def _is_to_collect(row: Suppression, invoice: Invoice | None) -> bool:
    """Whether what a hold leaves behind goes on as an interception instead of to the mailer."""
    return (
        row.is_ours
        and not row.is_intercept
        and invoice is not None
        and invoice.status in (InvoiceStatus.DRAFT, InvoiceStatus.OPEN)
        and not invoice.attempted
        and invoice.is_renewal
        and invoice.is_charged_automatically
        and invoice.advances is False
    )


def _take_over(situation: Situation, work: Quieting, invoice: Invoice) -> None:
    subject = f"invoice:{invoice.id}"
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
        taken_at=situation.now,
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
    """When an intercepted draft is finalized and tried: the payment system's own wait."""
    wait = timedelta(minutes=situation.policy.hold.intercept_finalize_minutes)
    return invoice.created_at + wait


def hand_back_at(situation: Situation, invoice: Invoice, row: Suppression) -> datetime:
    """When an intercepted invoice that nobody could collect goes back to the payment system."""
    limit = timedelta(hours=situation.policy.hold.intercept_hand_back_hours)
    return (row.taken_at or invoice.created_at) + limit


def next_step_at(
    situation: Situation, invoice: Invoice, row: Suppression | None
) -> datetime | None:
    """When an intercepted invoice needs us next: to be collected, or to be handed back."""
    if row is None or not row.is_ours or not row.is_intercept or invoice.status.is_settled:
        return None
    collect = collect_at(situation, invoice)
    return collect if collect > situation.now else hand_back_at(situation, invoice, row)


def _collect(
    situation: Situation,
    work: Quieting,
    invoice: Invoice,
    row: Suppression,
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
        work.effects.append(_step(EffectKind.FINALIZE_INVOICE, row.subject, row.hold_number))
    elif invoice.status is InvoiceStatus.OPEN and not invoice.attempted:
        work.effects.append(_step(EffectKind.PAY_INVOICE, row.subject, 1, row.hold_number))


def _step(kind: EffectKind, subject: str, *parts: int) -> Effect:
    return Effect(
        kind=kind,
        subject=subject,
        key=command_key(kind, subject, *parts),
        guard=Guard.STILL_INTERCEPTED,
        rule="intercept.collect",
    )
