"""Making the payment system quiet for a held account, and keeping it so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.effects import Effect, EffectKind, Guard, command_key
from domain.facts import (
    Invoice,
    InvoiceStatus,
    Pause,
    PaymentPicture,
    Subscription,
    SubscriptionStatus,
)
from domain.holding import alert
from domain.holds import Suppression, SuppressionState
from domain.policy import OnDrift
from domain.situation import Reason, Situation

MARK = "kidglove"
"""The note we leave on what we changed, so that a person in the Dashboard can see whose it is."""
PAUSE_BEHAVIOR = "keep_as_draft"
"""Future invoices wait as drafts; the other behaviours would write them off."""
SAME_MOMENT = timedelta(minutes=1)
"""How far the payment system's clock, in whole seconds, may stand from ours."""
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
    effects: list[Effect] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)

    @classmethod
    def of(cls, situation: Situation) -> Quieting:
        """Nothing judged yet: the ledger as it stands."""
        return cls({row.subject: row for row in situation.ledger})

    def put(self, row: Suppression) -> None:
        """Keep the row, if it says something new."""
        self.rows[row.subject] = row

    def settle(self, subject: str) -> None:
        """Nothing is left there to give back."""
        row = self.rows.get(subject)
        if row is not None and row.is_ours:
            self.put(replace(row, state=SuppressionState.MOOT))


def keep_quiet(
    situation: Situation, picture: PaymentPicture, *, hold_number: int, until: datetime | None
) -> Quieting:
    """Everything of the customer that could make a sound is silenced, or known to be silent.

    Open and draft invoices stop advancing (they are the ones Stripe would retry and mail about);
    each live subscription is paused as keep-as-draft, so that new invoices wait too. What a
    person had already silenced is left alone and stays theirs.
    """
    work = Quieting.of(situation)
    for invoice in picture.invoices:
        if invoice.status.is_settled:
            work.settle(f"invoice:{invoice.id}")
        else:
            _quiet_invoice(situation, work, picture, invoice, hold_number)
    for subscription in picture.subscriptions:
        if subscription.status in ACTIVE_PAUSE:
            _quiet_subscription(situation, work, subscription, hold_number, until)
        elif not subscription.status.is_live:
            _tell_cancelled(work, subscription, hold_number)
            work.settle(f"subscription:{subscription.id}")
    return work


def _tell_cancelled(work: Quieting, subscription: Subscription, hold_number: int) -> None:
    """A subscription that we keep paused was cancelled: a person must know that it may be by
    mistake, or the end of dunning that fired although it was quiet."""
    row = work.rows.get(f"subscription:{subscription.id}")
    if row is None or not row.is_ours:
        return
    work.effects.append(
        alert(
            f"cancelled:{subscription.id}:{hold_number}",
            f"Subscription {subscription.id} was cancelled during a hold "
            f"({subscription.canceled_because or 'no reason given'}). Ask who wanted that.",
            rule="quiet.cancelled",
        )
    )


def _of_this_hold(
    row: Suppression | None, hold_number: int, *, is_loud: bool
) -> Suppression | None:
    """The row as this hold sees it; None if the object is seen for the first time.

    What an earlier hold or an interception never gave back is this hold's now, with the setting
    found back then. If it makes a sound all the same it is silenced anew, under a key that was
    not used yet: nobody switched it back, our own giving back was under way.
    """
    if row is None:
        return None
    if row.hold_number != hold_number:
        if not row.is_ours:
            return None
        state = SuppressionState.WANTED if is_loud else row.state
        return replace(row, hold_number=hold_number, drifts=0, is_intercept=False, state=state)
    if is_loud and row.state in (SuppressionState.RESTORED, SuppressionState.MOOT):
        return replace(row, state=SuppressionState.WANTED, drifts=row.drifts + 1)
    return row


