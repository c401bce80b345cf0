"""Which holds are in force: the policy's, the CRM's word, the customer's promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain.case import Case, ChangeLine
from domain.effects import Effect, EffectKind
from domain.facts import CrmPicture, HoldSignal, HoldWord
from domain.holds import HeldByPolicy, HeldByPromise, HeldByWord, Hold
from domain.leaf import Known
from domain.policy import Automation, Tier
from domain.situation import Reason, Situation
from domain.wording import plain_day
from domain.workdays import add_working_days, at_local, local_date

PATIENCE = timedelta(days=3)
"""How long an ended hold is kept while the CRM cannot be read, because a later date may stand
there; longer would let a broken link keep an account quiet for good."""


@dataclass(frozen=True, kw_only=True)
class Holding:
    """The case with its holds brought up to date, and what a person should be told about it."""

    case: Case
    holds: tuple[Hold, ...]
    reasons: tuple[Reason, ...] = ()
    alerts: tuple[Effect, ...] = ()

    @property
    def wants_quiet(self) -> bool:
        """Whether any hold is in force."""
        return bool(self.holds)


def zone_of(situation: Situation) -> str:
    """The zone in which the responsible person works: whoever has the task, else the first in the
    chain who is there; the policy's default if nobody's is known."""
    crm, case = situation.facts.crm, situation.case
    if isinstance(crm, Known):
        people = crm.value.people
        known = [people[role] for role in situation.policy.escalation if role in people]
        has_it = [one for one in known if case and case.is_open and one.id == case.assignee_id]
        there = [one for one in known if one.can_take_work]
        for person in (*has_it, *there, *known):
            if person.zone:
                return person.zone
    return situation.policy.calendar.default_zone


def word_is_new(case: Case | None, signal: HoldSignal) -> bool:
    """Whether the CRM's word asks for a hold that has not already run out unchanged."""
    if signal.word not in (HoldWord.HELD, HoldWord.UNKNOWN):
        return False
    return case is None or case.spent_word != signal.fingerprint


def current_holds(situation: Situation, case: Case, tier: Tier, *, has_trouble: bool) -> Holding:
    """Bring the case's holds up to date. A CRM that cannot be read changes nothing."""
    reasons: list[Reason] = []
    alerts: list[Effect] = []
    crm = situation.facts.crm
    if isinstance(crm, Known):
        if _may_stand_elsewhere(situation, case, crm.value):
            alone = replace(case, promise=None)
            because = f"{', '.join(situation.facts.unread)} cannot be read"
            alone = _kept(situation, alone, because, reasons, alerts)
            case = replace(alone, promise=case.promise)
        else:
            case = _with_word(situation, case, crm.value, reasons, alerts)
        case = _with_promise(situation, case, crm.value, reasons)
    else:
        case = _without_home(situation, case, crm.because, reasons, alerts)
    if tier.automation is Automation.HELD and has_trouble:
        since = case.policy_hold_since or situation.now
        if case.policy_hold_since is None:
            reasons.append(
                Reason(rule="hold.policy", text=f"tier {tier.name} is handled by people only")
            )
        case = replace(case, policy_hold_since=since, tier=tier.name)
    else:
        case = replace(case, policy_hold_since=None)
    return Holding(case=case, holds=known_holds(case), reasons=tuple(reasons), alerts=tuple(alerts))


def _may_stand_elsewhere(situation: Situation, case: Case, crm: CrmPicture) -> bool:
    """Whether the word was said in another CRM, which cannot be read now: that this one is silent
    takes nothing back."""
    if case.word is None or crm.hold.word not in (HoldWord.SILENT, HoldWord.RELEASED):
        return False
    unread = situation.facts.unread
    return case.word.system in unread if case.word.system is not None else bool(unread)


def _without_home(
    situation: Situation,
    case: Case,
    because: str,
    reasons: list[Reason],
    alerts: list[Effect],
) -> Case:
    """What the CRM said is kept while it shows nothing, and a word in another one counts: one that
    stands and that cannot be compared goes first."""
    heard, word = situation.facts.heard, case.word
    if heard is None or (
        word is not None
        and word.system not in (heard.hold.system, None)
        and word.until > situation.now
    ):
        kept = bool(case.word or case.promise)
        return _kept(situation, case, because, reasons, alerts) if kept else case
    if case.promise is not None:
        alone = _kept(situation, replace(case, word=None), because, reasons, alerts)
        case = replace(alone, word=word)
    return _with_word(situation, case, heard, reasons, alerts)


