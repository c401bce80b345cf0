"""The words of a field mapping: our values, who may write, who wins, how values change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from domain.facts import Meaning as Meaning
from domain.merge import Flow as Flow


class System(StrEnum):
    """The CRMs that a mapping can be for."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"


class Winner(StrEnum):
    """Whose value stands when both sides have one."""

    STRIPE = "stripe"
    CRM = "crm"
    ERP = "erp"
    WORKER = "worker"
    NEWEST = "newest"
    IF_BLANK = "if_blank"
    HUMAN = "human"
    ASK = "ask"


class Convert(StrEnum):
    """How a value changes shape on its way out."""

    MAJOR_UNITS = "major_units"
    """14200.50, as people write it."""
    MINOR_UNITS = "minor_units"
    """1420050, a whole number."""
    TEXT = "text"
    """$14,200.50, with the currency, for a text field."""
    DATE = "date"
    DATETIME = "datetime"


class OurType(StrEnum):
    """What kind of value it is."""

    WORD = "word"
    """One of a closed set; the mapping translates each of them."""
    MONEY = "money"
    CURRENCY = "currency"
    DAY = "day"
    MOMENT = "moment"
    TEXT = "text"
    URL = "url"
    ID = "id"


WHOLE = (OurType.MONEY, OurType.ID, OurType.URL)
"""What is whole or wrong, in a sentence too: a shortened one looks like another one."""
CONVERSIONS: Mapping[OurType, tuple[Convert, ...]] = MappingProxyType(
    {
        OurType.MONEY: (Convert.MAJOR_UNITS, Convert.MINOR_UNITS, Convert.TEXT),
        OurType.DAY: (Convert.DATE, Convert.DATETIME),
        OurType.MOMENT: (Convert.DATETIME, Convert.DATE),
    }
)
"""What each kind of value can become, the usual shape first; the others have one shape only."""

WINNERS: Mapping[Flow, tuple[Winner, ...]] = MappingProxyType(
    {
        Flow.OUT: (Winner.IF_BLANK, Winner.HUMAN, Winner.ASK),
        Flow.IN: (Winner.CRM, Winner.IF_BLANK, Winner.ASK),
        Flow.BOTH: (
            Winner.STRIPE,
            Winner.CRM,
            Winner.NEWEST,
            Winner.IF_BLANK,
            Winner.HUMAN,
            Winner.ASK,
        ),
    }
)
"""Who may win on each arrow; on the way out the value's owner may, too."""


@dataclass(frozen=True, kw_only=True)
class OurField:
    """One of our values: what it is, who owns it, the words it can take, and where it may flow."""

    type: OurType
    doc: str
    owner: Winner = Winner.STRIPE
    words: tuple[str, ...] = ()
    flows: tuple[Flow, ...] = (Flow.OUT,)

    @property
    def winners(self) -> tuple[Winner, ...]:
        """Who may win on the way out: its owner first."""
        return (self.owner, *WINNERS[Flow.OUT])


_IN = (Flow.IN,)
_EITHER = (Flow.IN, Flow.BOTH)

