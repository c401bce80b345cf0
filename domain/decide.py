"""What follows from what is true: the one function in which everything is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from domain.case import Case, CaseState, Outcome, Timer, TimerKind
from domain.certifying import certify
from domain.escalation import close_window, escalate, half_of
from domain.facts import Invoice, InvoiceStatus, PaymentPicture
from domain.handoff import handoff_at, person_is_due
from domain.heeding import heed_task
from domain.holding import alert, current_holds, known_holds, warning_at, word_is_new, zone_of
from domain.holds import QuietCertificate, Suppression, SuppressionState, ends_at
from domain.hop_tasks import keep_hops
from domain.intercepting import intercept, intercepts, next_step_at
from domain.leaf import Known, Leaf, Missing
from domain.left_open import close_behind
from domain.policy import Tier
from domain.projection import our_values
from domain.quieting import Quieting, keep_quiet, renewal_due
from domain.restoring import give_back
from domain.situation import Decision, Reason, Situation
from domain.tasking import assign, crm_picture, keep_task, log, seen_closed
from domain.tiers import TierChoice, classify
from domain.trouble import failing_invoices

LOOK_AGAIN = timedelta(minutes=10)
"""How soon the overdue is looked at again; sooner costs calls to a vendor that is unwell."""


def decide(situation: Situation) -> Decision:
    """The next state of the account's case, the effects, the timers, and the reasons.

    Pure and level-triggered: the same situation gives the same decision, and a situation in
    which everything is as it should be gives no effect. If the payment system could not be read
    nothing is changed, and above all nothing is released.
    """
    payments = situation.facts.payments
    if not isinstance(payments, Known):
        return _unreadable(situation, payments)
    picture = payments.value
    choice = choose(situation)
    failing = failing_invoices(picture, situation.now)
    case, reasons = _case(situation, picture, failing, choice.tier, choice.reasons)
    if case is None or not case.is_open:
        return _without_case(situation, picture, choice.tier, case, reasons)
    tier = _tier(situation, case, choice.tier, choice.overridden)
    case = replace(case, tier=tier.name, tier_reasons=choice.reasons)
    holding = current_holds(situation, case, tier, has_trouble=bool(failing))
    case, effects = holding.case, list(holding.alerts)
    reasons += holding.reasons
    if situation.case is not None and situation.case.number != case.number:
        effects += close_behind(situation, situation.case, tier)

    outcome = _outcome(case, picture, failing)
    if outcome is not None:
        end = _close(situation, picture, case, tier, outcome, reasons)
        return replace(end, effects=(*effects, *end.effects))

    was_quiet = situation.case is not None and situation.case.quieted_at is not None
    if holding.wants_quiet:
        if not was_quiet:
            case = replace(case, hold_number=case.hold_number + 1, quieted_at=situation.now)
        ends = [end for end in map(ends_at, holding.holds) if end is not None]
        work = keep_quiet(
            situation,
            picture,
            hold_number=case.hold_number,
            until=max(ends) if ends else None,
        )
    else:
        if was_quiet:
            case = log(case, situation.now, "Automatic collection is given back as it was found.")
        case = replace(case, quieted_at=None)
        work = (
            intercept(situation, picture, tier)
            if intercepts(tier)
            else give_back(situation, picture, why="no hold is in force")
        )
    effects += work.effects
    reasons += work.reasons
    certificate = certify(payments, holding.holds)

    case = _state(situation, case, tier, failing)
    if case.state.needs_person:
        case, more_reasons = heed_task(situation, case, tier)
        reasons += more_reasons
        case, more_reasons = assign(situation, case, tier)
        reasons += more_reasons
        if case.state is CaseState.WITH_PERSON:
            case, more, more_reasons = escalate(situation, case, tier)
            effects += more
            reasons += more_reasons
        else:
            case = close_window(case)
        case, more = keep_task(situation, case, tier, certificate)
        effects += more
        effects += keep_hops(situation, case, tier, certificate)
        if case.assignee_id is None:
            effects.append(
                alert(
                    f"no-recipient:{case.key}",
                    f"Case {case.key} has nobody who could take it. Set a fallback owner.",
                    rule="task.no_recipient",
                )
            )
    return Decision(
        case=case,
        effects=tuple(effects),
        ledger=_changed(situation.ledger, work),
        timers=_timers(situation, case, tier, picture, work, held=bool(holding.holds)),
        reasons=tuple(reasons),
        certificate=certificate,
        ours=_ours(situation, case, certificate),
    )


def choose(situation: Situation) -> TierChoice:
    """The account's tier. While the CRM cannot be read, who was a VIP by it remains one.

    ValueError if the payment picture is missing.
    """
    choice = classify(situation.facts, situation.policy)
    was_vip = situation.was_intercepting and isinstance(situation.facts.crm, Missing)
    if not was_vip or intercepts(choice.tier):
        return choice
    tier = next((one for one in situation.policy.tiers if intercepts(one)), choice.tier)
    why = f"it was in tier {tier.name} when the CRM was last considered"
    return replace(choice, tier=tier, reasons=(why, *choice.reasons))


def _unreadable(situation: Situation, payments: Missing) -> Decision:
    """Nothing is changed or released; but what cannot be read is not called quiet either."""
    case = situation.case
    holds = known_holds(case) if case is not None and case.is_open else ()
    return Decision(
        case=case,
        ledger=(),
        timers=None,
        reasons=(Reason(rule="facts.unreadable", text=f"nothing is changed: {payments.because}"),),
        certificate=certify(payments, holds),
    )


def _case(
    situation: Situation,
    picture: PaymentPicture,
    failing: tuple[Invoice, ...],
    tier: Tier,
    tier_reasons: tuple[str, ...],
) -> tuple[Case | None, list[Reason]]:
    """The open case with its invoices brought up to date, a new one, or the last closed one."""
    last = situation.case
    if last is not None and last.is_open:
        seen = set(last.invoices)
        new = tuple(invoice.id for invoice in failing if invoice.id not in seen)
        case = replace(last, invoices=(*last.invoices, *new))
        for id in new if last.invoices else ():
            invoice = picture.invoice(id)
            if invoice is not None:
                name = invoice.number or invoice.id
                case = log(case, situation.now, f"{name} ({invoice.remaining.text()}) failed too.")
        return case, []
    said = situation.facts.hold
    asked = said is not None and word_is_new(last, said)
    if not failing and not asked:
        return _with_spent_word(situation, last), []
    number = last.number + 1 if last is not None else 1
    if failing:
        key = f"kg-{failing[0].id}"
        if last is not None and (last.key == key or last.key.startswith(f"{key}-")):
            key = f"{key}-{number}"
    else:
        key = f"kg-{picture.customer.id}-{number}"
    case = Case(
        account=situation.account,
        number=number,
        key=key,
        state=CaseState.WATCHING,
        opened_at=situation.now,
        tier=tier.name,
        tier_reasons=tier_reasons,
        invoices=tuple(invoice.id for invoice in failing),
        hold_number=last.hold_number if last is not None else 0,
        spent_word=last.spent_word if last is not None else None,
        spent_promise=last.spent_promise if last is not None else None,
    )
    why = "a payment failed" if failing else "the CRM asks for quiet"
    return case, [Reason(rule="case.open", text=f"{why}; tier {tier.name}: {tier_reasons[0]}")]


def _with_spent_word(situation: Situation, last: Case | None) -> Case | None:
    """Forget a spent word once the field was cleared, so that setting it again counts. Nobody
    knows that it was while one of the CRMs cannot be read."""
    crm = crm_picture(situation)
    if last is None or crm is None or last.spent_word is None or situation.facts.unread:
        return last
    return last if crm.hold.fingerprint == last.spent_word else replace(last, spent_word=None)


def _tier(situation: Situation, case: Case, chosen: Tier, overridden: bool) -> Tier:
    """During a case the tier never falls by itself: a shrinking account keeps its person."""
    if overridden or situation.case is None:
        return chosen
    names = [tier.name for tier in situation.policy.tiers]
    if case.tier not in names:
        return chosen
    return situation.policy.tiers[min(names.index(case.tier), names.index(chosen.name))]


def _outcome(case: Case, picture: PaymentPicture, failing: tuple[Invoice, ...]) -> Outcome | None:
    """How the case ended, or None while there is anything to wait for."""
    if failing:
        return None
    if not case.invoices:
        return None if case.word is not None else Outcome.RELEASED
    invoices = [picture.invoice(id) for id in case.invoices]
    known = [invoice for invoice in invoices if invoice is not None]
    if any(not invoice.status.is_settled and invoice.remaining.minor > 0 for invoice in known):
        return None
    statuses = {invoice.status for invoice in known}
    if InvoiceStatus.PAID in statuses:
        return Outcome.PAID
    return Outcome.LOST if InvoiceStatus.UNCOLLECTIBLE in statuses else Outcome.VOIDED


def _close(
    situation: Situation,
    picture: PaymentPicture,
    case: Case,
    tier: Tier,
    outcome: Outcome,
    reasons: list[Reason],
) -> Decision:
    """End the episode: the task says so and closes itself, and everything is given back."""
    spent = case.word.fingerprint if case.word is not None else case.spent_word
    case = replace(
        case,
        seen_closed=False,
        state=CaseState.CLOSED,
        outcome=outcome,
        closed_at=situation.now,
        word=None,
        spent_word=spent,
        promise=None,
        policy_hold_since=None,
        quieted_at=None,
    )
    case = close_window(case)
    case = log(case, situation.now, _last_line(outcome))
    work = (
        intercept(situation, picture, tier)
        if intercepts(tier)
        else give_back(situation, picture, why=f"the case ended: {outcome}")
    )
    certificate = certify(situation.facts.payments, ())
    case, effects = keep_task(situation, case, tier, certificate)
    effects += keep_hops(situation, case, tier, certificate)
    reasons.append(Reason(rule="case.close", text=f"nothing is left to collect: {outcome}"))
    return Decision(
        case=case,
        effects=(*work.effects, *effects),
        ledger=_changed(situation.ledger, work),
        timers=_timers(situation, case, tier, picture, work, held=False),
        reasons=(*reasons, *work.reasons),
        certificate=certificate,
        ours=_ours(situation, case, certificate),
    )


def _last_line(outcome: Outcome) -> str:
    return {
        Outcome.PAID: "The money has arrived. Nothing is left to do.",
        Outcome.VOIDED: "The invoice was cancelled. Nothing is left to do.",
        Outcome.LOST: "The invoice was written off. Nothing is left to do here.",
        Outcome.RELEASED: "The status was cleared and nothing is open. Nothing is left to do.",
    }[outcome]


def _without_case(
    situation: Situation,
    picture: PaymentPicture,
    tier: Tier,
    case: Case | None,
    reasons: list[Reason],
) -> Decision:
    """Nothing is failing: take renewals over if the tier says so, and finish what is left."""
    work = intercept(situation, picture, tier)
    certificate = certify(situation.facts.payments, ())
    effects = list(work.effects)
    if case is not None:
        last_tier = next((one for one in situation.policy.tiers if one.name == case.tier), tier)
        case, more = keep_task(situation, case, last_tier, certificate)
        more += keep_hops(situation, case, last_tier, certificate)
        effects += more
        if not more:
            case = seen_closed(situation, case)
    return Decision(
        case=case,
        effects=tuple(effects),
        ledger=_changed(situation.ledger, work),
        timers=_timers(situation, case, tier, picture, work, held=False),
        reasons=(*reasons, *work.reasons),
        certificate=certificate,
        ours=_ours(situation, case, certificate),
    )


def _state(situation: Situation, case: Case, tier: Tier, failing: tuple[Invoice, ...]) -> Case:
    if case.word is not None:
        state = CaseState.IN_RESOLUTION
    elif case.promise is not None:
        state = CaseState.PROMISED
    elif case.state.needs_person or person_is_due(situation, case, tier, failing):
        state = CaseState.WITH_PERSON
    else:
        state = CaseState.WATCHING
    return replace(case, state=state)


def _timers(
    situation: Situation,
    case: Case | None,
    tier: Tier,
    picture: PaymentPicture,
    work: Quieting,
    *,
    held: bool,
) -> tuple[Timer, ...]:
    """When to look again although nobody calls. A held account always has at least one.

    None lies in the past: what is overdue waits for something else, and is looked at again soon.
    """
    now, policy = situation.now, situation.policy
    due: dict[TimerKind, datetime | None] = {}
    if case is not None and case.is_open:
        if case.state is CaseState.WATCHING:
            due[TimerKind.HANDOFF] = handoff_at(situation, case, tier)
        if case.state is CaseState.WITH_PERSON:
            due[TimerKind.ESCALATION] = case.window_ends_at
            due[TimerKind.REMINDER] = None if case.reminded_at else half_of(situation, case)
        if case.word is not None:
            due[TimerKind.HOLD_EXPIRY] = case.word.until
            if case.warned_word != case.word.fingerprint:
                due[TimerKind.HOLD_WARNING] = warning_at(situation, case.word)
        if case.promise is not None:
            due[TimerKind.PROMISE] = case.promise.until
    if held:
        due[TimerKind.QUIET_CHECK] = now + timedelta(minutes=policy.hold.recheck_minutes)
        due[TimerKind.SAFETY_RENEWAL] = _first(
            renewal_due(situation, one)
            for one in picture.subscriptions
            if _is_quieted(work, f"subscription:{one.id}")
        )
    elif any(row.is_ours and not row.is_intercept for row in work.rows.values()):
        # What is being given back is looked at until it is.
        due[TimerKind.QUIET_CHECK] = now + timedelta(minutes=policy.hold.recheck_minutes)
    if not held and intercepts(tier):
        due[TimerKind.INTERCEPT] = _first(
            next_step_at(situation, one, work.rows.get(f"invoice:{one.id}"))
            for one in picture.invoices
        )
    return tuple(
        Timer(kind=kind, due=at if at > now else now + LOOK_AGAIN)
        for kind, at in due.items()
        if at is not None
    )


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in moments if at is not None), default=None)


def _is_quieted(work: Quieting, subject: str) -> bool:
    row = work.rows.get(subject)
    return row is not None and row.state is SuppressionState.QUIET


def _changed(before: tuple[Suppression, ...], work: Quieting) -> tuple[Suppression, ...]:
    known = {row.subject: row for row in before}
    return tuple(row for row in work.rows.values() if known.get(row.subject) != row)


def _ours(
    situation: Situation, case: Case | None, certificate: QuietCertificate
) -> Mapping[str, Leaf[object]]:
    one, zone = situation, zone_of(situation)
    return our_values(one.facts, case, certificate, one.now, policy=one.policy, zone=zone)


def wants_quiet(decision: Decision) -> bool:
    """Whether this decision asks for silence: the stance that guards are tested against."""
    return decision.case is not None and decision.case.quieted_at is not None