def _kept(
    situation: Situation,
    case: Case,
    because: str,
    reasons: list[Reason],
    alerts: list[Effect],
) -> Case:
    """The holds as they were last known; one that has run out is kept for a while, and told."""
    reasons.append(Reason(rule="hold.crm_unreadable", text=f"CRM: {because}; holds kept"))
    alerts.extend(_unread_end(situation, case, because))
    return _expired(situation, case, reasons, patience=PATIENCE)


def known_holds(case: Case) -> tuple[Hold, ...]:
    """The holds of a case as they were last judged."""
    holds: list[Hold] = []
    if case.policy_hold_since is not None:
        holds.append(HeldByPolicy(tier=case.tier, since=case.policy_hold_since))
    holds.extend(hold for hold in (case.word, case.promise) if hold is not None)
    return tuple(holds)


def _with_word(
    situation: Situation,
    case: Case,
    crm: CrmPicture,
    reasons: list[Reason],
    alerts: list[Effect],
) -> Case:
    signal, now = crm.hold, situation.now
    if signal.word in (HoldWord.SILENT, HoldWord.RELEASED):
        if case.word is None and situation.facts.unread:
            # A word that has run out may still stand there: read again, it must not be a new one.
            return case
        if case.word is not None:
            reasons.append(Reason(rule="hold.word_cleared", text="the CRM word was taken back"))
            case = _log(situation, case, "In resolution ended: the field was cleared.")
        return replace(case, word=None, spent_word=None)
    if case.word is not None and case.word.fingerprint == signal.fingerprint:
        return _warned(situation, _expired(situation, case, reasons), reasons)
    if not word_is_new(case, signal):
        return replace(case, word=None)
    until = _word_ends(situation, signal)
    if until <= now:
        reasons.append(
            Reason(rule="hold.word_past", text=f"{signal.raw!r} asks for quiet until a past date")
        )
        case = _log(
            situation,
            case,
            f"The status says {signal.raw!r}, but its date has passed. Set a later date to hold.",
        )
        return replace(case, word=None, spent_word=signal.fingerprint)
    understood = signal.word is HoldWord.HELD
    word = HeldByWord(
        raw=signal.raw or "",
        by=signal.by,
        since=now,
        until=until,
        fingerprint=signal.fingerprint,
        is_understood=understood,
        dated_by_person=signal.until is not None,
        system=signal.system,
    )
    day = plain_day(local_date(until - timedelta(seconds=1), zone_of(situation)))
    if understood:
        reasons.append(Reason(rule="hold.word", text=f"the CRM says {signal.raw!r}; until {day}"))
        case = _log(situation, case, f"In resolution until {day}. Nothing automated goes out.")
    else:
        reasons.append(
            Reason(rule="hold.word_unknown", text=f"unknown word {signal.raw!r}: held, and asked")
        )
        case = _log(
            situation, case, f"The status {signal.raw!r} is not known here; held to be safe."
        )
        alerts.append(
            alert(
                f"unknown-word:{situation.account}:{signal.raw}",
                f"The resolution field says {signal.raw!r}, which no mapping row translates. The "
                "account is held until it is cleared. Add the word under hold.words.",
                rule="hold.word_unknown",
            )
        )
    return replace(case, word=word, spent_word=None)


def _word_ends(situation: Situation, signal: HoldSignal) -> datetime:
    """The end of the day a person named, or the policy's limit. A hold always has an end."""
    zone = zone_of(situation)
    if signal.until is not None:
        return _after(situation, signal.until, 0)
    limit = add_working_days(
        local_date(situation.now, zone), situation.policy.hold.max_working_days, situation.calendar
    )
    return at_local(limit, situation.policy.calendar.day_ends_hour, zone)


def _after(situation: Situation, day: date, hour: int) -> datetime:
    """The hour on the day after `day`, or the longest hold that the policy allows.

    Somebody who types 9999 must still be asked again.
    """
    longest = situation.now + timedelta(days=situation.policy.hold.longest_days)
    if day >= longest.date():
        return longest
    return min(at_local(day + timedelta(days=1), hour, zone_of(situation)), longest)