def _quiet_invoice(
    situation: Situation,
    work: Quieting,
    picture: PaymentPicture,
    invoice: Invoice,
    hold_number: int,
) -> None:
    subject = f"invoice:{invoice.id}"
    is_loud = invoice.advances is not False
    row = _of_this_hold(work.rows.get(subject), hold_number, is_loud=is_loud)
    if row is None:
        row = _first_sight(situation, work, picture, invoice, hold_number)
    work.put(row)
    if not is_loud:
        if row.state is SuppressionState.QUIET:
            work.put(replace(row, checked_at=picture.read_at))
        return
    if row.state in (SuppressionState.QUIET, SuppressionState.FOREIGN):
        again = _drift(situation, work, row, {"advances": True})
        if again is None:
            return
        row = again
    if row.state is SuppressionState.WANTED:
        work.effects.append(
            Effect(
                kind=EffectKind.QUIET_INVOICE,
                subject=subject,
                key=command_key(EffectKind.QUIET_INVOICE, subject, row.hold_number, row.drifts),
                body={"mark": MARK},
                guard=Guard.STILL_HELD,
                rule="quiet.invoice",
            )
        )


def _first_sight(
    situation: Situation,
    work: Quieting,
    picture: PaymentPicture,
    invoice: Invoice,
    hold_number: int,
) -> Suppression:
    row = Suppression(
        subject=f"invoice:{invoice.id}",
        hold_number=hold_number,
        state=SuppressionState.WANTED,
        before={"advances": True},
        taken_at=situation.now,
    )
    if invoice.advances is not False:
        return row
    parent = work.rows.get(f"subscription:{invoice.subscription}")
    if is_parked_by_us(invoice, parent) or invoice.mark is not None:
        # Made while our pause was on, or carrying our own mark: only we will ever wake it.
        return replace(row, state=SuppressionState.QUIET, checked_at=picture.read_at)
    return replace(
        row,
        state=SuppressionState.FOREIGN,
        before={"advances": False},
        checked_at=picture.read_at,
    )


def is_parked_by_us(invoice: Invoice, parent: Suppression | None) -> bool:
    """Whether this draft stands still because our pause was on when it was made.

    # VENDOR: a paused subscription makes its invoices as drafts that do not advance, and they
    # stay so when the pause ends (billing/subscriptions/pause-payment).
    """
    if invoice.status is not InvoiceStatus.DRAFT or invoice.advances is not False:
        return False
    if parent is None:
        return False
    if parent.is_ours:
        return True
    if parent.state is not SuppressionState.RESTORED or parent.checked_at is None:
        return False
    return invoice.created_at <= parent.checked_at + SAME_MOMENT


def _quiet_subscription(
    situation: Situation,
    work: Quieting,
    subscription: Subscription,
    hold_number: int,
    until: datetime | None,
) -> None:
    subject = f"subscription:{subscription.id}"
    resumes_at = _safety_end(situation, until)
    pause = subscription.pause
    row = _of_this_hold(work.rows.get(subject), hold_number, is_loud=pause is None)
    if row is None:
        row = Suppression(
            subject=subject,
            hold_number=hold_number,
            state=SuppressionState.WANTED,
            before={"pause": None},
            taken_at=situation.now,
        )
        if pause is not None and subscription.mark is None:
            row = _theirs(row, pause)
    work.put(row)
    if pause is not None:
        if row.state is SuppressionState.FOREIGN:
            return
        if is_not_ours(subscription):
            work.put(_theirs(row, pause))
            return
        if row.state is SuppressionState.QUIET:
            work.put(replace(row, checked_at=situation.now))
            _renew(situation, work, subscription, row, resumes_at)
            return
    elif row.state in (SuppressionState.QUIET, SuppressionState.FOREIGN):
        again = _drift(situation, work, row, {"pause": None})
        if again is None:
            return
        row = again
    if row.state is SuppressionState.WANTED:
        _pause(work, row, resumes_at, row.drifts)


def is_not_ours(subscription: Subscription) -> bool:
    """Whether a person put their own pause in the place of ours: we know only one behaviour."""
    return subscription.pause is not None and subscription.pause.behavior != PAUSE_BEHAVIOR


def _theirs(row: Suppression, pause: Pause) -> Suppression:
    return replace(row, state=SuppressionState.FOREIGN, before={"pause": pause.behavior})


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
            work.put(replace(row, state=SuppressionState.FOREIGN, drifts=drifts, before=before))
        return None
    work.reasons.append(Reason(rule="quiet.drift", text=f"{row.subject} was switched back on"))
    base = dict(row.before) if row.state is SuppressionState.QUIET else before
    again = replace(row, state=SuppressionState.WANTED, drifts=drifts, before=base)
    work.put(again)
    return again
