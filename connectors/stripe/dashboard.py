"""What only a person can see: Stripe's settings that no API shows, and what each one costs."""

from __future__ import annotations

from domain.ports import Finding, Health


def _ask(check: str, detail: str, remedy: str) -> Finding:
    return Finding(check=check, health=Health.UNKNOWN, detail=detail, remedy=remedy)


RECOVERY = "Dashboard > Settings > Billing > Revenue recovery"

DASHBOARD_ONLY = (
    _ask(
        "failure mails",
        "Stripe mails the customer at each failed try, before any message reaches us. In mode "
        "react the first of these mails has left when the hold begins and cannot be called back. "
        "In mode intercept nothing automatic happens to a VIP's renewal, but we are then the one "
        "that collects it; a subscription's very first invoice cannot be intercepted.",
        f'{RECOVERY} > Emails: switch off "Send emails when card payments fail" (and the one for '
        "bank debits) if another system sends them; else know that mode react lets one mail out.",
    ),
    _ask(
        "other mails",
        "Expiring cards, upcoming renewals and 3-D Secure reminders are mailed for the whole "
        "account. Mode intercept and mode react silence them for held invoices only, and the "
        "expiring-card mail for nobody.",
        f"{RECOVERY} > Emails: keep or switch off each of them knowingly.",
    ),
    _ask(
        "retries",
        "Smart Retries or a schedule of your own decides when Stripe tries again. Mode react "
        "stops it from the hold on; whether the schedule goes on or starts anew after a release "
        "is not documented. Mode intercept does not use it for VIPs at all.",
        f"{RECOVERY} > Retries: note the number of tries and the window, for one-off invoices too.",
    ),
    _ask(
        "if all retries fail",
        "Cancel, unpaid, past due or pause: the end of dunning changes the subscription. While "
        "held, retries are off and it should not fire, which is not documented either; a "
        "cancellation during a hold is raised as an alarm in both modes.",
        f'{RECOVERY} > Retries > "If all retries for a payment fail": "leave the subscription '
        'past-due" is the safest beside holds of either mode.',
    ),
    _ask(
        "billing automations",
        "An automation ends for an invoice when we switch its automatic collection off, and a "
        "release does not bring it back. Mode intercept keeps VIPs out of automations from the "
        "start.",
        "Dashboard > Billing > Automations: leave VIPs out of every segment.",
    ),
    _ask(
        "invoice finalization grace period",
        "Renewals stay drafts for this long: one hour unless changed, 72 at most. It is all the "
        "time that mode intercept has; mode react does not need it.",
        "Dashboard > Settings > Billing > Invoices > Invoice finalization grace period: two hours "
        "or more if a tier uses intercept.",
    ),
    _ask(
        "portal login",
        "A payment link that is opened late asks for the mail address that Stripe has for the "
        "customer. A colleague of that person cannot get in. Both modes use the same links.",
        "Dashboard > Settings > Billing > Customer portal: activate the login link; keep "
        "the customers' mail addresses those of their billing contacts.",
    ),
    _ask(
        "mail log",
        "Which mails Stripe has sent is shown on the customer's page for 30 days and nowhere in "
        "the API. That no mail left during a hold is therefore proven from the settings, in both "
        "modes.",
        "Dashboard > Customers > a held customer > Emails: look once after the first holds.",
    ),
)
"""One line for each. Documents: billing/revenue-recovery, billing/automations, customer-management.
"""
