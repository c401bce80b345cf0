"""What an account's Dashboard decides, and both answers to what Stripe's documents leave open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

EndAction = Literal["cancel", "unpaid", "past_due", "pause"]
InvoiceEnd = Literal["leave", "uncollectible", "void"]

_DAYS = (3.0, 5.0, 7.0, 8.0, 9.0, 11.0, 12.0, 14.0)


@dataclass(kw_only=True)
class Behaviour:
    """Switches of one simulated account. Mutable on purpose: a test may turn one mid-story."""

    grace: timedelta = timedelta(hours=1)
    """How long a renewal's draft waits before it finalizes (Dashboard: up to 72 h)."""
    draft_waits_for_hooks: bool = False
    """A draft also waits, 72 h at most, while an endpoint has not taken its `invoice.created`."""
    charge_after_api_finalize: timedelta = timedelta(minutes=3)
    """When the automatic attempt follows a finalize by API that left auto_advance true."""
    retry_days: tuple[float, ...] = _DAYS
    """Automatic retries, in days after the first failure. Default: 8 tries inside 2 weeks."""
    end_action: EndAction = "cancel"
    """What becomes of the subscription when the retries are used up."""
    end_invoice: InvoiceEnd = "leave"
    """What becomes of the invoice then."""
    pause_on_first_failure: bool = False
    """The endive pause setting in its other form: pause at once, not at the end."""

    failure_mails: bool = True
    """Dashboard: "Send emails when card payments fail"."""
    action_mails: bool = True
    """Dashboard: mails that ask for a 3-D Secure confirmation."""
    receipts: bool = True
    """Dashboard: receipts for successful payments. `auto_advance` does not stop these."""
    mail_delay: timedelta = timedelta(seconds=5)
    """How long the mailer takes. A mail on its way is not called back."""
    upcoming_days: float = 0
    """`invoice.upcoming` and its mail this many days before a renewal; 0 turns both off."""
    reminder_days: tuple[float, ...] = ()
    """Reminder mails of a Billing automation, in days after the first failure; empty: none."""
    action_reminder_days: tuple[float, ...] = ()
    """Reminders to confirm by 3-D Secure, in days after the first request; empty: none."""

    # What no document says: each has both answers.
    on_resume: Literal["reschedule", "charge_soon"] = "reschedule"
    """`auto_advance=true` on a failed open invoice: take up the schedule, or charge in minutes."""
    resume_charge_delay: timedelta = timedelta(minutes=3)
    """How soon `charge_soon` charges."""
    resume_window: Literal["continue", "restart", "drop"] = "continue"
    """Retries that passed during the hold are lost; the schedule starts over; none ever come."""
    hold_clears_next_attempt: bool = True
    """Whether `next_payment_attempt` becomes null when `auto_advance` goes false."""
    end_action_while_held: bool = False
    """Whether the end action still fires when the retry window ends during a hold."""
    manual_failure_mails: Literal["never", "unless_quiet", "always"] = "never"
    """Whether a failing `/pay` mails: no; only while auto_advance is true; always."""
    queued_mail_survives_hold: bool = True
    """Whether a mail that the mailer has taken still leaves after `auto_advance=false`."""
    automation_survives_hold: bool = False
    """Whether an automation's reminders go on although `auto_advance` is false."""
    automation_after_resume: Literal["dropped", "resumes", "restarts"] = "dropped"
    """Whether those reminders come back after `auto_advance=true`, or begin again from there."""
    next_attempt_comes_later: bool = False
    """With automations: null in `invoice.payment_failed`, the date in a later `invoice.updated`."""
    portal_recovery_needs_customer_email: bool = True
    """Whether a dead portal link comes back only for the customer's own mail address."""
    search_lag: timedelta = timedelta(0)
    """How far Search runs behind the truth."""
