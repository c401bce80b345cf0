"""What the payment system and the ERP add to the package, and what follows from it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.decline_table import DeclineClass
from domain.declines import Explanation, explain
from domain.facts import Attempt, AttemptBy, Invoice, InvoiceStatus, PaymentHistory, PaymentPicture
from domain.holds import Quiet
from domain.leaf import Known, Leaf, Missing
from domain.money import Money, total
from domain.package_schema import (
    AttemptPart,
    Attempts,
    Failure,
    History,
    InvoicePart,
    NextAttempt,
    OtherInvoice,
    Value,
)
from domain.package_sources import Sources, solid
from domain.recommend import ContractKind, contract_kind
from domain.wording import Reader, count, number

NO_INVOICE = "no invoice of this case is listed there"
CARD_NEWS_DAYS = 180
"""An older replacement of the card is no news; without a last success it explains nothing."""
MONTHS_A_YEAR = 12


def case_invoices(sources: Sources) -> tuple[Invoice, ...]:
    """The case's invoices as they are now: unsettled ones first, then paid ones, by amount."""
    picture = sources.payments
    if picture is None:
        return ()
    found = [one for one in picture.invoices if one.id in sources.case.invoices]
    return tuple(
        sorted(
            found,
            key=lambda one: (
                one.status.is_settled,
                one.status is not InvoiceStatus.PAID,
                -one.remaining.minor,
                -one.total.minor,
                one.id,
            ),
        )
    )


def explanation_of(invoice: Invoice | None) -> Explanation | None:
    """Why it failed; None when nobody tried to charge anything."""
    if invoice is None:
        return None
    if invoice.decline is not None:
        return explain(invoice.decline.code, invoice.decline.advice)
    failed = [attempt for attempt in invoice.attempts if not attempt.succeeded]
    if failed:
        return explain(failed[-1].code)
    return explain(None) if invoice.attempted and invoice.is_charged_automatically else None


def failure(sources: Sources, invoice: Invoice | None) -> Failure:
    """What went wrong, in the payment system's codes and in plain words."""
    known = explanation_of(invoice)
    no_charge = "nothing was charged: the invoice waits for a transfer" if invoice else NO_INVOICE
    total_ = invoice.total if invoice else None
    words = (
        "The invoice was sent, and its due day has passed without a payment."
        if invoice and known is None
        else None
    )
    causes = likely_causes(sources, invoice, known)
    return Failure(
        at=sources.from_payments(
            invoice.failed_at if invoice else None,
            "the time of the first failure is not recorded" if invoice else NO_INVOICE,
        ),
        amount=sources.from_payments(total_, NO_INVOICE),
        currency=sources.from_payments(total_.currency.upper() if total_ else None, NO_INVOICE),
        code=sources.from_payments(
            known.code if known else None, "no code came with it" if known else no_charge
        ),
        plain_words=sources.from_payments(known.plain if known else words, no_charge),
        class_=sources.from_payments(known.kind.value if known else None, no_charge),
        fixer=sources.from_payments(known.fixer.value if known else None, no_charge),
        headline=sources.from_payments(
            known.headline if known else "payment not here yet" if words else None, NO_INVOICE
        ),
        may_tell_customer=sources.from_payments(
            known.may_tell_customer if known else None, no_charge
        ),
        likely_causes=sources.from_payments(causes or None, "nothing on record points to one"),
        new_card_at=sources.from_payments(
            _new_card(sources.payments, invoice), "no new card since the failure"
        ),
    )


