"""What a package is made from, and how a value becomes a leaf that is never blank."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from domain.case import Case
from domain.facts import AccountFacts, CrmPicture, ErpPicture, PaymentPicture
from domain.holds import QuietCertificate
from domain.leaf import Known, Missing
from domain.money import Money
from domain.policy import Policy, Tier
from domain.wording import Reader, clean, clip

T = TypeVar("T")
LONGEST_TEXT = 1000
"""Units kept of one text; the task shows less, and a 32,000 character title helps nobody."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The facts about one case at one moment, and who reads them."""

    case: Case
    facts: AccountFacts
    policy: Policy
    tier: Tier
    certificate: QuietCertificate
    reader: Reader

    @property
    def payments_source(self) -> str:
        """The id under which leaves name the payment system."""
        payments = self.facts.payments
        return payments.source if isinstance(payments, Known) else "payments"

    @property
    def payments(self) -> PaymentPicture | None:
        """The payment system's picture, or None if it could not be read."""
        return self.facts.payments.value if isinstance(self.facts.payments, Known) else None

    @property
    def crm(self) -> CrmPicture | None:
        """The CRM's picture, or None if there is none."""
        return self.facts.crm.value if isinstance(self.facts.crm, Known) else None

    @property
    def erp(self) -> ErpPicture | None:
        """The ERP's picture, or None if there is none."""
        return self.facts.erp.value if isinstance(self.facts.erp, Known) else None

    def from_payments(self, value: T | None, because: str) -> Known[T] | Missing:
        """The payment system's value; `because` says why it may have none."""
        picture = self.payments
        return _leaf(self.facts.payments, value, because, picture.read_at if picture else None)

    def from_crm(self, value: T | None, because: str) -> Known[T] | Missing:
        """The CRM's value; `because` says why it may have none."""
        picture = self.crm
        return _leaf(self.facts.crm, value, because, picture.read_at if picture else None)

    def from_erp(self, value: T | None, because: str) -> Known[T] | Missing:
        """The ERP's value; `because` says why it may have none."""
        return _leaf(self.facts.erp, value, because, None)

    def from_policy(self, value: T) -> Known[T]:
        """Something that our own rules say."""
        return Known(value, f"policy {self.policy.name} {self.policy.version}", self.reader.as_of)


def _leaf(
    picture: Known[Any] | Missing, value: T | None, because: str, read_at: datetime | None
) -> Known[T] | Missing:
    if isinstance(picture, Missing):
        return solid(picture)
    if value is None or (isinstance(value, str) and not clean(value)):
        return Missing(because or "not on record")
    return Known(value, picture.source, picture.as_of or read_at)


def tidy(value: Any) -> Any:
    """The value with every text in it on one line, safe to store, and no longer than is read."""
    match value:
        case Enum():
            return value
        case str():
            return clip(clean(value), LONGEST_TEXT)
        case tuple():
            return tuple(map(tidy, value))
        case _ if is_dataclass(value) and not isinstance(value, type | Money):
            return replace(
                value, **{one.name: tidy(getattr(value, one.name)) for one in fields(value)}
            )
        case _:
            return value


def solid(leaf: Known[T] | Missing) -> Known[T] | Missing:
    """The same leaf, unless it would be blank: an empty text becomes missing, and says where."""
    if isinstance(leaf, Missing):
        return leaf if clean(leaf.because) else Missing("no reason given")
    source = leaf.source if clean(leaf.source) else "unnamed source"
    if isinstance(leaf.value, str) and not clean(leaf.value):
        return Missing(f"empty in {source}")
    return Known(leaf.value, source, leaf.as_of)
