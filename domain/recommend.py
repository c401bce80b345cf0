"""The recommended approach: one rule for every mix of failure, mood, record and contract."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.decline_table import DeclineClass
from domain.facts import PaymentHistory
from domain.leaf import Known, Leaf


class Mood(StrEnum):
    """How the account feels about us, as far as the health score says."""

    GOOD = "good"
    LOW = "low"
    UNKNOWN = "unknown"
    """No score, a stale one, or one whose scale we cannot tell."""


class Record(StrEnum):
    """How earlier payment episodes ended."""

    CLEAN = "clean"
    SOLVED = "solved"
    LOST = "lost"
    NEW = "new"
    """No payment has gone through yet."""
    UNKNOWN = "unknown"


class ContractKind(StrEnum):
    """Whether access is prepaid to the end of a term."""

    ANNUAL = "annual"
    MONTHLY = "monthly"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Approach:
    """What to do first, and why: sentences for a person, and the id of the rule they are from."""

    rule_id: str
    approach: str
    why: str


@dataclass(frozen=True)
class Rule:
    """One row: it applies where all four sets hold the account's own class."""

    id: str
    kinds: frozenset[DeclineClass]
    moods: frozenset[Mood]
    records: frozenset[Record]
    contracts: frozenset[ContractKind]
    approach: str
    why: str

    def applies(
        self, kind: DeclineClass, mood: Mood, record: Record, contract: ContractKind
    ) -> bool:
        """Whether this row is the one for these four."""
        return (
            kind in self.kinds
            and mood in self.moods
            and record in self.records
            and contract in self.contracts
        )


@dataclass(frozen=True)
class _Opening:
    """How to begin, by mood, record and contract."""

    id: str
    records: frozenset[Record]
    moods: frozenset[Mood]
    contracts: frozenset[ContractKind]
    says: str
    why: str


@dataclass(frozen=True)
class _Ask:
    """What to ask for, by kind of failure."""

    id: str
    kind: DeclineClass
    says: str
    why: str


ANY_MOOD = frozenset(Mood)
ANY_RECORD = frozenset(Record)
ANY_CONTRACT = frozenset(ContractKind)
_NOT_LOW = frozenset({Mood.GOOD, Mood.UNKNOWN})
_LOW = frozenset({Mood.LOW})


def _opening(
    id: str,
    record: Record,
    says: str,
    why: str,
    *,
    moods: frozenset[Mood] = ANY_MOOD,
    contracts: frozenset[ContractKind] = ANY_CONTRACT,
) -> _Opening:
    return _Opening(id, frozenset({record}), moods, contracts, says, why)


_OPENINGS = (
    _opening(
        "clean-good",
        Record.CLEAN,
        "Start with what goes well for them, then say that you noticed the payment did not go "
        "through.",
        "it is the first hiccup of an account in good health",
        moods=frozenset({Mood.GOOD}),
    ),
    _opening(
        "clean-low",
        Record.CLEAN,
        "Ask first how things are going and listen; bring up the payment second.",
        "it is their first hiccup, and the health score is low, so there may be more behind it",
        moods=_LOW,
    ),
    _opening(
        "clean",
        Record.CLEAN,
        "Be light about it: say that you noticed the payment did not go through and offer help.",
        "it is their first hiccup, and there is no current health score",
        moods=frozenset({Mood.UNKNOWN}),
    ),
    _opening(
        "solved",
        Record.SOLVED,
        "Keep it short and easy: they have put this right before and know the way.",
        "earlier hiccups were all solved",
        moods=_NOT_LOW,
    ),
    _opening(
        "solved-low",
        Record.SOLVED,
        "Ask how things are going before you come to the payment, even though they have always "
        "put it right.",
        "earlier hiccups were all solved, but the health score is low",
        moods=_LOW,
    ),
    _opening(
        "lost-annual",
        Record.LOST,
        "Agree on a date and set it as the promise date. There is time: their access is prepaid.",
        "an earlier payment never arrived, and the contract is annual",
        moods=_NOT_LOW,
        contracts=frozenset({ContractKind.ANNUAL}),
    ),
    _opening(
        "lost",
        Record.LOST,
        "Agree on a date in the first talk and set it as the promise date.",
        "an earlier payment never arrived",
        moods=_NOT_LOW,
        contracts=frozenset({ContractKind.MONTHLY, ContractKind.UNKNOWN}),
    ),
    _opening(
        "lost-low",
        Record.LOST,
        "Speak with the relationship owner first, then reach out together; listen before you "
        "agree on a date.",
        "an earlier payment never arrived and the health score is low",
        moods=_LOW,
    ),
    _opening(
        "new",
        Record.NEW,
        "Treat it as part of getting started: offer to set the payment up together.",
        "no payment of theirs has gone through yet",
    ),
    _opening(
        "unknown-low",
        Record.UNKNOWN,
        "Ask first how things are going, then say that you noticed the payment did not go through.",
        "the health score is low, and earlier payments are not on record",
        moods=_LOW,
    ),
    _opening(
        "unknown",
        Record.UNKNOWN,
        "Say that you noticed the payment did not go through and offer to look at it together.",
        "earlier payments are not on record, so begin without assumptions",
        moods=_NOT_LOW,
    ),
)

