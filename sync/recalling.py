"""What the store knows of an account before it is read."""

from __future__ import annotations

from domain.ids import AccountId
from domain.rows import Stance
from sync.durable import TransactionPort
from sync.refresh import Remembered
from sync.remembering import UNASKED


def recall(tx: TransactionPort, account: AccountId, *, cause: str = "") -> Remembered:
    """Links, case, ledger and agreements, as they are now; `cause` is why it is looked at."""
    return Remembered(
        account=account,
        links=tuple(tx.links.of(account)),
        case=tx.cases.latest(account),
        ledger=tx.cases.ledger(account),
        was_intercepting=_was_intercepting(tx.cases.stance(account)),
        task_place=_task_place(tx, account),
        unasked=_unasked(tx, account),
        cause=cause,
        agreed=tx.agreed.of_account(account),
    )


def _task_place(tx: TransactionPort, account: AccountId) -> str | None:
    """The CRM in which the case's task stands: it does not move until it was seen closed."""
    stored, picture = tx.cases.latest(account), tx.system.picture(account, "crm")
    if stored is None or not isinstance(picture, dict):
        return None
    if not stored.case.is_open and (stored.case.seen_closed or stored.case.task_digest is None):
        return None
    return str((picture.get("account") or {}).get("system") or "") or None


def _unasked(tx: TransactionPort, account: AccountId) -> tuple[str, ...]:
    """The CRMs in which nobody could yet tell whether the account is there."""
    kept = tx.system.picture(account, UNASKED)
    return tuple(kept.get("systems", ())) if isinstance(kept, dict) else ()


def _was_intercepting(stance: Stance | None) -> bool:
    return stance is not None and stance.intercepts
