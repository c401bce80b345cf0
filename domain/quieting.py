"""Making the payment system quiet for a held account, keeping it so, and giving everything back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.effects import Effect, EffectKind, Guard, command_key
from domain.facts import Invoice, InvoiceStatus, PaymentPicture, Subscription, SubscriptionStatus
from domain.holding import alert
from domain.holds import Suppression, SuppressionState
from domain.policy import OnDrift
from domain.situation import Reason, Situation

MARK = "kidglove"
"""The note we leave on what we changed, so that a person in the Dashboard can see whose it is."""
PAUSE_BEHAVIOR = "keep_as_draft"
"""Future invoices wait as drafts; the other behaviours would write them off."""
ACTIVE_PAUSE = frozenset(
    {
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.TRIALING,
        SubscriptionStatus.PAST_DUE,
        SubscriptionStatus.UNPAID,
        SubscriptionStatus.UNKNOWN,
    }
)
"""Statuses in which a subscription makes invoices whose collection must be paused."""


@dataclass
class Quieting:
    """The ledger rows that change and the effects that follow, collected while judging."""

    rows: dict[str, Suppression]
    effects: list[Effect]
    reasons: list[Reason]

    def put(self, row: Suppression) -> None:
        """Keep the row, if it says something new."""
        self.rows[row.subject] = row


def keep_quiet(
    situation: Situation, picture: PaymentPicture, *, hold_number: int, until: datetime | None
) -> Quieting:
    """Everything of the customer that could make a sound is silenced, or known to be silent.

    Open and draft invoices stop advancing (they are the ones Stripe would retry and mail about);
    each live subscription is paused as keep-as-draft, so that new invoices wait too. What a
    person had already silenced is left alone and stays theirs.
    """
    work = Quieting({row.subject: row for row in situation.ledger}, [], [])
    for invoice in picture.invoices:
        if invoice.status in (InvoiceStatus.OPEN, InvoiceStatus.DRAFT):
            _quiet_invoice(situation, work, picture, invoice, hold_number)
        else:
            _settle(work, f"invoice:{invoice.id}")
    for subscription in picture.subscriptions:
        if subscription.status in ACTIVE_PAUSE:
            _quiet_subscription(situation, work, subscription, hold_number, until)
        elif not subscription.status.is_live:
            _settle(work, f"subscription:{subscription.id}")
    return work


def give_back(
    situation: Situation, picture: PaymentPicture, rows: Iterable[Suppression], *, why: str
) -> Quieting:
    """Put these rows back exactly as found; what was paid meanwhile needs nothing."""
    work = Quieting({row.subject: row for row in situation.ledger}, [], [])
    for row in rows:
        if not row.is_ours:
            continue
        kind, _, id = row.subject.partition(":")
        if kind == "invoice":
            invoice = picture.invoice(id)
            if invoice is None or invoice.status.is_settled:
                _settle(work, row.subject)
            elif invoice.advances is row.before.get("advances") and invoice.mark is None:
                work.put(replace(row, state=SuppressionState.RESTORED))
            else:
                _restore(work, row, EffectKind.RESTORE_INVOICE, why)
            continue
        subscription = picture.subscription(id)
        if subscription is None or not subscription.status.is_live:
            _settle(work, row.subject)
        elif subscription.pause is None and not row.before.get("pause") and not subscription.mark:
            work.put(replace(row, state=SuppressionState.RESTORED))
        else:
            _restore(work, row, EffectKind.RESTORE_SUBSCRIPTION, why)
    return work


def _restore(work: Quieting, row: Suppression, kind: EffectKind, why: str) -> None:
    work.effects.append(
        Effect(
            kind=kind,
            subject=row.subject,
            key=command_key(kind, row.subject, row.hold_number, row.drifts),
            body={"before": dict(row.before)},
            guard=Guard.NO_LONGER_HELD,
            rule="quiet.restore",
        )
    )
    work.reasons.append(Reason(rule="quiet.restore", text=f"{row.subject} is given back: {why}"))


def _settle(work: Quieting, subject: str) -> None:
    row = work.rows.get(subject)
    if row is not None and row.is_ours:
        work.put(replace(row, state=SuppressionState.MOOT))


def _is_fresh(row: Suppression | None, hold_number: int) -> bool:
    """Whether a new ledger row starts here, because an earlier hold's row is finished."""
    if row is None:
        return True
    return not row.is_ours and row.hold_number != hold_number


def _quiet_invoice(
    situation: Situation,
    work: Quieting,
    picture: PaymentPicture,
    invoice: Invoice,
    hold_number: int,
) -> None:
    subject = f"invoice:{invoice.id}"
    row = work.rows.get(subject)
    if row is not None and row.is_ours and row.is_intercept:
        row = replace(row, is_intercept=False, hold_number=hold_number)
        work.put(row)
    if row is None or _is_fresh(row, hold_number):
        row = _first_sight(work, picture, invoice, subject, hold_number)
        work.put(row)
    if invoice.advances is False:
        if row.state is SuppressionState.QUIET:
            work.put(replace(row, checked_at=picture.read_at))
        return
    if row.state in (SuppressionState.QUIET, SuppressionState.FOREIGN):
        row = _drift(situation, work, row, {"advances": True})
        if row is None:
            return
    if row.state is SuppressionState.WANTED:
        work.effects.append(
            Effect(
                kind=EffectKind.QUIET_INVOICE,
                subject=subject,
                key=command_key(
                    EffectKind.QUIET_INVOICE, subject, row.hold_number, row.drifts
                ),
                body={"mark": MARK},
                guard=Guard.STILL_HELD,
                rule="quiet.invoice",
            )
        )


