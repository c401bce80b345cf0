"""Money in minor units, with the currency's own number of decimals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

# VENDOR: the payment system's own list and units, not ISO 4217's (docs/currencies): there ISK and
# UGX are zero-decimal; here their amounts carry two decimals that are always 00.
ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
"""Currencies whose minor unit is the unit (a missed one shows amounts 100 times off)."""
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
"""Currencies with thousandths."""
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
"""Signs that everyone reads at a glance; every other currency is shown by its code."""
KNOWN = (
    ZERO_DECIMAL
    | THREE_DECIMAL
    | frozenset(
        "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp "
        "byn bzd cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel ghs "
        "gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp "
        "lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd "
        "pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sll sos srd std "
        "szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd xcg yer zar zmw".split()
    )
)
"""Every currency of the payment system; an amount in any other is shown raw and never compared."""


def exponent(currency: str) -> int:
    """How many decimals the currency has: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


@dataclass(frozen=True, order=False)
class Money:
    """An amount in minor units of one currency (lower-case ISO code). Never a float."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency != self.currency.lower() or not self.currency:
            raise ValueError(f"currency {self.currency!r} must be a lower-case ISO code")

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Money:
        """Money from major units ('14200.50', 'usd'); ValueError if it has too many decimals."""
        scaled = Decimal(amount) * 10 ** exponent(currency)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more decimals than {currency} has")
        return cls(int(scaled), currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    @property
    def is_known_currency(self) -> bool:
        """Whether the number of decimals is known, so that amounts may be shown and compared."""
        return self.currency in KNOWN

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.minor + other.minor, self.currency)

    def text(self) -> str:
        """For people: `$14,200`, `$14,200.50`, `CHF 1,200`, `1234 xyz (minor units)`."""
        if not self.is_known_currency:
            return f"{self.minor} {self.currency.upper()} (minor units)"
        whole = self.major == self.major.to_integral_value()
        number = f"{self.major:,.{0 if whole else exponent(self.currency)}f}"
        sign = SYMBOLS.get(self.currency)
        return f"{sign}{number}" if sign else f"{self.currency.upper()} {number}"


def total(amounts: list[Money]) -> dict[str, Money]:
    """Sums per currency; nothing is ever converted silently."""
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = (
            sums[amount.currency] + amount if amount.currency in sums else amount
        )
    return sums
