"""Finding what no webhook told us: event lists, state sweeps, and a look at everything that is
open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.errors import KidgloveError
from domain.ids import AccountId, Ref
from domain.ports import AccountRecord, FoundAccounts, Hint, ListsChanges, ReadPlan, SweepsHolds
from domain.rows import EVALUATE, LinkState, Mark, Urgency
from mappings.translate import read_plan
from sync.clock import Clock
from sync.configs import Configs
from sync.crms import Crm
from sync.durable import Store, TransactionPort
from sync.notices import Notice, mark_noticed
from sync.refresh import ACCOUNT
from sync.remembering import hinted

EVERY_CASE = 1_000_000
"""The sweep is the last net: a case that it does not look at is found by nobody."""
PAGES = 50
"""Pages that one poll reads at most; what is left waits for the next, the cursor is kept."""


@dataclass(frozen=True)
class Found:
    """What one poll or sweep saw, and how many accounts it wants looked at."""

    seen: int
    marked: int
    is_done: bool = True
    """Whether that was all; what is left goes on where this stopped."""
    problems: tuple[KidgloveError, ...] = ()
    """Why a system was left out; what is in it is looked at the next time."""


class Reconcile:
    """Every method may be repeated, run late or be killed half-way: the cursor moves last."""

    def __init__(
        self,
        *,
        store: Store,
        configs: Configs,
        clock: Clock,
        payments_system: str,
    ) -> None:
        self._store = store
        self._configs = configs
        self._clock = clock
        self._payments_system = payments_system

    def poll(self, name: str, source: ListsChanges) -> Found:
        """Read what changed since the cursor. Event lists go through the inbox like webhooks, so
        that an event that did arrive is recognised and an event that was lost is not."""
        seen = marked = 0
        with self._store.begin() as tx:
            cursor = tx.system.cursor(name)
        for _ in range(PAGES):
            page = source.changes(cursor, now=self._clock.now())
            now = self._clock.now()
            with self._store.begin() as tx:
                if page.raw:
                    seen += len(page.raw)
                    marked += tx.inbox.store(page.raw, now)
                else:
                    seen += len(page.hints)
                    known = tx.links.accounts_of([hint.ref for hint in page.hints])
                    notices = [
                        Notice(
                            account=known[hint.ref],
                            hint=hint,
                            cause=f"{name}:{hint.event_id} {hint.topic}",
                        )
                        for hint in page.hints
                        if hint.ref in known and _says_more(tx, known[hint.ref], hint, now)
                    ]
                    mark_noticed(tx, notices)
                    marked += len(notices)
                tx.system.set_cursor(name, page.cursor, now=now)
            cursor = page.cursor
            if page.is_last:
                break
        return Found(seen, marked)

    def sweep_holds(self, crm: Crm, sweeps: SweepsHolds) -> Found:
        """Compare the complete set of accounts on hold in one CRM with what we hold.

        New ones, released ones and ones that no event ever named are all found by this.
        """
        with self._store.begin() as tx:
            config = self._configs.current(tx, self._clock.now())
        mapping = config.mappings[crm.system]
        plan = read_plan(mapping)
        refs = set(sweeps.accounts_on_hold(plan=plan, words=tuple(mapping.hold.held)))
        marks: dict[AccountId, Mark] = {}
        with self._store.begin() as tx:
            known = tx.links.accounts_of(refs)
            refused = tx.links.refused(refs)
            held = set(known.values())
            open_cases = {
                stored.case.account: stored.case for stored in tx.cases.all(limit=EVERY_CASE)
            }
            for account in held:
                case = open_cases.get(account)
                stance = tx.cases.stance(account)
                is_held = case is not None and case.word is not None
                if is_held and stance is not None and stance.wants_quiet:
                    continue
                if not _has_run_out(tx, account):
                    marks[account] = Mark(Urgency.NORMAL, f"reconcile:{crm.system} hold found")
            for account, case in open_cases.items():
                # A word that no row translates is not in the list, and holds all the same.
                word = case.word
                is_here = word is not None and word.system in (crm.system, None)
                if word and is_here and word.is_understood and account not in held:
                    marks[account] = Mark(Urgency.NORMAL, f"reconcile:{crm.system} hold gone")
            tx.lanes.mark_all_dirty(marks, EVALUATE)
        unknown = refs - known.keys() - refused
        opened = self._open_unknown(crm, sorted(unknown, key=str), plan)
        return Found(len(refs), len(marks) + opened)

    def sweep_everybody(self) -> Found:
        """Read and judge every account whole: bulk work, behind everything that is urgent.

        Two calls and more for each; `sync.survey` finds who needs it for a hundredth of that.
        """
        seen = 0
        after: AccountId | None = None
        while True:
            with self._store.begin() as tx:
                batch = tx.cases.accounts(after=after, limit=500)
                tx.lanes.mark_all_dirty(
                    dict.fromkeys(batch, Mark(Urgency.BULK, "reconcile:sweep")), EVALUATE
                )
            seen += len(batch)
            if not batch:
                return Found(seen, seen)
            after = batch[-1]

    def _open_unknown(self, crm: Crm, refs: list[Ref], plan: ReadPlan) -> int:
        """Accounts on hold that we have never seen: open them by the customer id they carry.

        A record that is set aside stays so: a word in it does not say whose it is.
        """
        if not refs:
            return 0
        answers = crm.reads.read_accounts(ids=[ref.id for ref in refs], plan=plan)
        marked = 0
        now = self._clock.now()
        for ref in refs:
            answer: FoundAccounts | KidgloveError | None = answers.get(ref.id)
            if not isinstance(answer, FoundAccounts) or len(answer.records) != 1:
                continue
            for customer in answer.records[0].customers[:1]:
                owner = Ref(self._payments_system, "customer", customer)
                with self._store.begin() as tx:
                    if tx.links.refused([owner]):
                        continue
                    account = tx.links.open_account(owner, now=now)
                    if not _is_worth_a_look(tx, account, answer.records[0], now):
                        continue
                    tx.lanes.mark_dirty(
                        account, EVALUATE, cause=f"reconcile:{crm.system} hold found"
                    )
                marked += 1
        return marked


def _is_worth_a_look(
    tx: TransactionPort, account: AccountId, record: AccountRecord, now: datetime
) -> bool:
    """Link a record on hold that was never seen, and say whether its account must be looked at.

    One that was set aside is left as it is: the look that follows a change of it may find that the
    doubt is gone. What says nothing new costs no second look, and is told instead.
    """
    ref = record.ref
    here = [one for one in tx.links.of(account) if (one.system, one.kind) == (ref.system, ACCOUNT)]
    aside = next(
        (one for one in here if one.external_id == ref.id and one.state is LinkState.QUARANTINED),
        None,
    )
    is_news = record.digest is not None and tx.system.save_picture(
        account, hinted(ref.id), digest=record.digest, picture={}, read_at=now
    )
    if aside is None:
        linked = next((one for one in here if one.state is LinkState.CONFIRMED), None)
        if linked is None:
            tx.links.link(account, ref, now=now)
        else:
            reason = f"{linked.external_id} is linked already"
            tx.links.quarantine(ref, account=account, reason=reason, now=now)
        return True
    if is_news:
        return True
    tx.audit.raise_alert(
        f"link-unheard:{account}:{ref}",
        f"{ref.system} {ref.id} says that the account is in resolution and is set aside: "
        f"{aside.reason}. Its word does not count until it is confirmed with `kidglove link "
        "confirm`.",
        rule="link.unheard",
        now=now,
        account=account,
    )
    return False


def _has_run_out(tx: TransactionPort, account: AccountId) -> bool:
    """Whether the CRM's word was judged already, exactly as it was last read, and had run out.

    People leave the word standing for weeks; without this each of them costs calls every minute.
    """
    stored, picture = tx.cases.latest(account), tx.system.picture(account, "crm")
    if stored is None or stored.case.spent_word is None or not isinstance(picture, dict):
        return False
    said = picture.get("hold") or {}
    seen = f"{said.get('word')}|{said.get('raw') or ''}|{said.get('until') or ''}"
    return stored.case.spent_word == seen


def _says_more(tx: TransactionPort, account: AccountId, hint: Hint, now: datetime) -> bool:
    """Whether the people's fields of the record differ from when they were last listed or read.

    Our own writes and the overlap of the poll bring a record again without saying anything new.
    """
    if hint.digest is None:
        return True
    name = hinted(hint.record or hint.ref.id)
    return tx.system.save_picture(account, name, digest=hint.digest, picture={}, read_at=now)