OURS: Mapping[str, OurField] = MappingProxyType(
    {
        "payment.status": OurField(
            type=OurType.WORD,
            doc="where the account's payments stand",
            words=("current", "failed", "past_due", "paid", "lost", "unknown"),
        ),
        "payment.amount_due": OurField(
            type=OurType.MONEY, doc="what is open on invoices whose payment failed"
        ),
        "payment.currency": OurField(
            type=OurType.CURRENCY, doc="the currency of the open amount, as its ISO code"
        ),
        "payment.failing_since": OurField(
            type=OurType.DAY, doc="the day of the first failure that is still open"
        ),
        "payment.last_failure_at": OurField(type=OurType.MOMENT, doc="when collection last failed"),
        "payment.last_failure": OurField(
            type=OurType.TEXT, doc="why collection last failed, in plain words"
        ),
        "payment.next_attempt_at": OurField(
            type=OurType.MOMENT, doc="when Stripe tries next by itself; empty while it is quiet"
        ),
        "payment.mrr": OurField(type=OurType.MONEY, doc="the present MRR"),
        "payment.arr": OurField(type=OurType.MONEY, doc="twelve times the present MRR"),
        "payment.cancel_on": OurField(
            type=OurType.DAY, doc="the day on which a subscription ends, if it was cancelled"
        ),
        "payment.card_expires": OurField(
            type=OurType.DAY, doc="the last day on which the card on file is good"
        ),
        "payment.customer_id": OurField(type=OurType.ID, doc="the customer's id in Stripe"),
        "payment.customer_url": OurField(
            type=OurType.URL, doc="the customer's page in the Stripe Dashboard"
        ),
        "quiet.state": OurField(
            type=OurType.WORD,
            doc="whether Stripe is quiet for this account, as read back",
            owner=Winner.WORKER,
            words=("quiet", "not_quiet", "unknown", "off"),
        ),
        "quiet.checked_at": OurField(
            type=OurType.MOMENT, doc="when that was last read back", owner=Winner.WORKER
        ),
        "quiet.until": OurField(
            type=OurType.MOMENT, doc="when the quiet ends by itself", owner=Winner.WORKER
        ),
        "case.state": OurField(
            type=OurType.TEXT, doc="where the case stands; empty without one", owner=Winner.WORKER
        ),
        "case.key": OurField(
            type=OurType.ID,
            doc="the key of the case and of its task; empty without one",
            owner=Winner.WORKER,
        ),
        "hold.answer": OurField(
            type=OurType.TEXT,
            doc="what was made of the word in the resolution field; empty without one",
            owner=Winner.WORKER,
        ),
        "sync.problem": OurField(
            type=OurType.TEXT,
            doc="what stops this account from being kept in step; empty when nothing does",
            owner=Winner.WORKER,
        ),
        "account.tier": OurField(
            type=OurType.TEXT, doc="the tier of the account", owner=Winner.CRM, flows=_IN
        ),
        "account.vip": OurField(
            type=OurType.TEXT,
            doc="what people say of it as a VIP",
            owner=Winner.CRM,
            flows=_IN,
        ),
        "account.owner": OurField(
            type=OurType.TEXT, doc="the owner of the account", owner=Winner.CRM, flows=_IN
        ),
        "account.csm": OurField(
            type=OurType.TEXT, doc="the CSM of the account", owner=Winner.CRM, flows=_IN
        ),
        "account.ap_contact": OurField(
            type=OurType.TEXT, doc="the accounts-payable contact", owner=Winner.CRM, flows=_IN
        ),
        "account.health": OurField(
            type=OurType.TEXT, doc="the health score", owner=Winner.CRM, flows=_IN
        ),
        "account.resolution": OurField(
            type=OurType.TEXT, doc="the resolution state", owner=Winner.CRM, flows=_IN
        ),
        "account.promise": OurField(
            type=OurType.DAY, doc="the promised day", owner=Winner.CRM, flows=_IN
        ),
        "customer.name": OurField(
            type=OurType.TEXT,
            doc="the customer's name on invoices",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.email": OurField(
            type=OurType.TEXT,
            doc="the address that invoices go to",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.phone": OurField(
            type=OurType.TEXT,
            doc="the customer's telephone number",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.address.line1": OurField(
            type=OurType.TEXT,
            doc="the first line of the billing address",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.address.line2": OurField(
            type=OurType.TEXT,
            doc="the second line of the billing address",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.address.city": OurField(
            type=OurType.TEXT,
            doc="the city of the billing address",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.address.state": OurField(
            type=OurType.TEXT,
            doc="the state of the billing address",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.address.postal_code": OurField(
            type=OurType.TEXT,
            doc="the postal code of the billing address",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
        "customer.address.country": OurField(
            type=OurType.TEXT,
            doc="the country of the billing address, as its two letters",
            owner=Winner.CRM,
            flows=_EITHER,
        ),
    }
)
"""Every value that a row may name on our side."""
