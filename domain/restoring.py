"""Giving back: each setting as it was found, and nothing undone that a person decided meanwhile."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from domain.effects import Effect, EffectKind, Guard, command_key
from domain.facts import Invoice, PaymentPicture, Subscription
from domain.holds import Suppression, SuppressionState
from domain.quieting import SAME_MOMENT, Quieting, is_not_ours, is_parked_by_us
from domain.situation import Reason, Situation


def give_back(situation: Situation, picture: PaymentPicture, *, why: str) -> Quieting:
    """Put everything back exactly as found; what was paid meanwhile needs nothing.

    What a person changed behind us stays theirs; only our note on it is taken off.
    """
    work = with_parked(situation, picture)
    give_rows_back(work, picture, why=why)
    return work


def give_rows_back(
    work: Quieting, picture: PaymentPicture, *, why: str, kept: AbstractSet[str] = frozenset()
) -> None:
    """Put the rows back, but those `kept`."""
    for row in list(work.rows.values()):
        if row.subject in kept:
            continue
        kind, _, id = row.subject.partition(":")
        if kind == "invoice":
            _give_back_invoice(work, picture, row, picture.invoice(id), why)
        else:
            _give_back_subscription(work, row, picture.subscription(id), why)


def with_parked(situation: Situation, picture: PaymentPicture) -> Quieting:
    """The ledger, and the drafts that our pause has parked and that no judgement has seen yet.

    Without them an invoice made in the last moments of a hold would wait for ever.
    """
    work = Quieting.of(situation)
    for invoice in picture.invoices:
        subject = f"invoice:{invoice.id}"
        parent = work.rows.get(f"subscription:{invoice.subscription}")
        if subject in work.rows or parent is None or not is_parked_by_us(invoice, parent):
            continue
        work.put(
            Suppression(
                subject=subject,
                hold_number=parent.hold_number,
                state=SuppressionState.QUIET,
                before={"advances": True},
                checked_at=picture.read_at,
                taken_at=situation.now,
            )
        )
    return work


def _give_back_invoice(
    work: Quieting,
    picture: PaymentPicture,
    row: Suppression,
    invoice: Invoice | None,
    why: str,
) -> None:
    """Let one invoice advance again if it did, unless its subscription was cancelled meanwhile."""
    if invoice is None or invoice.status.is_settled:
        work.settle(row.subject)
        return
    if row.state is SuppressionState.RESTORED and invoice.mark is not None:
        row = _late(work, row)
    if not row.is_ours:
        if row.state is SuppressionState.FOREIGN and invoice.mark is not None:
            _take_note_off(work, row, EffectKind.RESTORE_INVOICE)
        return
    before = dict(row.before)
    if is_cancelled(picture, invoice, row):
        # VENDOR: a cancellation stops the collection of the subscription's invoices
        # (billing/subscriptions/cancel); on one that we had stopped already it left no trace.
        before, why = {"advances": False}, "its subscription was cancelled, it stays off"
    if invoice.advances is before.get("advances") and invoice.mark is None:
        work.put(replace(row, state=SuppressionState.RESTORED))
    else:
        _restore(work, row, EffectKind.RESTORE_INVOICE, before, why)


def _late(work: Quieting, row: Suppression) -> Suppression:
    """A write of ours that got no answer arrived after all was given back: it is given back too."""
    late = replace(row, state=SuppressionState.QUIET, drifts=row.drifts + 1)
    work.put(late)
    return late


def is_cancelled(picture: PaymentPicture, invoice: Invoice, row: Suppression) -> bool:
    """Whether the invoice's subscription ended while the invoice was in our hands."""
    subscription = picture.subscription(invoice.subscription) if invoice.subscription else None
    if subscription is None or subscription.status.is_live:
        return False
    ended, taken = subscription.cancel_at, row.taken_at
    return ended is None or taken is None or ended + SAME_MOMENT >= taken


def _give_back_subscription(
    work: Quieting, row: Suppression, subscription: Subscription | None, why: str
) -> None:
    if subscription is None or not subscription.status.is_live:
        work.settle(row.subject)
        return
    has_note = subscription.mark is not None
    if row.state is SuppressionState.RESTORED and has_note:
        row = _late(work, row)
    if not row.is_ours:
        if row.state is SuppressionState.FOREIGN and has_note:
            _take_note_off(work, row, EffectKind.RESTORE_SUBSCRIPTION)
        return
    if is_not_ours(subscription):
        if has_note:
            _take_note_off(work, row, EffectKind.RESTORE_SUBSCRIPTION)
        else:
            work.put(replace(row, state=SuppressionState.FOREIGN))
    elif subscription.pause is None and not row.before.get("pause") and not has_note:
        work.put(replace(row, state=SuppressionState.RESTORED))
    else:
        _restore(work, row, EffectKind.RESTORE_SUBSCRIPTION, dict(row.before), why)


def _restore(
    work: Quieting, row: Suppression, kind: EffectKind, before: dict[str, Any], why: str
) -> None:
    work.effects.append(
        Effect(
            kind=kind,
            subject=row.subject,
            key=command_key(kind, row.subject, row.hold_number, row.drifts),
            body={"before": before},
            guard=Guard.NO_LONGER_HELD,
            rule="quiet.restore",
        )
    )
    work.reasons.append(Reason(rule="quiet.restore", text=f"{row.subject} is given back: {why}"))


def _take_note_off(work: Quieting, row: Suppression, kind: EffectKind) -> None:
    """The setting is a person's now; a note of ours left on it would be read as ours later."""
    work.effects.append(
        Effect(
            kind=kind,
            subject=row.subject,
            key=command_key(kind, row.subject, row.hold_number, row.drifts, "note"),
            body={"before": dict(row.before), "note_only": True},
            guard=Guard.NO_LONGER_HELD,
            rule="quiet.note_off",
        )
    )