def _first_sight(
    work: Quieting, picture: PaymentPicture, invoice: Invoice, subject: str, hold_number: int
) -> Suppression:
    if invoice.advances is not False:
        return Suppression(
            subject=subject,
            hold_number=hold_number,
            state=SuppressionState.WANTED,
            before={"advances": True},
        )
    parent = work.rows.get(f"subscription:{invoice.subscription}")
    parked_by_us = (
        invoice.status is InvoiceStatus.DRAFT and parent is not None and parent.is_ours
    )
    if parked_by_us or invoice.mark is not None:
        # Made while our pause was on, or carrying our own mark: only we will ever wake it.
        return Suppression(
            subject=subject,
            hold_number=hold_number,
            state=SuppressionState.QUIET,
            before={"advances": True},
            checked_at=picture.read_at,
        )
    return Suppression(
        subject=subject,
        hold_number=hold_number,
        state=SuppressionState.FOREIGN,
        before={"advances": False},
        checked_at=picture.read_at,
    )


def _quiet_subscription(
    situation: Situation,
    work: Quieting,
    subscription: Subscription,
    hold_number: int,
    until: datetime | None,
) -> None:
    subject = f"subscription:{subscription.id}"
    row = work.rows.get(subject)
    resumes_at = _safety_end(situation, until)
    if row is None or _is_fresh(row, hold_number):
        before: dict[str, object]
        if subscription.pause is not None and subscription.mark is None:
            state, before = SuppressionState.FOREIGN, {"pause": subscription.pause.behavior}
        else:
            state, before = SuppressionState.WANTED, {"pause": None}
        row = Suppression(subject=subject, hold_number=hold_number, state=state, before=before)
        work.put(row)
    if subscription.pause is not None:
        if row.state is SuppressionState.QUIET:
            work.put(replace(row, checked_at=situation.now))
            _renew(situation, work, subscription, row, resumes_at)
            return
        if row.state is SuppressionState.FOREIGN:
            return
    elif row.state in (SuppressionState.QUIET, SuppressionState.FOREIGN):
        row = _drift(situation, work, row, {"pause": None})
        if row is None:
            return
    if row.state is SuppressionState.WANTED:
        _pause(work, row, resumes_at, row.drifts)


def _pause(work: Quieting, row: Suppression, resumes_at: datetime, *parts: int | str) -> None:
    work.effects.append(
        Effect(
            kind=EffectKind.QUIET_SUBSCRIPTION,
            subject=row.subject,
            key=command_key(EffectKind.QUIET_SUBSCRIPTION, row.subject, row.hold_number, *parts),
            body={
                "behavior": PAUSE_BEHAVIOR,
                "resumes_at": resumes_at.isoformat(),
                "mark": MARK,
            },
            guard=Guard.STILL_HELD,
            rule="quiet.subscription",
        )
    )


def _safety_end(situation: Situation, until: datetime | None) -> datetime:
    """When the payment system wakes up by itself if we never come back: a dead man's switch."""
    safety = timedelta(days=situation.policy.hold.safety_days)
    end = situation.now.replace(minute=0, second=0, microsecond=0) + safety
    return max(end, until + timedelta(days=1)) if until is not None else end


def renewal_due(situation: Situation, subscription: Subscription) -> datetime | None:
    """When the safety end must be pushed on: half the safety span before it is reached."""
    if subscription.pause is None or subscription.pause.resumes_at is None:
        return None
    return subscription.pause.resumes_at - timedelta(days=situation.policy.hold.safety_days) / 2


def _renew(
    situation: Situation,
    work: Quieting,
    subscription: Subscription,
    row: Suppression,
    resumes_at: datetime,
) -> None:
    due = renewal_due(situation, subscription)
    if due is None or situation.now < due:
        return
    _pause(work, row, resumes_at, row.drifts, f"until-{resumes_at.date().isoformat()}")
    work.reasons.append(Reason(rule="quiet.renew", text=f"{row.subject}: safety end pushed on"))


def _drift(
    situation: Situation, work: Quieting, row: Suppression, before: dict[str, object]
) -> Suppression | None:
    """Somebody switched it back behind the hold: restore the quiet, or ask, as the policy says."""
    on_drift = situation.policy.hold.on_drift
    drifts = row.drifts + 1
    known = on_drift is OnDrift.ASK and row.state is SuppressionState.FOREIGN
    if not known:
        remedy = (
            "It is made quiet again."
            if on_drift is OnDrift.RESTORE
            else "It is left as it is; clear the hold, or switch it off again."
        )
        work.effects.append(
            alert(
                f"drift:{row.subject}:{row.hold_number}:{drifts}",
                f"{row.subject} was switched back on during a hold. {remedy}",
                rule="quiet.drift",
            )
        )
    if on_drift is OnDrift.ASK:
        if row.state is not SuppressionState.FOREIGN:
            work.put(
                replace(row, state=SuppressionState.FOREIGN, drifts=drifts, before=before)
            )
        return None
    work.reasons.append(Reason(rule="quiet.drift", text=f"{row.subject} was switched back on"))
    base = dict(row.before) if row.state is SuppressionState.QUIET else before
    again = replace(row, state=SuppressionState.WANTED, drifts=drifts, before=base)
    work.put(again)
    return again
