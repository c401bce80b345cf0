"""What a decline means: who can fix it, whether trying again helps, what may be said to whom."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.decline_table import (
    NO_REASON_ROW,
    TABLE,
    UNKNOWN_ROW,
    Cause,
    DeclineClass,
    Fixer,
    Retry,
    Row,
)

__all__ = ["Cause", "DeclineClass", "Explanation", "Fixer", "Retry", "explain", "known_codes"]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One decline in plain words.

    `plain` is for colleagues. `may_tell_customer` is the only sentence that may reach the
    customer: it never says lost, stolen or suspected. `headline` fits a task's subject and is as
    harmless. `own_retries` caps our own tries with this card; `likely_causes` are shown only where
    the account's data supports them.
    """

    code: str | None
    kind: DeclineClass
    plain: str
    fixer: Fixer
    retry: Retry
    may_tell_customer: str
    likely_causes: tuple[Cause, ...]
    headline: str
    own_retries: int


def explain(code: str | None, advice: str | None = None) -> Explanation:
    """The meaning of a decline code together with the bank's advice on this very charge.

    The advice wins over the code, with one exception: a permission to try later never lifts what
    the code itself forbids, because a forbidden try costs a network fee and cannot succeed. A code
    or an advice we do not know is soft with a low cap and says honestly that we do not know it.
    """
    row = _advised(NO_REASON_ROW if code is None else TABLE.get(code, UNKNOWN_ROW), advice)
    return Explanation(
        code=code,
        kind=row.kind,
        plain=row.plain,
        fixer=row.fixer,
        retry=row.retry,
        may_tell_customer=row.customer,
        likely_causes=row.causes,
        headline=row.headline,
        own_retries=row.own_retries,
    )


def known_codes() -> frozenset[str]:
    """Every code that the table explains."""
    return frozenset(TABLE)


def _advised(row: Row, advice: str | None) -> Row:
    # VENDOR: docs.stripe.com/declines/card, "retrying issuer declines"; the list is open.
    if row.retry is not Retry.SOFT and advice != "do_not_try_again":
        return row
    match advice:
        case "do_not_try_again":
            if row.retry is Retry.HARD:
                return row
            return replace(
                row,
                retry=Retry.HARD,
                fixer=Fixer.CUSTOMER,
                plain=f"{row.plain} The bank asks that this card is not tried again.",
                own_retries=0,
            )
        case "confirm_card_data":
            return replace(
                row,
                kind=DeclineClass.CARD_DATA,
                retry=Retry.NEEDS_NEW_CARD,
                fixer=Fixer.CUSTOMER,
                headline="card details out of date",
                plain="The bank asks to check the card's details: its number, expiry date or "
                "security code on file is not right.",
                customer="One detail of the card on file does not match what the bank has.",
                causes=(Cause.MISTYPED, Cause.CARD_REISSUED),
                own_retries=0,
            )
        case "try_again_later" if row.kind is DeclineClass.UNKNOWN:
            return replace(
                row,
                plain=f"{row.plain} The bank says that it may be tried again later.",
                own_retries=2,
            )
        case _:
            return row