def likely_causes(
    sources: Sources, invoice: Invoice | None, known: Explanation | None
) -> tuple[str, ...]:
    """Everyday causes, each supported by something on record."""
    causes: list[str] = []
    reader, picture, crm = sources.reader, sources.payments, sources.crm
    kind = known.kind if known else None
    if picture and invoice and invoice.failed_at and kind not in _NOT_THE_CARD:
        card, failed_at = picture.card, invoice.failed_at
        if card and (card.exp_year, card.exp_month) < (failed_at.year, failed_at.month):
            ended = date(card.exp_year, card.exp_month, 1)
            causes.append(f"the card on file ran out at the end of {ended:%m/%Y}")
        if card and card.replaced_at and card.replaced_at <= failed_at:
            worked = _last_success(picture)
            since = f"the card on file was replaced on {reader.day(card.replaced_at)}"
            if worked and card.replaced_at > worked:
                causes.append(f"{since}, after the last payment that went through")
            elif worked is None and failed_at - card.replaced_at < timedelta(days=CARD_NEWS_DAYS):
                causes.append(since)
    if kind is DeclineClass.FUNDS:
        causes.append("a limit or a balance at the bank, not the card itself")
    if crm and isinstance(crm.ap_contact, Known) and crm.ap_contact.value.is_gone:
        causes.append("the contact on file for invoices can no longer be reached")
    return tuple(causes)


_NOT_THE_CARD = frozenset(
    {DeclineClass.FUNDS, DeclineClass.TECHNICAL, DeclineClass.RISK, DeclineClass.TEST}
)


def _last_success(picture: PaymentPicture) -> datetime | None:
    paid = [
        one.settled_at
        for one in picture.invoices
        if one.status is InvoiceStatus.PAID and one.settled_at
    ]
    tries = [one.at for invoice in picture.invoices for one in invoice.attempts if one.succeeded]
    return max([*paid, *tries], default=None)


def _new_card(picture: PaymentPicture | None, invoice: Invoice | None) -> datetime | None:
    if not picture or not picture.card or not invoice or not invoice.failed_at:
        return None
    replaced = picture.card.replaced_at
    return replaced if replaced and replaced > invoice.failed_at else None


def invoice_part(sources: Sources, invoices: tuple[Invoice, ...]) -> InvoicePart:
    """The invoice that the task is about, first of the case's invoices, and the others."""
    main = invoices[0] if invoices else None
    erp = sources.erp
    erp_number = erp.invoice_numbers.get(main.id) if erp and main else None
    erp_amount = erp.amounts.get(main.id) if erp and main else None
    open_ = [one.remaining for one in invoices if not one.status.is_settled]
    paid = [one.total for one in invoices if one.status is InvoiceStatus.PAID]
    all_ = paid if paid and not open_ else [one.total for one in invoices]
    no_due = "charged automatically, so it has no due date"
    others = tuple(
        OtherInvoice(
            id=one.id,
            number=(erp.invoice_numbers.get(one.id) if erp else None) or one.number or one.id,
            open_amount=one.remaining if not one.status.is_settled else one.total,
            status=_status(one),
        )
        for one in invoices[1:]
    )
    paid_by = main.paid_by if main else None
    return InvoicePart(
        id=sources.from_payments(main.id if main else None, NO_INVOICE),
        number=sources.from_payments(
            main.number if main else None, "it has no number yet" if main else NO_INVOICE
        ),
        erp_number=sources.from_erp(erp_number, "the ERP lists no such invoice"),
        erp_amount=sources.from_erp(erp_amount, "the ERP lists no such amount"),
        erp_mismatch=sources.from_erp(
            erp_amount != main.total if erp_amount and main else None,
            "the ERP lists no such amount",
        ),
        status=sources.from_payments(_status(main) if main else None, NO_INVOICE),
        issued=sources.from_payments(
            (main.finalized_at or main.created_at) if main else None, NO_INVOICE
        ),
        due=sources.from_payments(main.due_at if main else None, no_due if main else NO_INVOICE),
        open_amount=sources.from_payments(_still_open(main) if main else None, NO_INVOICE),
        case_open=sources.from_payments(tuple(total(open_).values()) if main else None, NO_INVOICE),
        case_total=sources.from_payments(tuple(total(all_).values()) if main else None, NO_INVOICE),
        paid_at=sources.from_payments(
            main.settled_at if main and main.status is InvoiceStatus.PAID else None,
            "not paid yet" if main and not main.status.is_settled else "no time is recorded",
        ),
        paid_by=sources.from_payments(
            paid_by if main and main.status is InvoiceStatus.PAID else None,
            "not paid yet" if main and not main.status.is_settled else "it does not say how",
        ),
        others=sources.from_payments(others if main else None, NO_INVOICE),
    )