_ASKS = (
    _Ask(
        "funds",
        DeclineClass.FUNDS,
        "Ask which day suits them: the same card may work then.",
        "limits and balances usually clear within days",
    ),
    _Ask(
        "bank",
        DeclineClass.BANK_NO_REASON,
        "Suggest a word with their bank, or another card.",
        "only the cardholder learns the reason from the bank",
    ),
    _Ask(
        "technical",
        DeclineClass.TECHNICAL,
        "Ask nothing of them yet: a new try will probably go through.",
        "the trouble lay between the banks, not with the customer",
    ),
    _Ask(
        "details",
        DeclineClass.CARD_DATA,
        "Ask who looks after the card on file, and offer a link to update it.",
        "the same card details cannot work again",
    ),
    _Ask(
        "confirm",
        DeclineClass.AUTHENTICATION,
        "Ask who can confirm the payment with the bank, and offer to go through it on the phone.",
        "the bank waits for the cardholder's own confirmation",
    ),
    _Ask(
        "new-card",
        DeclineClass.CARD_GONE,
        "Ask for another payment method, and leave the reason to them.",
        "this card cannot be used again",
    ),
    _Ask(
        "other-way",
        DeclineClass.CARD_UNFIT,
        "Offer another card or a bank transfer.",
        "this card cannot make this kind of payment",
    ),
    _Ask(
        "unknown",
        DeclineClass.UNKNOWN,
        "Ask whether anything has changed with their card or bank.",
        "the reason for the failure is not known yet",
    ),
)


def _alone(id: str, kind: DeclineClass, approach: str, why: str) -> Rule:
    return Rule(id, frozenset({kind}), ANY_MOOD, ANY_RECORD, ANY_CONTRACT, approach, why)


RULES: tuple[Rule, ...] = (
    _alone(
        "risk",
        DeclineClass.RISK,
        "Look at it with finance before anybody writes to the customer. If they ask, say only "
        "that the card on file was declined.",
        "a fraud check stopped the payment, which may be a mistake of ours",
    ),
    _alone(
        "test-card",
        DeclineClass.TEST,
        "Ask billing operations to replace the test card first; the customer has nothing to "
        "answer for.",
        "a card meant for tests is on file",
    ),
    *(
        Rule(
            f"{ask.id}.{opening.id}",
            frozenset({ask.kind}),
            opening.moods,
            opening.records,
            opening.contracts,
            f"{opening.says} {ask.says}",
            f"{opening.why}; {ask.why}",
        )
        for ask in _ASKS
        for opening in _OPENINGS
    ),
)
"""The whole table. A test walks every mix of classes and finds exactly one row for each."""


TRANSFER = Approach(
    "transfer",
    "Ask whether the invoice has reached the right person, and on which day it will be paid.",
    "the invoice waits for a transfer, so no card and no bank has refused anything",
)
"""Where nothing was charged there is nothing to put right, only something to find out."""


def recommend(
    *, kind: DeclineClass, mood: Mood, record: Record, contract: ContractKind
) -> Approach:
    """The one approach for these four classes; each may be unknown."""
    rule = next(rule for rule in RULES if rule.applies(kind, mood, record, contract))
    return Approach(rule.id, rule.approach, rule.why)


LOW_BELOW = 60
"""Points of 100 under which a score counts as low; too high only makes the opening gentler."""
_SMALL_SCALE = 10
"""A bare number up to this may be out of ten or out of a hundred, so it is not judged."""
_LOW_WORDS = frozenset("red yellow amber orange risk poor bad weak low critical churn".split())
_GOOD_WORDS = frozenset("green good great healthy excellent strong high".split())


def mood_of(score: Leaf[str], *, is_stale: bool) -> Mood:
    """The mood behind a health score in whatever form the CRM keeps it."""
    if not isinstance(score, Known) or is_stale:
        return Mood.UNKNOWN
    text = score.value.strip().lower()
    number = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)\s*(?:%|(?:/|of|out of)\s*(\d{1,6}))?", text)
    if number:
        value = float(number[1])
        if number[2]:
            top = float(number[2])
        elif value > _SMALL_SCALE or text.endswith("%"):
            top = 100.0
        else:
            return Mood.UNKNOWN
        if top <= 0 or value > top:
            return Mood.UNKNOWN
        return Mood.GOOD if value * 100 >= LOW_BELOW * top else Mood.LOW
    words = set(re.findall(r"[a-z]+", text))
    if words & _LOW_WORDS:
        return Mood.LOW
    return Mood.GOOD if words & _GOOD_WORDS and "not" not in words else Mood.UNKNOWN


def record_of(history: PaymentHistory | None) -> Record:
    """How earlier episodes ended; None if the payment system could not be read."""
    if history is None:
        return Record.UNKNOWN
    if history.lost:
        return Record.LOST
    if history.resolved and history.resolved >= history.earlier_failures:
        return Record.SOLVED
    if history.earlier_failures:
        return Record.UNKNOWN
    return Record.CLEAN if history.first_paid_at else Record.NEW


_MONTHS = re.compile(r"(\d{1,4})\s*-?\s*(?:months?|mo)\b")
_HALF = re.compile(r"(?:semi|half|bi).{0,2}(?:annual|year)")
_ANNUAL = re.compile(r"annual|year|multi")
_MONTHLY = re.compile(r"\bmonthly|month.{1,4}month")


def contract_kind(contract: Leaf[str]) -> ContractKind:
    """Whether the contract's words say annual or monthly; "annual, billed monthly" is annual."""
    if not isinstance(contract, Known):
        return ContractKind.UNKNOWN
    text = contract.value.lower()
    months = _MONTHS.search(text)
    if _HALF.search(text):
        return ContractKind.UNKNOWN
    if _ANNUAL.search(text) or (months and int(months[1]) >= 12):
        return ContractKind.ANNUAL
    if _MONTHLY.search(text) or (months and int(months[1]) == 1):
        return ContractKind.MONTHLY
    return ContractKind.UNKNOWN