def _with_promise(situation: Situation, case: Case, crm: CrmPicture, reasons: list[Reason]) -> Case:
    now, promised = situation.now, crm.promise
    if promised is None:
        return replace(case, promise=None, spent_promise=None)
    if case.promise is not None and case.promise.promised == promised:
        return _expired(situation, case, reasons)
    if case.spent_promise == promised:
        return replace(case, promise=None)
    until = _after(situation, promised, 9)
    if until <= now:
        return replace(case, promise=None, spent_promise=promised)
    reasons.append(Reason(rule="hold.promise", text=f"promised for {promised.isoformat()}"))
    case = _log(situation, case, f"Payment promised for {plain_day(promised)}. We wait for it.")
    return replace(
        case,
        promise=HeldByPromise(promised=promised, since=now, until=until),
        spent_promise=None,
    )


def _expired(
    situation: Situation, case: Case, reasons: list[Reason], *, patience: timedelta = timedelta(0)
) -> Case:
    """End what has run out. It never ends in silence: the change log and the task say so."""
    latest = situation.now - patience
    if case.word is not None and case.word.until <= latest:
        reasons.append(Reason(rule="hold.word_expired", text="the time for the fix has run out"))
        case = _log(
            situation, case, "The time set for the fix has run out and the money is not here yet."
        )
        case = replace(case, word=None, spent_word=case.word.fingerprint if case.word else None)
        case = _ask_again(situation, case)
    if case.promise is not None and case.promise.until <= latest:
        promised = case.promise.promised
        reasons.append(Reason(rule="hold.promise_broken", text="the promised day has passed"))
        case = _log(
            situation, case, f"The payment promised for {plain_day(promised)} has not arrived."
        )
        case = replace(case, promise=None, spent_promise=promised)
        case = _ask_again(situation, case)
    return case


def _unread_end(situation: Situation, case: Case, because: str) -> Iterator[Effect]:
    """One word for each hold that has run out and could not be compared with the CRM."""
    for hold in (case.word, case.promise):
        if hold is None or hold.until > situation.now:
            continue
        last = plain_day(local_date(hold.until + PATIENCE, zone_of(situation)))
        yield alert(
            f"hold-unread:{case.key}:{hold.until.isoformat()}",
            f"A hold of case {case.key} has run out, and the CRM cannot be read: {because}. It is "
            f"kept until {last}, in case a later date was set. Make the CRM readable before that.",
            rule="hold.crm_unreadable",
        )


def warning_at(situation: Situation, word: HeldByWord) -> datetime:
    """When the person is told that the time is about to run out."""
    zone = zone_of(situation)
    days = situation.policy.hold.warn_working_days
    last = local_date(word.until - timedelta(seconds=1), zone)
    day = add_working_days(last, -days, situation.calendar) if days else last
    return at_local(day, situation.policy.calendar.day_starts_hour, zone)


def _warned(situation: Situation, case: Case, reasons: list[Reason]) -> Case:
    word = case.word
    if word is None or case.warned_word == word.fingerprint:
        return case
    if situation.now < warning_at(situation, word):
        return case
    day = plain_day(local_date(word.until - timedelta(seconds=1), zone_of(situation)))
    reasons.append(Reason(rule="hold.word_ending", text=f"the time for the fix ends on {day}"))
    case = _log(
        situation,
        case,
        f"In resolution ends on {day}. Set a later date if you need more time.",
    )
    return replace(case, warned_word=word.fingerprint)


def _ask_again(situation: Situation, case: Case) -> Case:
    """The ball is with the person again: due on the next working day, the window starts anew."""
    zone = zone_of(situation)
    today = local_date(situation.now, zone)
    return replace(
        case,
        due_on=add_working_days(today, 1, situation.calendar),
        window_ends_at=None,
        reminded_at=None,
    )


def alert(key: str, text: str, *, rule: str) -> Effect:
    """A word to the administrators, raised once per key."""
    return Effect(
        kind=EffectKind.ALERT,
        subject=f"alert:{key}",
        key=f"alert:{key}",
        body={"text": text},
        rule=rule,
    )


def _log(situation: Situation, case: Case, text: str) -> Case:
    return replace(case, changes=(*case.changes, ChangeLine(at=situation.now, text=text)))
