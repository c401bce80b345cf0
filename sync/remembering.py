"""Writing down what was read of an account, and telling what could not be read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

from domain.errors import Bug, Gone, KidgloveError, Misconfigured, Unauthorized
from domain.facts import CrmPicture, PaymentPicture
from domain.ids import AccountId
from domain.leaf import Known, Leaf
from domain.rows import EVALUATE
from sync.durable import TransactionPort
from sync.linking import Lost
from sync.pictures import PictureCodec
from sync.refresh import Refreshed

UNASKED = "unasked"
"""Under which name it is kept which CRMs have not yet answered whether they know the account."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def remember(
    tx: TransactionPort, codec: PictureCodec, account: AccountId, read: Refreshed, now: datetime
) -> None:
    """Keep the pictures, the name and the links; records that cannot be told apart are set
    aside."""
    payments, crm = read.facts.payments, read.facts.crm
    if isinstance(payments, Known):
        _keep(tx, codec, account, "payments", payments.value)
        if payments.value.name:
            tx.links.name(account, payments.value.name)
    if isinstance(crm, Known):
        _keep(tx, codec, account, "crm", crm.value)
        _know(tx, account, crm.value)
        tx.links.name(account, crm.value.name)
        _link(tx, account, crm.value, payments, now)
    elif read.crm_ref is not None:
        tx.links.link(account, read.crm_ref, now=now)
    for other in read.elsewhere:
        _link(tx, account, other, payments, now)
        _keep(tx, codec, account, f"crm:{other.account.system}", other)
        _know(tx, account, other)
    if read.unasked is not None:
        kept = {"systems": list(read.unasked)}
        digest = " ".join(read.unasked)
        tx.system.save_picture(account, UNASKED, digest=digest, picture=kept, read_at=now)
    for gone in read.lost:
        _lose(tx, account, gone, now)
    for ref in read.ambiguous:
        tx.links.quarantine(
            ref, account=account, reason="several CRM accounts claim the customer", now=now
        )


def _link(
    tx: TransactionPort,
    account: AccountId,
    picture: CrmPicture,
    payments: Leaf[PaymentPicture],
    now: datetime,
) -> None:
    """Keep whose record this is. What it says itself of its customer counts before an older link;
    what it does not say takes no record from another account."""
    ref = picture.account
    before = tx.links.account_of(ref)
    if before == account:
        return
    says_so = isinstance(payments, Known) and payments.value.customer.id in picture.customers
    if not tx.links.link(account, ref, now=now, takes=says_so):
        tx.audit.raise_alert(
            f"link-taken:{account}:{ref}",
            f"{ref.system} {ref.id} may belong to this account and belongs to another one. Nothing "
            "is written to it for this account. `kidglove link list` shows both.",
            rule="link.taken",
            now=now,
            account=account,
        )
    elif before is not None:
        tx.lanes.mark_dirty(before, EVALUATE, cause="kidglove:link lost")


def _lose(tx: TransactionPort, account: AccountId, lost: Lost, now: datetime) -> None:
    """Set a link aside that leads nowhere; the account is looked for anew by its stable id."""
    tx.links.quarantine(lost.ref, account=account, reason=lost.reason, now=now)
    if lost.asks:
        tx.audit.raise_alert(
            f"link-lost:{account}:{lost.ref}",
            f"The link with {lost.ref.system} {lost.ref.id} is set aside: {lost.reason}. Nothing "
            "is written to it for this account until it is confirmed with `kidglove link confirm`.",
            rule="link.lost",
            now=now,
            account=account,
        )
    tx.audit.note(
        "link.lost",
        f"{lost.ref}: {lost.reason}",
        now=now,
        account=account,
        details={"successor": str(lost.successor) if lost.successor else None},
    )
    if lost.successor is None:
        tx.lanes.mark_dirty(account, EVALUATE, cause="kidglove:link lost")


def tell_errors(tx: TransactionPort, account: AccountId, read: Refreshed, now: datetime) -> None:
    """An alert for whatever only a person can mend; each is raised once."""
    if read.ambiguous:
        names = ", ".join(sorted(ref.id for ref in read.ambiguous))
        tx.audit.raise_alert(
            f"ambiguous:{account}:{names}",
            f"Several CRM accounts ({names}) claim the same customer. Nothing is written to "
            "either until one is confirmed with `kidglove link confirm`.",
            rule="link.ambiguous",
            now=now,
            account=account,
        )
    for problem in read.errors:
        if isinstance(problem, Unauthorized | Misconfigured | Bug | Gone):
            tx.audit.raise_alert(
                f"{problem.code}:{_whose(problem, account)}:{problem.message[:80]}",
                f"{problem.message} {problem.remedy}",
                rule=f"facts.{problem.code}",
                now=now,
                account=None if isinstance(problem, Unauthorized) else account,
            )


def _keep(
    tx: TransactionPort,
    codec: PictureCodec,
    account: AccountId,
    source: str,
    picture: PaymentPicture | CrmPicture,
) -> None:
    plain = codec.dump(picture)
    still = codec.dump(replace(picture, read_at=_EPOCH))
    digest = hashlib.sha256(json.dumps(still, sort_keys=True, default=str).encode()).hexdigest()
    tx.system.save_picture(account, source, digest=digest, picture=plain, read_at=picture.read_at)


def _know(tx: TransactionPort, account: AccountId, picture: CrmPicture) -> None:
    """A list that names the record as it was just read says nothing new. Our own write moves its
    stamp, and the next poll would have everybody judged a second time."""
    if picture.digest is not None:
        tx.system.save_picture(
            account,
            hinted(picture.account.id),
            digest=picture.digest,
            picture={},
            read_at=picture.read_at,
        )


def hinted(record: str) -> str:
    """Under which name the last known state of a record in lists is kept."""
    return f"hint:{record}"


def _whose(problem: KidgloveError, account: AccountId) -> str:
    """A refused credential is everybody's trouble and told once; any other is the account's."""
    return "all" if isinstance(problem, Unauthorized) else str(account)