def _still_open(invoice: Invoice) -> Money:
    return Money(0, invoice.total.currency) if invoice.status.is_settled else invoice.remaining


def _status(invoice: Invoice) -> str:
    match invoice.status:
        case InvoiceStatus.OPEN if invoice.remaining.minor < invoice.total.minor:
            return "partly paid"
        case InvoiceStatus.OPEN:
            return "unpaid"
        case InvoiceStatus.VOID:
            return "cancelled"
        case InvoiceStatus.UNCOLLECTIBLE:
            return "written off"
        case InvoiceStatus.UNKNOWN:
            return "in a state we do not know"
        case _:
            return invoice.status.value


def attempts(sources: Sources, invoice: Invoice | None) -> Attempts:
    """Every try so far with its result, oldest first."""
    tries = tuple(map(_attempt, invoice.attempts)) if invoice else None
    return Attempts(
        count=sources.from_payments(invoice.attempt_count if invoice else None, NO_INVOICE),
        tries=sources.from_payments(tries, NO_INVOICE),
    )


def _attempt(attempt: Attempt) -> AttemptPart:
    result = "paid" if attempt.succeeded else explain(attempt.code).headline
    by = {AttemptBy.AUTOMATIC: "automatically", AttemptBy.MANUAL: "by hand"}
    return AttemptPart(
        at=attempt.at, result=result, by=by.get(attempt.by, "not recorded who tried")
    )


def next_attempt(sources: Sources, invoice: Invoice | None) -> NextAttempt:
    """The next automatic try, and whether our quiet stands in its way."""
    planned = invoice.next_attempt_at if invoice else None
    none = "none planned" if invoice else NO_INVOICE
    state = sources.certificate.state
    is_suppressed = {Quiet.QUIET: True, Quiet.NOT_QUIET: False, Quiet.OFF: False}.get(state)
    return NextAttempt(
        at=sources.from_payments(planned, none),
        by=sources.from_payments("automatically" if planned else None, none),
        suppressed=sources.from_payments(is_suppressed, "quiet could not be confirmed"),
    )


def value(sources: Sources) -> Value:
    """What the account is worth and what its contract says."""
    picture, crm, reader = sources.payments, sources.crm, sources.reader
    now = picture.mrr_now if picture else None
    runs = any(one.status.is_live for one in picture.subscriptions) if picture else False
    is_over = now is not None and now.minor == 0 and not runs
    # One of something is how a flat price is billed, and no count of seats.
    billed = [one.seats or 0 for one in picture.subscriptions] if picture else []
    seats = [number for number in billed if number > 1]
    crm_seats = solid(crm.seats) if crm else sources.from_crm(None, "")
    contract = solid(crm.contract) if crm else sources.from_crm(None, "")
    renewal = solid(crm.renewal_call) if crm else sources.from_crm(None, "")
    first = picture.history.first_paid_at if picture else None
    near = None
    if isinstance(renewal, Known):
        days = (renewal.value - reader.today).days
        near = 0 <= days <= sources.policy.package.renewal_near_days
    reasons = "; ".join(sources.case.tier_reasons)
    return Value(
        arr=sources.from_payments(
            Money(now.minor * MONTHS_A_YEAR, now.currency) if now and not is_over else None,
            "no subscription runs any more" if is_over else "no monthly amount to count from",
        ),
        mrr_t3m=sources.from_payments(picture.mrr_t3m if picture else None, "too few months yet"),
        tier=solid(crm.cs_tier) if crm else sources.from_crm(None, ""),
        handled_as=sources.from_policy(
            f"{sources.case.tier}: {reasons}" if reasons else sources.case.tier
        ),
        tenure_months=sources.from_payments(
            months_between(reader.local(first).date(), reader.today) if first else None,
            "no payment has gone through yet",
        ),
        seats=crm_seats
        if isinstance(crm_seats, Known) or not seats
        else sources.from_payments(sum(seats), ""),
        expansion_arr=solid(crm.expansion) if crm else sources.from_crm(None, ""),
        contract=contract,
        access=access(sources, contract),
        renewal_at=renewal,
        renewal_is_near=renewal
        if isinstance(renewal, Missing)
        else sources.from_crm(near, "no renewal call is scheduled"),
    )


