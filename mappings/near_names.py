"""How near a field's name or label is to what CRMs call a value of ours. It proves nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from types import MappingProxyType

from domain.described import DescribedField

CALLED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "payment.status": ("billing status",),
        "payment.amount_due": ("amount due", "amount past due", "past due amount", "open amount"),
        "payment.currency": ("billing currency", "past due currency"),
        "payment.failing_since": ("failing since", "past due since"),
        "payment.last_failure_at": ("last failure at", "last failure date"),
        "payment.last_failure": ("last failure", "last failure reason", "decline reason"),
        "payment.next_attempt_at": ("next attempt at", "next retry", "next payment attempt"),
        "payment.mrr": ("mrr", "monthly recurring revenue"),
        "payment.arr": ("arr", "annual recurring revenue"),
        "payment.cancel_on": ("cancel on", "cancellation date", "subscription ends on"),
        "payment.card_expires": ("card expires", "card expires on", "card expiry"),
        "payment.customer_id": ("customer id",),
        "payment.customer_url": ("customer url", "customer link"),
        "quiet.state": ("dunning quiet state",),
        "quiet.checked_at": ("dunning suppressed at", "dunning checked at"),
        "quiet.until": ("dunning quiet until",),
        "case.state": ("dunning case state",),
        "case.key": ("dunning case key",),
        "hold.answer": ("dunning answer",),
        "sync.problem": ("sync error", "dunning sync error"),
        "account.tier": ("customer tier", "cs tier", "success tier", "segment"),
        "account.vip": ("vip", "is vip"),
        "account.owner": ("owner", "owner id"),
        "account.csm": ("csm", "customer success manager"),
        "account.ap_contact": ("ap contact", "billing contact", "accounts payable contact"),
        "account.health": ("health", "health score", "customer health"),
        "account.resolution": ("resolution", "resolution status", "dunning status"),
        "account.promise": ("promise date", "promised payment date"),
        "customer.name": ("name", "account name", "company name", "billing name", "legal name"),
        "customer.email": ("billing email", "invoice email", "accounts payable email", "ap email"),
        "customer.phone": ("phone", "phone number", "billing phone", "account phone"),
        "customer.address.line1": ("street", "street address", "billing street", "address 1"),
        "customer.address.line2": ("address 2", "street address 2", "billing street 2"),
        "customer.address.city": ("city", "billing city"),
        "customer.address.state": ("state region", "billing state", "billing state code"),
        "customer.address.postal_code": ("postal code", "zip", "zip code", "billing zip"),
        "customer.address.country": ("country code", "billing country code", "billing country"),
    }
)
"""What CRMs call our values, besides our own name for them."""
_OURS_AND_THE_VENDORS = frozenset("stripe kidglove".split())
"""Words that say whose a field is, and not what it holds."""
SAME_WORDS = 0.7
"""The share of words that two names have in common from which they are near: three of four. Two of
three would take an annual revenue for an annual recurring one."""
SAME_SIGNS = 0.85
"""The likeness of the spelling from which it may be the same word: a plural, a slip."""
_HUMP = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True, kw_only=True)
class Near:
    """How near they are, from 0 to 1, and what of the field is like which words."""

    score: float
    seen: str
    phrase: str

    @property
    def reason(self) -> str:
        """Why, as the end of a sentence."""
        return f"{self.seen} {'says' if self.score == 1 else 'is near to'} {self.phrase!r}"


@dataclass(frozen=True)
class _Phrase:
    text: str
    words: frozenset[str]
    signs: str


def phrases(ours: str) -> tuple[str, ...]:
    """What a value of ours is called, our own name first."""
    return (" ".join(ours.replace(".", " ").replace("_", " ").split()), *CALLED.get(ours, ()))


def near(ours: str, field: DescribedField) -> Near | None:
    """How near a field is to a value of ours by its name or label; None if it is not."""
    found = [
        Near(score=score, seen=seen, phrase=phrase.text)
        for phrase in map(_phrase, phrases(ours))
        for seen, text in _texts(field)
        if (score := _score(phrase, _phrase(text))) > 0
    ]
    return max(found, key=lambda one: one.score, default=None)


def _texts(field: DescribedField) -> Iterator[tuple[str, str]]:
    yield "its name", field.name.removesuffix("__c")
    if field.label:
        yield f"its label {field.label!r}", field.label


@lru_cache(maxsize=4096)
def _phrase(text: str) -> _Phrase:
    words = [one.casefold() for one in _WORD.findall(_HUMP.sub(" ", text))]
    telling = [one for one in words if one not in _OURS_AND_THE_VENDORS]
    return _Phrase(text, frozenset(telling), "".join(telling))


def _score(ours: _Phrase, theirs: _Phrase) -> float:
    if not ours.words or not theirs.words:
        return 0
    if ours.words == theirs.words:
        return 1
    shared = len(ours.words & theirs.words) / len(ours.words | theirs.words)
    if shared >= SAME_WORDS:
        return shared
    likeness = SequenceMatcher(None, theirs.signs, ours.signs, autojunk=False)
    if likeness.real_quick_ratio() < SAME_SIGNS or likeness.quick_ratio() < SAME_SIGNS:
        return 0
    return likeness.ratio() if likeness.ratio() >= SAME_SIGNS else 0