def access(sources: Sources, contract: Leaf[str]) -> Leaf[str]:
    """Whether the customer keeps access, as far as contract and subscription say."""
    picture, crm, reader = sources.payments, sources.crm, sources.reader
    kind = contract_kind(contract)
    end = crm.contract_end if crm else Missing("")
    live = [one for one in picture.subscriptions if one.status.is_live] if picture else []
    if kind is ContractKind.ANNUAL:
        if isinstance(end, Known):
            return sources.from_crm(
                f"annual contract, access continues until {reader.day(end.value)}"
                if end.value >= reader.today
                else f"annual contract, whose term ended on {reader.day(end.value)}",
                "",
            )
        return sources.from_crm("annual contract, access continues until the term ends", "")
    ends = min((one.cancel_at for one in live if one.cancel_at), default=None)
    period = min((one.period_end for one in live if one.period_end), default=None)
    label = "monthly contract" if kind is ContractKind.MONTHLY else "subscription"
    if ends:
        return sources.from_payments(
            f"{label}, {_left(ends, reader)} until it ends on {reader.day(ends)}", ""
        )
    if period:
        return sources.from_payments(
            f"{label}, {_left(period, reader)} left in this period (to {reader.day(period)})", ""
        )
    if kind is ContractKind.MONTHLY:
        return sources.from_crm("monthly contract, the end of the period is not on record", "")
    return Missing("neither a contract type nor a billing period is on record")


def _left(end: datetime, reader: Reader) -> str:
    return count(max((reader.local(end).date() - reader.today).days, 0), "day")


def months_between(first: date, last: date) -> int:
    """Whole months from one day to another."""
    months = (last.year - first.year) * MONTHS_A_YEAR + last.month - first.month
    return max(months - (last.day < first.day), 0)


def history(sources: Sources) -> History:
    """Earlier payment episodes, as numbers and as one line."""
    past = sources.payments.history if sources.payments else None
    line = history_line(past) if past else None
    return History(
        earlier_failures=sources.from_payments(past.earlier_failures if past else None, ""),
        resolved=sources.from_payments(past.resolved if past else None, ""),
        lost=sources.from_payments(past.lost if past else None, ""),
        median_days=sources.from_payments(
            past.median_days if past else None, "no earlier hiccup was solved"
        ),
        line=sources.from_payments(line, ""),
    )


def history_line(past: PaymentHistory) -> str:
    """One line that reads differently for a clean, a solved and a lost record."""
    failures = past.earlier_failures
    if not failures:
        if past.first_paid_at is None:
            return "no payment has gone through yet"
        return "every earlier payment went through at the first try"
    hiccups = count(failures, "earlier hiccup")
    pace = f", usually in {_days(past.median_days)}" if past.median_days is not None else ""
    if past.lost:
        solved = f" and {past.resolved} solved{pace}" if past.resolved else ""
        return f"{hiccups}: {past.lost} never paid{solved}"
    if past.resolved >= failures:
        how = "solved" if failures == 1 else "both solved" if failures == 2 else "all solved"
        return f"{hiccups}, {how}{pace}"
    return f"{hiccups}: {past.resolved} solved{pace}, {failures - past.resolved} not settled yet"


def _days(days: Decimal) -> str:
    return "1 day" if days == 1 else f"{number(days)} days"
